"""Encrypt, Decrypt, Sign, Signature Verify and MAC (1.2), held against another implementation; Derive Key, and Get
with a Key Wrapping Specification (1.0)."""

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from kmip import enums
from kmip.core.exceptions import ReadValueError
from kmip.core.messages import messages, payloads
from kmip.core.messages.contents import Operation
from kmip.pie import objects
from kmip.pie.exceptions import KmipOperationFailure

from support.pykmip import AES, MASK, REASON, any_name, at_least, key, retire, send, value

ALGORITHM = enums.CryptographicAlgorithm
MODE = enums.BlockCipherMode
PADDING = enums.PaddingMethod
HASH = enums.HashingAlgorithm

KEY = bytes(range(32))
IV = bytes(range(100, 116))


def register(client, material, *masks, algorithm=AES, active=True) -> str:
    uid = client.register(
        objects.SymmetricKey(algorithm, len(material) * 8, material, masks=list(masks), name=any_name())
    )
    if active:
        client.activate(uid)
    return uid


@pytest.mark.parametrize("operation", ["encrypt", "decrypt", "sign", "mac", "signature_verify"])
def test_before_the_operations_were_there(until_1_1, operation):
    client = until_1_1
    calls = {
        "encrypt": lambda: client.encrypt(b"data", "any"),
        "decrypt": lambda: client.decrypt(b"data", "any"),
        "sign": lambda: client.sign(b"data", "any"),
        "mac": lambda: client.mac(b"data", "any", ALGORITHM.HMAC_SHA256),
        "signature_verify": lambda: client.signature_verify(b"data", b"signature", "any"),
    }
    with pytest.raises(KmipOperationFailure) as failure:
        calls[operation]()
    assert failure.value.reason == REASON.OPERATION_NOT_SUPPORTED


def test_aes_cbc(since_1_2):
    client = since_1_2
    uid = register(client, KEY, MASK.ENCRYPT, MASK.DECRYPT)
    parameters = {
        "cryptographic_algorithm": AES,
        "block_cipher_mode": MODE.CBC,
        "padding_method": PADDING.PKCS5,
    }
    for clear in (b"", b"clear text", bytes(16), bytes(range(256)) * 40):
        sealed, iv = client.encrypt(clear, uid, parameters, IV)
        assert iv in (None, IV)
        cipher = Cipher(algorithms.AES(KEY), modes.CBC(IV)).encryptor()
        pad = 16 - len(clear) % 16
        assert sealed == cipher.update(clear + bytes([pad]) * pad) + cipher.finalize()
        assert client.decrypt(sealed, uid, parameters, IV) == clear
    # The server's own initialization vector.
    sealed, iv = client.encrypt(b"clear text", uid, parameters)
    assert len(iv) == 16 and iv != client.encrypt(b"clear text", uid, parameters)[1]
    assert client.decrypt(sealed, uid, parameters, iv) == b"clear text"
    with pytest.raises(KmipOperationFailure) as failure:
        client.decrypt(sealed[:-1], uid, parameters, iv)
    assert failure.value.reason == REASON.CRYPTOGRAPHIC_FAILURE
    retire(client, uid)


@pytest.mark.parametrize("mode", [MODE.CTR, MODE.OFB, MODE.CFB, MODE.ECB])
def test_other_modes_of_aes(since_1_2, mode):
    client = since_1_2
    uid = register(client, KEY, MASK.ENCRYPT, MASK.DECRYPT)
    parameters = {"cryptographic_algorithm": AES, "block_cipher_mode": mode}
    iv = None if mode == MODE.ECB else IV
    clear = b"sixteen bytes..." * 3
    sealed, _ = client.encrypt(clear, uid, parameters, iv)
    assert sealed != clear and len(sealed) == len(clear)
    assert client.decrypt(sealed, uid, parameters, iv) == clear
    retire(client, uid)


