"""Our KMIP server, as the playground runs it, with PyKMIP's client: all operations that the client has, in
every version that it speaks."""

import re

import pytest
from kmip import enums
from kmip.core.attributes import Name
from kmip.core.factories.attributes import AttributeFactory
from kmip.pie import objects
from kmip.pie.client import ProxyKmipClient
from kmip.pie.exceptions import KmipOperationFailure

from support.paths import STRONGROOM
from support.process import Process, wait_until

MASK = enums.CryptographicUsageMask
AES = enums.CryptographicAlgorithm.AES

VERSIONS = [
    enums.KMIPVersion.KMIP_1_0,
    enums.KMIPVersion.KMIP_1_1,
    enums.KMIPVersion.KMIP_1_2,
    enums.KMIPVersion.KMIP_1_3,
    enums.KMIPVersion.KMIP_1_4,
    enums.KMIPVersion.KMIP_2_0,
]


def at_least(version, other):
    return VERSIONS.index(version) >= VERSIONS.index(other)


@pytest.fixture(scope="module")
def playground(tmp_path_factory):
    """The directory of a playground that runs."""
    directory = tmp_path_factory.mktemp("pykmip") / "playground"
    args = [STRONGROOM, "dev", "--dir", directory, "--port", "0"]
    process = Process("strongroom dev", args, directory.parent / "output.txt")

    def printed():
        assert process.status() is None, process.tail()
        return re.search(r"mongodb://", process.text())

    wait_until(printed, "the playground")
    yield directory
    process.end()


@pytest.fixture(params=VERSIONS, ids=lambda version: version.name)
def client(playground, request, tmp_path):
    config = (playground / "strongroomd.conf").read_text()
    port = int(re.search(r"kmip:.*?port: (\d+)", config, re.DOTALL).group(1))
    # PyKMIP insists on a file of its own.
    ours = tmp_path / "client.conf"
    ours.write_text("[client]\n")
    combined = playground / "pki" / "kmip-client.pem"
    client = ProxyKmipClient(
        hostname="127.0.0.1",
        port=port,
        cert=str(combined),
        key=str(combined),
        ca=str(playground / "pki" / "ca.pem"),
        ssl_version="PROTOCOL_TLSv1_2",
        config_file=str(ours),
        kmip_version=request.param,
    )
    with client:
        yield client


def aes(client, name=None, masks=(MASK.ENCRYPT, MASK.DECRYPT), active=True):
    """A new key."""
    uid = client.create(AES, 256, name=name, cryptographic_usage_mask=list(masks))
    if active:
        client.activate(uid)
    return uid


def revoked(client, *uids):
    for uid in uids:
        client.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, uid)
        client.destroy(uid)


def named(value):
    return Name.create(value, enums.NameType.UNINTERPRETED_TEXT_STRING)


def state(client, uid):
    _, attributes = client.get_attributes(uid, ["State"])
    return attributes[0].attribute_value.value


def test_the_life_of_a_key(client):
    name = f"life-{client.kmip_version.name}"
    uid = aes(client, name, active=False)
    assert state(client, uid) == enums.State.PRE_ACTIVE
    client.activate(uid)
    assert state(client, uid) == enums.State.ACTIVE
    assert len(client.get(uid).value) == 32
    assert {"Unique Identifier", "Name", "State"} <= set(client.get_attribute_list(uid))
    wanted = AttributeFactory().create_attribute(enums.AttributeType.NAME, named(name))
    assert client.locate(attributes=[wanted]) == [uid]
    with pytest.raises(KmipOperationFailure):
        client.destroy(uid)
    revoked(client, uid)
    assert client.locate(attributes=[wanted]) == []
    with pytest.raises(KmipOperationFailure):
        client.get(uid)


def test_registered_objects(client):
    key = objects.SymmetricKey(AES, 128, bytes(range(16)), masks=[MASK.ENCRYPT])
    secret = objects.SecretData(b"swordfish", enums.SecretDataType.PASSWORD, masks=[])
    opaque = objects.OpaqueObject(b"anything", enums.OpaqueDataType.NONE)
    for registered in (key, secret, opaque):
        uid = client.register(registered)
        assert client.get(uid).value == registered.value
        client.destroy(uid)


def test_re_keying(client):
    name = f"re-key-{client.kmip_version.name}"
    old = aes(client, name)
    new = client.rekey(old)
    assert new != old
    assert client.get(new).value != client.get(old).value
    assert client.get(new).names == [name]
    revoked(client, old, new)


def test_checks(client):
    uid = aes(client)
    assert client.check(uid, cryptographic_usage_mask=[MASK.ENCRYPT]) == uid
    revoked(client, uid)


