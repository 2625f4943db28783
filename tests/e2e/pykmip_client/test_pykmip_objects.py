"""Register of every type of object that PyKMIP has, and Create Key Pair; what comes back is what was given."""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from kmip import enums
from kmip.core import secrets
from kmip.core.attributes import Name, PrivateKeyUniqueIdentifier
from kmip.core.misc import KeyFormatType
from kmip.core.objects import TemplateAttribute
from kmip.pie import objects
from kmip.pie.exceptions import KmipOperationFailure

from support.pykmip import (
    AES,
    MASK,
    REASON,
    TYPE,
    at_least,
    attribute,
    attributes,
    custom,
    key,
    name,
    name_is_taken,
    retire,
    state,
    value,
)

RSA = enums.CryptographicAlgorithm.RSA


@pytest.fixture(scope="session")
def rsa_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private(key, form) -> bytes:
    form = {
        enums.KeyFormatType.PKCS_1: serialization.PrivateFormat.TraditionalOpenSSL,
        enums.KeyFormatType.PKCS_8: serialization.PrivateFormat.PKCS8,
    }[form]
    return key.private_bytes(serialization.Encoding.DER, form, serialization.NoEncryption())


def public(key, form) -> bytes:
    form = {
        enums.KeyFormatType.PKCS_1: serialization.PublicFormat.PKCS1,
        enums.KeyFormatType.X_509: serialization.PublicFormat.SubjectPublicKeyInfo,
    }[form]
    return key.public_key().public_bytes(serialization.Encoding.DER, form)


def certificate(key, called: str) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, called)])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.DER)


def registered(client, given):
    """What comes back for it; it is of the same type, and the only one of its name."""
    uid = client.register(given)
    got = client.get(uid)
    assert got.object_type == given.object_type
    assert got.value == given.value
    assert value(client, uid, "Object Type") == given.object_type
    assert client.locate(attributes=[name(given.names[0])]) == [uid]
    return uid, got


@pytest.mark.parametrize(
    "algorithm, size",
    [
        (AES, 16),
        (AES, 24),
        (AES, 32),
        (enums.CryptographicAlgorithm.TRIPLE_DES, 24),
        (enums.CryptographicAlgorithm.HMAC_SHA256, 32),
        (enums.CryptographicAlgorithm.CAMELLIA, 16),
    ],
)
def test_symmetric_keys(client, unique, algorithm, size):
    material = bytes(range(1, size + 1))
    given = objects.SymmetricKey(algorithm, size * 8, material, masks=[MASK.ENCRYPT], name=unique)
    uid, got = registered(client, given)
    assert got.cryptographic_algorithm == algorithm
    assert got.cryptographic_length == size * 8
    assert value(client, uid, "Cryptographic Algorithm") == algorithm
    assert value(client, uid, "Cryptographic Length") == size * 8
    assert value(client, uid, "Cryptographic Usage Mask") == MASK.ENCRYPT.value
    client.destroy(uid)


@pytest.mark.parametrize("form", [enums.KeyFormatType.PKCS_1, enums.KeyFormatType.PKCS_8])
def test_private_keys(client, unique, rsa_key, form):
    given = objects.PrivateKey(RSA, 2048, private(rsa_key, form), form, masks=[MASK.SIGN], name=unique)
    uid, got = registered(client, given)
    assert got.key_format_type == form
    client.destroy(uid)


@pytest.mark.parametrize("form", [enums.KeyFormatType.PKCS_1, enums.KeyFormatType.X_509])
def test_public_keys(client, unique, rsa_key, form):
    given = objects.PublicKey(RSA, 2048, public(rsa_key, form), form, masks=[MASK.VERIFY], name=unique)
    uid, got = registered(client, given)
    assert got.key_format_type == form
    client.destroy(uid)


def test_certificates(client, unique):
    key = ec.generate_private_key(ec.SECP256R1())
    given = objects.X509Certificate(certificate(key, "www.example.com"), masks=[MASK.VERIFY], name=unique)
    uid, got = registered(client, given)
    assert got.certificate_type == enums.CertificateType.X_509
    # PyKMIP can read what is said of certificates in 1.x alone.
    if not at_least(client, "2.0"):
        assert value(client, uid, "Certificate Type") == enums.CertificateType.X_509
    if at_least(client, "1.1") and not at_least(client, "2.0"):
        assert value(client, uid, "Certificate Length") == len(given.value)
    client.destroy(uid)
    broken = objects.X509Certificate(b"\x30\x03\x02\x01\x01", name=unique)
    with pytest.raises(KmipOperationFailure) as failure:
        client.register(broken)
    assert failure.value.reason == REASON.INVALID_FIELD


@pytest.mark.parametrize("kind", list(enums.SecretDataType))
def test_secret_data(client, unique, kind):
    given = objects.SecretData(b"swordfish\x00\xff", kind, masks=[MASK.DERIVE_KEY], name=unique)
    uid, got = registered(client, given)
    assert got.data_type == kind
    client.activate(uid)
    assert state(client, uid) == enums.State.ACTIVE
    retire(client, uid)