def test_aes_gcm(since_1_2):
    """Before 1.4, there is no field for the tag: it is the end of the data. PyKMIP's methods know none in 1.4 either,
    where the server has one; its payloads do."""
    client = since_1_2
    uid = register(client, KEY, MASK.ENCRYPT, MASK.DECRYPT)
    parameters = {"cryptographic_algorithm": AES, "block_cipher_mode": MODE.GCM, "tag_length": 16}
    nonce = IV[:12]
    sealed = AESGCM(KEY).encrypt(nonce, b"clear text", None)
    if not at_least(client, "1.4"):
        data, _ = client.encrypt(b"clear text", uid, parameters, nonce)
        assert data == sealed
        assert client.decrypt(data, uid, parameters, nonce) == b"clear text"
        with pytest.raises(KmipOperationFailure) as failure:
            client.decrypt(data[:-1] + bytes([data[-1] ^ 1]), uid, parameters, nonce)
        assert failure.value.reason == REASON.CRYPTOGRAPHIC_FAILURE
        retire(client, uid)
        return
    about = {
        "unique_identifier": uid,
        "cryptographic_parameters": client._build_cryptographic_parameters(parameters),
        "iv_counter_nonce": nonce,
        "auth_additional_data": b"header",
    }
    sealed = AESGCM(KEY).encrypt(nonce, b"clear text", b"header")
    request = payloads.EncryptRequestPayload(data=b"clear text", **about)
    answer = send(client, enums.Operation.ENCRYPT, request).response_payload
    assert answer.data + answer.auth_tag == sealed
    for tag, expected in ((sealed[-16:], enums.ResultStatus.SUCCESS), (bytes(16), None)):
        request = payloads.DecryptRequestPayload(data=sealed[:-16], auth_tag=tag, **about)
        answer = send(client, enums.Operation.DECRYPT, request)
        if expected is None:
            assert answer.result_reason.value == REASON.CRYPTOGRAPHIC_FAILURE
        else:
            assert answer.response_payload.data == b"clear text"
    retire(client, uid)


def test_who_may_not_encrypt(since_1_2):
    client = since_1_2
    parameters = {"block_cipher_mode": MODE.CBC, "padding_method": PADDING.PKCS5}
    early = register(client, KEY, MASK.ENCRYPT, MASK.DECRYPT, active=False)
    mute = register(client, KEY, MASK.MAC_GENERATE)
    for uid in (early, mute):
        with pytest.raises(KmipOperationFailure) as failure:
            client.encrypt(b"clear text", uid, parameters, IV)
        if uid == mute and at_least(client, "1.4"):
            assert failure.value.reason.name in (
                "INCOMPATIBLE_CRYPTOGRAPHIC_USAGE_MASK", "PERMISSION_DENIED",
            )  # fmt: skip
        else:
            assert failure.value.reason == REASON.PERMISSION_DENIED
    client.activate(early)
    sealed, _ = client.encrypt(b"clear text", early, parameters, IV)
    client.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, early)
    with pytest.raises(KmipOperationFailure) as failure:
        client.encrypt(b"clear text", early, parameters, IV)
    assert failure.value.reason == REASON.PERMISSION_DENIED
    # What is sealed is not lost.
    assert client.decrypt(sealed, early, parameters, IV) == b"clear text"
    retire(client, early, mute)


@pytest.mark.parametrize(
    "algorithm, digest",
    [
        (ALGORITHM.HMAC_SHA1, "sha1"),
        (ALGORITHM.HMAC_SHA256, "sha256"),
        (ALGORITHM.HMAC_SHA512, "sha512"),
    ],
)
def test_mac(since_1_2, algorithm, digest):
    client = since_1_2
    uid = register(client, KEY, MASK.MAC_GENERATE, algorithm=algorithm)
    got, code = client.mac(b"data", uid, algorithm)
    assert got == uid
    assert code == hmac.new(KEY, b"data", digest).digest()
    retire(client, uid)