def test_key_wrapping(client):
    wrapping = client.register(
        objects.SymmetricKey(AES, 128, bytes(range(16)), masks=[MASK.WRAP_KEY])
    )
    client.activate(wrapping)
    data = bytes.fromhex("00112233445566778899aabbccddeeff")
    uid = client.register(objects.SymmetricKey(AES, 128, data, masks=[MASK.ENCRYPT]))
    specification = {
        "wrapping_method": enums.WrappingMethod.ENCRYPT,
        "encryption_key_information": {
            "unique_identifier": wrapping,
            "cryptographic_parameters": {
                "block_cipher_mode": enums.BlockCipherMode.NIST_KEY_WRAP,
            },
        },
    }
    if client.kmip_version != enums.KMIPVersion.KMIP_1_0:
        # 1.0 has no encoding option: what is wrapped is encoded.
        specification["encoding_option"] = enums.EncodingOption.NO_ENCODING
    wrapped = client.get(uid, specification)
    if client.kmip_version != enums.KMIPVersion.KMIP_1_0:
        # RFC 3394, section 4.1.
        assert wrapped.value.hex() == "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"
    revoked(client, wrapping)
    client.destroy(uid)


def test_derivation(client):
    base = aes(client, masks=[MASK.DERIVE_KEY])
    uid = client.derive_key(
        enums.ObjectType.SYMMETRIC_KEY,
        [base],
        enums.DerivationMethod.HMAC,
        {
            "cryptographic_parameters": {"hashing_algorithm": enums.HashingAlgorithm.SHA_256},
            "derivation_data": b"context",
        },
        cryptographic_algorithm=AES,
        cryptographic_length=256,
        cryptographic_usage_mask=[MASK.ENCRYPT],
    )
    assert len(client.get(uid).value) == 32
    client.destroy(uid)
    revoked(client, base)


def test_attributes(client):
    uid = aes(client, f"attributes-{client.kmip_version.name}")
    if client.kmip_version == enums.KMIPVersion.KMIP_2_0:
        with pytest.raises(KmipOperationFailure):
            client.set_attribute(uid, attribute_name="Cryptographic Length", attribute_value=128)
        client.set_attribute(uid, attribute_name="Sensitive", attribute_value=True)
        with pytest.raises(KmipOperationFailure):
            client.get(uid)
    else:
        attribute = AttributeFactory().create_attribute(enums.AttributeType.NAME, named("other"), 0)
        client.modify_attribute(uid, attribute=attribute)
        assert client.get(uid).names == ["other"]
        client.delete_attribute(uid, attribute_name="Name", attribute_index=0)
        assert client.get(uid).names == []
    revoked(client, uid)


def test_cryptography(client):
    if not at_least(client.kmip_version, enums.KMIPVersion.KMIP_1_2):
        pytest.skip("of 1.2")
    uid = aes(client)
    parameters = {
        "cryptographic_algorithm": AES,
        "block_cipher_mode": enums.BlockCipherMode.CBC,
        "padding_method": enums.PaddingMethod.PKCS5,
    }
    sealed, iv = client.encrypt(b"clear text", uid, parameters)
    assert len(iv) == 16
    assert client.decrypt(sealed, uid, parameters, iv) == b"clear text"
    revoked(client, uid)

    uid = client.register(
        objects.SymmetricKey(
            enums.CryptographicAlgorithm.HMAC_SHA256, 256, bytes(32), masks=[MASK.MAC_GENERATE]
        )
    )
    client.activate(uid)
    _, code = client.mac(b"data", uid, enums.CryptographicAlgorithm.HMAC_SHA256)
    assert len(code) == 32
    revoked(client, uid)


def test_key_pairs(client):
    public, private = client.create_key_pair(
        enums.CryptographicAlgorithm.RSA,
        2048,
        public_usage_mask=[MASK.VERIFY],
        private_usage_mask=[MASK.SIGN],
    )
    assert client.get(public).object_type == enums.ObjectType.PUBLIC_KEY
    assert client.get(private).object_type == enums.ObjectType.PRIVATE_KEY
    client.activate(public)
    client.activate(private)
    if at_least(client.kmip_version, enums.KMIPVersion.KMIP_1_2):
        parameters = {
            "padding_method": enums.PaddingMethod.PSS,
            "hashing_algorithm": enums.HashingAlgorithm.SHA_256,
            "cryptographic_algorithm": enums.CryptographicAlgorithm.RSA,
        }
        signature = client.sign(b"data", private, parameters)
        for data, expected in (
            (b"data", enums.ValidityIndicator.VALID),
            (b"beta", enums.ValidityIndicator.INVALID),
        ):
            assert client.signature_verify(data, signature, public, parameters) == expected
    revoked(client, public, private)