def test_opaque_objects(client, unique):
    given = objects.OpaqueObject(b"anything at all", enums.OpaqueDataType.NONE, name=unique)
    uid, got = registered(client, given)
    assert got.opaque_type == enums.OpaqueDataType.NONE
    client.destroy(uid)


def test_an_object_of_100_kilobytes(client, unique):
    given = objects.OpaqueObject(bytes(range(256)) * 400, enums.OpaqueDataType.NONE, name=unique)
    uid, _ = registered(client, given)
    client.destroy(uid)


def test_split_keys(client, unique):
    given = objects.SplitKey(
        cryptographic_algorithm=AES,
        cryptographic_length=128,
        key_value=bytes(range(16)),
        cryptographic_usage_masks=[MASK.ENCRYPT],
        name=unique,
        split_key_parts=3,
        key_part_identifier=1,
        split_key_threshold=2,
        split_key_method=enums.SplitKeyMethod.XOR,
        prime_field_size=None,
    )
    uid, got = registered(client, given)
    assert (got.split_key_parts, got.key_part_identifier, got.split_key_threshold) == (3, 1, 2)
    assert got.split_key_method == enums.SplitKeyMethod.XOR
    client.destroy(uid)


def test_a_key_that_is_registered_wrapped(client, unique):
    """It stays as it is: the server does not know the wrapping key."""
    wrapped = bytes.fromhex("1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5")
    given = objects.SymmetricKey(
        AES,
        128,
        wrapped,
        masks=[MASK.ENCRYPT],
        name=unique,
        key_wrapping_data={
            "wrapping_method": enums.WrappingMethod.ENCRYPT,
            "encryption_key_information": {
                "unique_identifier": "of-somebody-else",
                "cryptographic_parameters": {
                    "block_cipher_mode": enums.BlockCipherMode.NIST_KEY_WRAP,
                },
            },
            # Of 1.1.
            "encoding_option": (
                enums.EncodingOption.NO_ENCODING if at_least(client, "1.1") else None
            ),
        },
    )
    uid, got = registered(client, given)
    data = got.key_wrapping_data
    assert data["wrapping_method"] == enums.WrappingMethod.ENCRYPT
    assert data["encryption_key_information"]["unique_identifier"] == "of-somebody-else"
    client.destroy(uid)


def test_what_does_not_agree_with_itself(client, unique):
    given = objects.SymmetricKey(AES, 128, bytes(16), masks=[MASK.ENCRYPT], name=unique)
    # Behind PyKMIP's own check.
    given.cryptographic_length = 256
    with pytest.raises(KmipOperationFailure) as failure:
        client.register(given)
    assert failure.value.reason == REASON.INVALID_FIELD
    assert client.locate(attributes=[name(unique)]) == []


def test_what_an_application_says_of_an_object(client, unique):
    given = objects.SecretData(
        b"of an application",
        enums.SecretDataType.PASSWORD,
        name=unique,
        app_specific_info=[
            {"application_namespace": "ssl", "application_data": f"www.{unique}.example.com"}
        ],
    )
    uid, _ = registered(client, given)
    (information,) = attributes(client, uid, "Application Specific Information").popitem()[1]
    assert information.application_namespace == "ssl"
    assert information.application_data == f"www.{unique}.example.com"
    for data, found in ((f"www.{unique}.example.com", [uid]), ("mail.example.com", [])):
        wanted = attribute(
            TYPE.APPLICATION_SPECIFIC_INFORMATION,
            {"application_namespace": "ssl", "application_data": data},
        )
        assert client.locate(attributes=[wanted]) == found
    client.destroy(uid)


def test_templates(until_1_4, unique):
    """Gone in 2.0. They are named by others, and their attributes go to what is made."""
    client = until_1_4
    content = [
        attribute(TYPE.CRYPTOGRAPHIC_ALGORITHM, AES),
        attribute(TYPE.CRYPTOGRAPHIC_LENGTH, 192),
        custom("x-Purpose", "of the template"),
    ]
    result = client.proxy.register(
        enums.ObjectType.TEMPLATE,
        TemplateAttribute(attributes=[name(unique)]),
        secrets.Template(content),
    )
    assert result.result_status.value == enums.ResultStatus.SUCCESS
    template = result.uuid
    mask = attribute(TYPE.CRYPTOGRAPHIC_USAGE_MASK, [MASK.ENCRYPT])
    reference = Name.create(unique, enums.NameType.UNINTERPRETED_TEXT_STRING)
    wanted = TemplateAttribute(names=[reference], attributes=[mask])
    created = client.proxy.create(enums.ObjectType.SYMMETRIC_KEY, wanted)
    assert created.result_status.value == enums.ResultStatus.SUCCESS, created.result_message
    assert len(client.get(created.uuid).value) == 24
    assert value(client, created.uuid, "x-Purpose") == "of the template"
    client.destroy(created.uuid)
    client.destroy(template)