@pytest.fixture(scope="session")
def rsa_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize("scheme", [PADDING.PSS, PADDING.PKCS1v15])
def test_signatures(since_1_2, rsa_key, scheme):
    client = since_1_2
    der = serialization.Encoding.DER
    private = client.register(
        objects.PrivateKey(
            ALGORITHM.RSA,
            2048,
            rsa_key.private_bytes(der, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
            enums.KeyFormatType.PKCS_8,
            masks=[MASK.SIGN],
            name=any_name(),
        )
    )
    public = client.register(
        objects.PublicKey(
            ALGORITHM.RSA,
            2048,
            rsa_key.public_key().public_bytes(der, serialization.PublicFormat.PKCS1),
            enums.KeyFormatType.PKCS_1,
            masks=[MASK.VERIFY],
            name=any_name(),
        )
    )
    client.activate(private)
    client.activate(public)
    parameters = {
        "padding_method": scheme,
        "hashing_algorithm": HASH.SHA_256,
        "cryptographic_algorithm": ALGORITHM.RSA,
    }
    signature = client.sign(b"data", private, parameters)
    pads = {
        PADDING.PSS: padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO),
        PADDING.PKCS1v15: padding.PKCS1v15(),
    }
    rsa_key.public_key().verify(signature, b"data", pads[scheme], hashes.SHA256())
    for data, expected in (
        (b"data", enums.ValidityIndicator.VALID),
        (b"beta", enums.ValidityIndicator.INVALID),
    ):
        assert client.signature_verify(data, signature, public, parameters) == expected
    with pytest.raises(KmipOperationFailure):
        client.sign(b"data", public, parameters)
    retire(client, private, public)


def derived(client, base, method, parameters, length=256, **attributes) -> bytes:
    uid = client.derive_key(
        enums.ObjectType.SYMMETRIC_KEY,
        base,
        method,
        parameters,
        cryptographic_algorithm=AES,
        cryptographic_length=length,
        cryptographic_usage_mask=[MASK.ENCRYPT],
        **attributes,
    )
    assert value(client, uid, "Cryptographic Length") == length
    material = client.get(uid).value
    client.destroy(uid)
    return material


def test_derivation(client):
    base = register(client, KEY, MASK.DERIVE_KEY)
    sha256 = {"hashing_algorithm": HASH.SHA_256}
    got = derived(
        client,
        [base],
        enums.DerivationMethod.HMAC,
        {"cryptographic_parameters": sha256, "derivation_data": b"context"},
    )
    assert got == hmac.new(KEY, b"context", "sha256").digest()
    got = derived(
        client, [base], enums.DerivationMethod.HASH, {"cryptographic_parameters": sha256}
    )
    assert got == hashlib.sha256(KEY).digest()
    got = derived(
        client,
        [base],
        enums.DerivationMethod.PBKDF2,
        {"cryptographic_parameters": sha256, "salt": b"salt", "iteration_count": 1000},
    )
    kdf = PBKDF2HMAC(hashes.SHA256(), 32, b"salt", 1000)
    assert got == kdf.derive(KEY)
    got = derived(
        client,
        [base],
        enums.DerivationMethod.ENCRYPT,
        {
            "cryptographic_parameters": {
                "block_cipher_mode": MODE.CBC,
                "padding_method": PADDING.PKCS5,
                "cryptographic_algorithm": AES,
            },
            "initialization_vector": IV,
            "derivation_data": bytes(range(40)),
        },
    )
    cipher = Cipher(algorithms.AES(KEY), modes.CBC(IV)).encryptor()
    assert got == cipher.update(bytes(range(32)))
    # Without the right, or with too little to derive from.
    other = register(client, KEY, MASK.ENCRYPT)
    for bases, length in (([other], 256), ([base], 1024)):
        with pytest.raises(KmipOperationFailure):
            derived(
                client,
                bases,
                enums.DerivationMethod.HASH,
                {"cryptographic_parameters": sha256},
                length,
            )
    retire(client, base, other)


def test_secrets_are_derived_too(client):
    base = register(client, KEY, MASK.DERIVE_KEY)
    uid = client.derive_key(
        enums.ObjectType.SECRET_DATA,
        [base],
        enums.DerivationMethod.HMAC,
        {
            "cryptographic_parameters": {"hashing_algorithm": HASH.SHA_256},
            "derivation_data": b"context",
        },
        cryptographic_length=160,
        cryptographic_usage_mask=[MASK.DERIVE_KEY],
    )
    got = client.get(uid)
    assert got.object_type == enums.ObjectType.SECRET_DATA
    assert got.value == hmac.new(KEY, b"context", "sha256").digest()[:20]
    client.destroy(uid)
    retire(client, base)


def wrapping(uid, mode=MODE.NIST_KEY_WRAP, option=None):
    specification = {
        "wrapping_method": enums.WrappingMethod.ENCRYPT,
        "encryption_key_information": {
            "unique_identifier": uid,
            "cryptographic_parameters": {"block_cipher_mode": mode},
        },
    }
    if option is not None:
        specification["encoding_option"] = option
    return specification


def _key_value(client, uid, specification) -> bytes:
    """A Key Value that is a Byte String, from an answer as it is on the wire."""
    proxy = client.proxy
    payload = payloads.GetRequestPayload(
        unique_identifier=uid,
        key_wrapping_specification=client._build_key_wrapping_specification(specification),
    )
    item = messages.RequestBatchItem(
        operation=Operation(enums.Operation.GET), request_payload=payload
    )
    proxy._send_message(proxy._build_request_message(None, [item]))
    answer = bytes(proxy._receive_message().buffer)
    start = answer.index(bytes.fromhex("42004508"))
    length = int.from_bytes(answer[start + 4 : start + 8], "big")
    return answer[start + 8 : start + 8 + length]


def test_wrapped_keys(client):
    """RFC 3394, section 4.1."""
    wrapper = register(client, bytes(range(16)), MASK.WRAP_KEY)
    data = bytes.fromhex("00112233445566778899aabbccddeeff")
    uid = register(client, data, MASK.ENCRYPT, active=False)
    if at_least(client, "1.1"):
        specification = wrapping(wrapper, option=enums.EncodingOption.NO_ENCODING)
        # As the published cases have it: PyKMIP takes a wrapped Key Value for a structure, and cannot read it.
        with pytest.raises(ReadValueError, match="expected 1, received 8"):
            client.get(uid, specification)
        wrapped = _key_value(client, uid, specification)
        assert wrapped.hex() == "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"
    # Without the option, and always in 1.0, the encoded Key Value is what is wrapped.
    encoded = keywrap.aes_key_unwrap(bytes(range(16)), _key_value(client, uid, wrapping(wrapper)))
    assert encoded.hex() == "42004501000000184200430800000010" + data.hex()
    # Who may not wrap, and what is not there.
    with pytest.raises(KmipOperationFailure) as failure:
        client.get(uid, wrapping(uid))
    assert failure.value.reason == REASON.PERMISSION_DENIED
    with pytest.raises(KmipOperationFailure) as failure:
        client.get(uid, wrapping("nowhere"))
    assert failure.value.reason == (
        REASON.WRAPPING_OBJECT_NOT_FOUND if at_least(client, "2.0") else REASON.ITEM_NOT_FOUND
    )
    retire(client, wrapper, uid)


def test_a_key_that_is_used_for_what_it_is_not_for(client):
    uid = key(client, MASK.SIGN)
    with pytest.raises(KmipOperationFailure):
        derived(
            client,
            [uid],
            enums.DerivationMethod.HASH,
            {"cryptographic_parameters": {"hashing_algorithm": HASH.SHA_256}},
        )
    retire(client, uid)