def test_key_pairs(client, unique):
    public_uid, private_uid = client.create_key_pair(
        RSA,
        2048,
        public_name=f"{unique}-public",
        public_usage_mask=[MASK.VERIFY],
        private_name=f"{unique}-private",
        private_usage_mask=[MASK.SIGN],
    )
    public_key, private_key = client.get(public_uid), client.get(private_uid)
    assert public_key.object_type == enums.ObjectType.PUBLIC_KEY
    assert private_key.object_type == enums.ObjectType.PRIVATE_KEY
    # The halves are of one key.
    load = {
        enums.KeyFormatType.PKCS_1: serialization.load_der_private_key,
        enums.KeyFormatType.PKCS_8: serialization.load_der_private_key,
    }[private_key.key_format_type]
    loaded = load(private_key.value, None)
    assert loaded.key_size == 2048
    assert public_key.value == public(loaded, public_key.key_format_type)
    assert value(client, public_uid, "Cryptographic Usage Mask") == MASK.VERIFY.value
    assert value(client, private_uid, "Cryptographic Usage Mask") == MASK.SIGN.value
    assert client.locate(attributes=[name(f"{unique}-private")]) == [private_uid]
    assert client.locate(attributes=[name(f"{unique}-public")]) == [public_uid]
    client.destroy(public_uid)
    client.destroy(private_uid)


def test_key_pairs_that_are_re_keyed(client, unique):
    public_uid, private_uid = client.create_key_pair(
        RSA, 2048, private_name=unique, private_usage_mask=[MASK.SIGN], public_usage_mask=[MASK.VERIFY]
    )
    if not at_least(client, "1.1"):
        result = client.proxy.rekey_key_pair(private_key_uuid=PrivateKeyUniqueIdentifier(private_uid))
        assert result.result_status.value == enums.ResultStatus.OPERATION_FAILED
        assert result.result_reason.value == REASON.OPERATION_NOT_SUPPORTED
        retire(client, public_uid, private_uid)
        return
    result = client.proxy.rekey_key_pair(private_key_uuid=PrivateKeyUniqueIdentifier(private_uid))
    assert result.result_status.value == enums.ResultStatus.SUCCESS, result.result_message
    new_private, new_public = result.private_key_uuid, result.public_key_uuid
    assert len({str(new_private), str(new_public), private_uid, public_uid}) == 4
    assert client.get(str(new_private)).value != client.get(private_uid).value
    assert client.locate(attributes=[name(unique)]) == [str(new_private)]
    retire(client, public_uid, private_uid, str(new_public), str(new_private))


def test_the_formats_of_a_get(client):
    uid = key(client, active=False)
    material = client.get(uid).value
    for form in (enums.KeyFormatType.RAW, enums.KeyFormatType.OPAQUE):
        result = client.proxy.get(uid, key_format_type=KeyFormatType(form))
        assert result.result_status.value == enums.ResultStatus.SUCCESS
        block = result.secret.key_block
        assert block.key_format_type.value == form
        assert block.key_value.key_material.value == material
    # PyKMIP cannot read the transparent ones.
    transparent = KeyFormatType(enums.KeyFormatType.TRANSPARENT_SYMMETRIC_KEY)
    with pytest.raises(TypeError, match="key material"):
        client.proxy.get(uid, key_format_type=transparent)
    result = client.proxy.get(uid, key_format_type=KeyFormatType(enums.KeyFormatType.PKCS_8))
    assert result.result_reason.value == REASON.KEY_FORMAT_TYPE_NOT_SUPPORTED
    client.destroy(uid)


def test_no_compression(client):
    public_uid, private_uid = client.create_key_pair(RSA, 2048)
    compression = enums.KeyCompressionType.EC_PUBLIC_KEY_TYPE_UNCOMPRESSED
    result = client.proxy.get(public_uid, key_compression_type=compression)
    assert result.result_reason.value == REASON.KEY_COMPRESSION_TYPE_NOT_SUPPORTED
    client.destroy(public_uid)
    client.destroy(private_uid)



def test_the_names_that_pykmip_gives(client):
    """Every key that it registers without a name of its own is called "Symmetric Key": a second one is refused, since
    a Name is one object's (KMIP 1.4, section 3.2)."""
    first = objects.SymmetricKey(AES, 128, bytes(16), masks=[MASK.ENCRYPT])
    uid = client.register(first)
    assert client.locate(attributes=[name("Symmetric Key")]) == [uid]
    with pytest.raises(KmipOperationFailure) as failure:
        client.register(objects.SymmetricKey(AES, 128, bytes(16), masks=[MASK.ENCRYPT]))
    assert failure.value.reason == name_is_taken(client)
    client.destroy(uid)
    client.destroy(client.register(first))
