"""Starts that cannot succeed: each ends with a message that names what to mend, a status of its own,
and nothing created, neither on the KMIP server nor in the dbpath.

The messages as a whole are in golden/start; UPDATE_GOLDEN=1 writes them anew."""

import contextlib
import hashlib
import socket
import threading
from dataclasses import dataclass, field

import pytest
from kmip import enums
from kmip.pie.objects import SecretData, SymmetricKey

from support import disk, golden
from support.certificates import Authority
from support.exit_status import statuses
from support.kmip import PyKmip
from support.process import free_port
from support.server import KmipAccess


@dataclass
class Case:
    """What to start with, and what must come of it."""

    status: str
    parts: list[str]
    options: list[str]
    own_options: bool = True
    secret: str = "hunter2"
    cleanup: list = field(default_factory=list)


def replace(options: list[str], flag: str, value) -> list[str]:
    changed = list(options)
    changed[changed.index(flag) + 1] = str(value)
    return changed


def without(options: list[str], flag: str) -> list[str]:
    at = options.index(flag)
    return options[:at] + options[at + 2 :]


# Each gets the access to a KMIP server that works, and a directory for files.


def unreachable(access, tmp):
    port = free_port()
    return Case("KmipUnreachable", [str(port), "127.0.0.1"], replace(access.options(), "--kmipPort", port))


def unresolvable(access, tmp):
    name = "no-such-host.invalid"
    return Case("KmipUnresolved", [name], replace(access.options(), "--kmipServerName", name))


def certificate_missing(access, tmp):
    path = tmp / "nowhere.pem"
    options = replace(access.options(), "--kmipClientCertificateFile", path)
    return Case("TlsFileMissing", [str(path), "lientCertificateFile"], options)


def ca_missing(access, tmp):
    path = tmp / "no-ca.pem"
    options = replace(access.options(), "--kmipServerCAFile", path)
    return Case("TlsFileMissing", [str(path), "erverCAFile"], options)


def certificate_not_pem(access, tmp):
    path = tmp / "not.pem"
    path.write_bytes(b"hunter2 \x30\x82 this is no PEM file\n")
    options = replace(access.options(), "--kmipClientCertificateFile", path)
    return Case("TlsFileInvalid", [str(path)], options)


def certificate_without_key(access, tmp):
    path = access.client.certificate
    options = replace(access.options(), "--kmipClientCertificateFile", path)
    return Case("TlsKeyMissing", [str(path), "key"], options)


def key_of_another_certificate(access, tmp):
    other = access.ca.issue("somebody-else")
    path = tmp / "mixed.pem"
    path.write_bytes(access.client.certificate.read_bytes() + other.key.read_bytes())
    options = replace(access.options(), "--kmipClientCertificateFile", path)
    return Case("TlsKeyMissing", [str(path), "key"], options)


def password_missing(access, tmp):
    issued = access.ca.issue("locked", password=b"hunter2")
    options = replace(access.options(), "--kmipClientCertificateFile", issued.both)
    return Case("TlsKeyPassword", ["assword"], options)


def password_wrong(access, tmp):
    issued = access.ca.issue("locked-too", password=b"right")
    options = replace(access.options(), "--kmipClientCertificateFile", issued.both)
    return Case("TlsKeyPassword", ["assword"], options + ["--kmipClientCertificatePassword", "hunter2"])


def server_not_trusted(access, tmp):
    other = Authority(tmp / "other-ca", "Another CA")
    options = replace(access.options(), "--kmipServerCAFile", other.file)
    return Case("KmipServerUntrusted", ["127.0.0.1", "erverCAFile"], options)


def _another_kmip(access, tmp, issued) -> PyKmip:
    return PyKmip(tmp / "kmip", access.ca, issued).start()


def server_for_another_name(access, tmp):
    kmip = _another_kmip(access, tmp, access.ca.issue("named", server_names=["kmip.example.com"]))
    access = KmipAccess(kmip, access.ca, access.client)
    return Case("KmipServerName", ["127.0.0.1"], access.options(), cleanup=[kmip.stop])


def server_certificate_expired(access, tmp):
    issued = access.ca.issue("old", server_names=["127.0.0.1"], days=-1, start_days=-10)
    kmip = _another_kmip(access, tmp, issued)
    access = KmipAccess(kmip, access.ca, access.client)
    return Case("KmipServerUntrusted", ["127.0.0.1", "xpired"], access.options(), cleanup=[kmip.stop])


def client_refused(access, tmp):
    other = Authority(tmp / "strangers", "A CA that the KMIP server does not know")
    issued = other.issue("stranger")
    options = replace(access.options(), "--kmipClientCertificateFile", issued.both)
    return Case("KmipClientRefused", ["127.0.0.1", "ertificate"], options)


def identifier_unknown(access, tmp):
    return Case("KeyNotFound", ["no-such-key", "eyIdentifier"], access.options("no-such-key"))


def key_of_somebody_else(access, tmp):
    key = access.server.create_key(access.ca.issue("owner"))
    # PyKMIP says "not found or not yours" in one.
    return Case("KeyNotFound", [key], access.options(key))


def key_not_active(access, tmp):
    key = access.server.create_key(access.client, activate=False)
    return Case("KeyNotActive", [key, "ctivate"], access.options(key))


def key_revoked(access, tmp):
    key = access.server.create_key(access.client)
    access.server.revoke(access.client, key)
    return Case("KeyNotActive", [key, "eactivated"], access.options(key))


def key_too_short(access, tmp):
    key = access.server.register_key(access.client, bytes(range(16)))
    return Case("KeyUnusable", [key, "256"], access.options(key))


def silent_server(access, tmp):
    """Accepts and never says a word."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    options = replace(access.options(), "--kmipPort", port) + ["--kmipConnectTimeoutMS", "1000"]
    return Case("KmipTimeout", [str(port)], options, cleanup=[listener.close])


def not_a_tls_server(access, tmp):
    """Answers in the language of another protocol."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                peer.sendall(b"220 mail.example.com ESMTP\r\n")
                peer.close()

    threading.Thread(target=serve, daemon=True).start()
    port = listener.getsockname()[1]

    def stop():
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()

    return Case("KmipTls", [str(port)], replace(access.options(), "--kmipPort", port), cleanup=[stop])


def unknown_option(access, tmp):
    options = access.options() + ["--kmipServerNam", "hunter2"]
    return Case("BadOptions", ["--kmipServerNam", "--kmipServerName"], options)


def option_without_encryption(access, tmp):
    options = [o for o in access.options() if o != "--enableEncryption"]
    return Case("BadOptions", ["--enableEncryption"], options)


def encryption_without_source(access, tmp):
    return Case("BadOptions", ["--kmipServerName", "--encryptionKeyFile"], ["--enableEncryption"])


def certificate_option_missing(access, tmp):
    options = without(access.options(), "--kmipClientCertificateFile")
    return Case("BadOptions", ["--kmipClientCertificateFile"], options)


def _config(tmp, text: str) -> list[str]:
    path = tmp / "bad.conf"
    path.write_text(text)
    return ["--config", str(path)]


def unknown_yaml_key(access, tmp):
    text = "security:\n  enableEncryption: true\n  kmip:\n    servername: hunter2\n"
    return Case("BadOptions", ["security.kmip.servername", "line 4", "bad.conf"], _config(tmp, text))


def repeated_yaml_key(access, tmp):
    text = "net:\n  bindIp: 127.0.0.1\n  bindIp: 127.0.0.1\n"
    return Case("BadOptions", ["net.bindIp", "line 3", "bad.conf"], _config(tmp, text))


def not_yaml(access, tmp):
    text = "security:\n  kmip: {clientCertificatePassword: hunter2\n"
    return Case("ConfigFile", ["bad.conf", "line"], _config(tmp, text))


def config_missing(access, tmp):
    return Case("ConfigFile", ["nowhere.conf"], ["--config", str(tmp / "nowhere.conf")])


def unsupported_option(access, tmp):
    return Case("BadOptions", ["--replSet", "not supported"], ["--replSet", "rs0"])


def key_file_missing(access, tmp):
    path = tmp / "no.key"
    return Case("KeyFile", [str(path)], ["--enableEncryption", "--encryptionKeyFile", str(path)])


def key_file_too_open(access, tmp):
    path = tmp / "open.key"
    path.write_text("aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMmh1bnQ=\n")
    path.chmod(0o644)
    return Case(
        "KeyFile", [str(path), "600"], ["--enableEncryption", "--encryptionKeyFile", str(path)],
        secret="aHVudGVyMmh1",
    )  # fmt: skip


def client_certificate_expired(access, tmp):
    issued = access.ca.issue("expired-client", days=-1, start_days=-10)
    options = replace(access.options(), "--kmipClientCertificateFile", issued.both)
    return Case("KmipClientRefused", [str(issued.both), "xpired"], options)


def password_file_readable_by_others(access, tmp):
    issued = access.ca.issue("locked-three", password=b"hunter2")
    file = tmp / "password"
    file.write_text("hunter2\n")
    file.chmod(0o644)
    options = replace(access.options(), "--kmipClientCertificateFile", issued.both)
    options += ["--kmipClientCertificatePasswordFile", str(file)]
    return Case("TlsKeyPassword", [str(file), "0644", "chmod"], options)


def password_given_twice(access, tmp):
    options = access.options() + ["--kmipClientCertificatePassword", "hunter2"]
    options += ["--kmipClientCertificatePasswordFile", str(tmp / "password")]
    return Case("BadOptions", ["--kmipClientCertificatePasswordFile"], options)


def two_keys_of_the_name(access, tmp):
    name = f"twins of {access.client.name}"
    keys = [access.server.create_key(access.client, name=name) for _ in range(2)]
    return Case("KeyAmbiguous", keys, access.options(name))


def not_a_symmetric_key(access, tmp):
    with access.server.client(access.client) as client:
        secret = client.register(SecretData(b"hunter2", enums.SecretDataType.PASSWORD))
        client.activate(secret)
    return Case("KeyUnusable", [secret], access.options(secret))


def key_of_another_algorithm(access, tmp):
    key = SymmetricKey(enums.CryptographicAlgorithm.CAMELLIA, 256, bytes(range(32)))
    with access.server.client(access.client) as client:
        uid = client.register(key)
        client.activate(uid)
    return Case("KeyUnusable", [uid], access.options(uid))


def wrapped_key(access, tmp):
    wrapping = {
        "wrapping_method": enums.WrappingMethod.ENCRYPT,
        "encryption_key_information": {
            "unique_identifier": "1",
            "cryptographic_parameters": {"block_cipher_mode": enums.BlockCipherMode.NIST_KEY_WRAP},
        },
        "encoding_option": enums.EncodingOption.NO_ENCODING,
    }
    aes = enums.CryptographicAlgorithm.AES
    key = SymmetricKey(aes, 256, bytes(range(40)), key_wrapping_data=wrapping)
    with access.server.client(access.client) as client:
        uid = client.register(key)
        client.activate(uid)
    return Case("KeyUnusable", [uid], access.options(uid))


def rotation_of_nothing(access, tmp):
    return Case("RotationRefused", ["otateMasterKey"], access.options() + ["--kmipRotateMasterKey"])


def cipher_cbc(access, tmp):
    options = access.options() + ["--encryptionCipherMode", "AES256-CBC"]
    return Case("BadOptions", ["AES256-CBC", "AES256-GCM"], options)


def two_sources(access, tmp):
    options = access.options() + ["--encryptionKeyFile", str(tmp / "key")]
    return Case("BadOptions", ["--encryptionKeyFile", "--kmipServerName"], options)


def policy_without_polling(access, tmp):
    options = access.options() + ["--kmipActivateKeys", "false", "--kmipOnKeyStateLoss", "warn"]
    return Case("BadOptions", ["--kmipOnKeyStateLoss", "keyStatePollingSeconds"], options)


def log_file_in_no_directory(access, tmp):
    path = tmp / "nowhere" / "strongroomd.log"
    return Case("LogFile", [str(path)], access.options() + ["--logpath", str(path)])


CASES = [
    unreachable, unresolvable, certificate_missing, ca_missing, certificate_not_pem,
    certificate_without_key, key_of_another_certificate, password_missing, password_wrong,
    server_not_trusted, server_for_another_name, server_certificate_expired, client_refused,
    identifier_unknown, key_of_somebody_else, key_not_active, key_revoked, key_too_short,
    silent_server, not_a_tls_server, unknown_option, option_without_encryption,
    encryption_without_source, certificate_option_missing, unknown_yaml_key, repeated_yaml_key,
    not_yaml, config_missing, unsupported_option, key_file_missing, key_file_too_open,
    client_certificate_expired, password_file_readable_by_others, password_given_twice,
    two_keys_of_the_name, not_a_symmetric_key, key_of_another_algorithm, wrapped_key,
    rotation_of_nothing, cipher_cbc, two_sources, policy_without_polling, log_file_in_no_directory,
]  # fmt: skip


@pytest.fixture
def check_message(tmp_path_factory, own_access):
    """Compares a refusal with its golden file; the words that differ from run to run are replaced."""

    def check(name: str, status: int, output: str, *keys: str, alike: bool = False):
        words = {str(own_access.server.port): "<port>"}
        words |= {key: "<key>" if alike else f"<key {n}>" for n, key in enumerate(keys, 1)}
        golden.refusal(name, status, output, tmp_path_factory.getbasetemp(), words)

    return check


@pytest.mark.parametrize("make_case", CASES, ids=[case.__name__ for case in CASES])
def test_a_start_that_is_refused(make_case, make_server, own_access, tmp_path, check_message):
    case = make_case(own_access, tmp_path)
    try:
        server = make_server(case.options)
        before = own_access.server.object_count()
        process = server.spawn()
        status = process.wait(90)
    finally:
        for cleanup in case.cleanup:
            cleanup()
    output = server.output()
    assert status == statuses()[case.status], f"{status}\n{output}"
    for part in case.parts:
        assert part in output, f"`{part}` is not in:\n{output}"
    assert case.secret not in output
    assert "panicked" not in output
    assert own_access.server.object_count() == before, "a key was created"
    assert list(server.dbpath.iterdir()) == [], "something was written"
    numbers = [part for part in case.parts if part.isdigit() and part not in ("256", "600", "0644")]
    # A server lists keys in the order that it likes.
    check_message(make_case.__name__, status, output, *numbers, alike=True)


@pytest.fixture
def refuse(check_message, request):
    """Starts and expects the refusal, with the dbpath untouched."""

    def refuse(server, status: str, parts: list[str], *keys: str):
        output = refused(server, status, parts)
        name = request.node.name.removeprefix("test_").replace("[", "_").replace("]", "")
        check_message(name, statuses()[status], output, *keys)

    return refuse


def refused(server, status: str, parts: list[str]) -> str:
    """Starts, expects the refusal, and returns the output."""
    before = disk.snapshot(server.dbpath)
    process = server.spawn()
    got = process.wait(90)
    output = server.output()
    assert got == statuses()[status], f"{got}\n{output}"
    for part in parts:
        assert part in output, f"`{part}` is not in:\n{output}"
    assert disk.snapshot(server.dbpath) == before
    return output


@pytest.fixture
def encrypted(make_server, own_access):
    """A stopped server with an encrypted dbpath and the identifier of its key."""
    server = make_server(own_access.options()).start()
    with server.client() as client:
        client["shop"]["orders"].insert_one({"_id": 1, "v": "before"})
    assert server.stop() == 0
    (key,) = own_access.server.identifiers(own_access.client)
    return server, key


def still_works(server, options):
    server.options = options
    server.start()
    with server.client() as client:
        assert client["shop"]["orders"].find_one() == {"_id": 1, "v": "before"}
    assert server.stop() == 0


def test_encrypted_and_not_asked_for(encrypted, own_access, refuse):
    server, key = encrypted
    server.options = []
    refuse(server, "DbpathEncrypted", [str(server.dbpath), "--enableEncryption"], key)
    still_works(server, own_access.options())


def test_not_encrypted_and_asked_for(make_server, own_access, refuse):
    server = make_server().start()
    with server.client() as client:
        client["shop"]["orders"].insert_one({"_id": 1, "v": "before"})
    server.stop()
    before = own_access.server.object_count()
    server.options = own_access.options()
    refuse(server, "DbpathNotEncrypted", [str(server.dbpath)])
    assert own_access.server.object_count() == before, "a key was created"
    still_works(server, [])


def test_another_identifier_than_the_remembered_one(encrypted, own_access, refuse):
    server, key = encrypted
    other = own_access.server.create_key(own_access.client)
    server.options = own_access.options(other)
    refuse(server, "KeyIdentifierMismatch", [key, other], key, other)
    still_works(server, own_access.options())


def test_the_key_was_destroyed(encrypted, own_access, refuse):
    server, key = encrypted
    own_access.server.revoke(own_access.client, key)
    with own_access.server.client(own_access.client) as client:
        client.destroy(key)
    refuse(server, "KeyNotFound", [key], key)


def test_a_key_that_is_no_longer_active(encrypted, own_access, refuse):
    server, key = encrypted
    own_access.server.revoke(own_access.client, key)
    refuse(server, "KeyNotActive", [key], key)
    # The operator may insist.
    still_works(server, own_access.options() + ["--kmipActivateKeys", "false"])


def test_a_wrong_master_key_is_not_taken_for_corruption(encrypted, own_access, ca, tmp_path, refuse):
    """Another server has another key under the same identifier."""
    server, key = encrypted
    wrong = PyKmip(tmp_path / "wrong", ca, ca.issue("wrong-kmip", server_names=["127.0.0.1"])).start()
    try:
        for _ in range(int(key)):
            last = wrong.register_key(own_access.client, bytes(range(100, 132)))
        assert last == key
        access = KmipAccess(wrong, ca, own_access.client)
        server.options = access.options()
        refuse(server, "WrongMasterKey", [key], key, str(wrong.port))
        assert "orrupt" not in server.output() and "amaged" not in server.output().replace("undamaged", "")
    finally:
        wrong.stop()
    still_works(server, own_access.options())


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "gone"])
def test_a_damaged_keystore_is_not_taken_for_a_wrong_key(encrypted, own_access, damage, refuse):
    server, _ = encrypted
    keystore = server.dbpath / "keystore"
    content = keystore.read_bytes()
    if damage == "cut":
        keystore.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        middle = len(content) // 2
        keystore.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    elif damage == "empty":
        keystore.write_bytes(b"")
    else:
        keystore.unlink()
    before = own_access.server.object_count()
    refuse(server, "KeystoreCorrupt", ["keystore", "backup"])
    assert own_access.server.object_count() == before
    keystore.write_bytes(content)
    keystore.chmod(0o600)
    still_works(server, own_access.options())


def test_a_dbpath_in_use(make_server, encrypted, own_access, check_message):
    server, _ = encrypted
    server.start()
    second = make_server(own_access.options())
    second.directory.mkdir(parents=True)
    second.dbpath.symlink_to(server.dbpath)
    process = second.spawn()
    assert process.wait(90) == statuses()["DbpathLocked"], second.output()
    assert str(second.dbpath) in second.output()
    check_message("a_dbpath_in_use", statuses()["DbpathLocked"], second.output())
    with server.client() as client:
        assert client["shop"]["orders"].find_one()["v"] == "before"


def test_a_dbpath_that_is_not_there_or_no_directory(make_server, tmp_path, check_message):
    file = tmp_path / "file"
    file.write_text("")
    for name, path in (("not_there", tmp_path / "nowhere"), ("no_directory", file)):
        server = make_server()
        process = server.spawn(["--dbpath", str(path), "--port", str(server.port)], own_options=False)
        assert process.wait(90) == statuses()["DbpathUnusable"], server.output()
        assert str(path) in server.output()
        check_message(f"a_dbpath_that_is_{name}", statuses()["DbpathUnusable"], server.output())
    assert not (tmp_path / "nowhere").exists()


def test_a_dbpath_of_another_program(make_server, refuse):
    server = make_server()
    server.dbpath.mkdir(parents=True)
    (server.dbpath / "WiredTiger").write_text("WiredTiger\n")
    (server.dbpath / "collection-0-1.wt").write_bytes(b"\0" * 100)
    refuse(server, "DbpathForeign", [str(server.dbpath)])


def test_a_port_in_use(make_server, check_message):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = make_server()
        server.port = listener.getsockname()[1]
        process = server.spawn()
        assert process.wait(90) == statuses()["CannotListen"], server.output()
        assert str(server.port) in server.output()
        check_message("a_port_in_use", statuses()["CannotListen"], server.output())


def test_another_provider_than_the_remembered_one(encrypted, own_access, refuse, tmp_path):
    server, key = encrypted
    file = tmp_path / "key"
    file.write_text("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n")
    file.chmod(0o600)
    server.options = ["--enableEncryption", "--encryptionKeyFile", str(file)]
    refuse(server, "ProviderMismatch", [str(server.dbpath), key, "key file"], key)
    still_works(server, own_access.options())


def test_a_keystore_of_a_newer_version(encrypted, own_access, refuse):
    server, _ = encrypted
    keystore = server.dbpath / "keystore"
    content = keystore.read_bytes()
    newer = content[:8] + (999).to_bytes(2, "big") + content[10:-32]
    keystore.write_bytes(newer + hashlib.sha256(newer).digest())
    refuse(server, "NewerFormat", ["keystore", "999"])
    keystore.write_bytes(content)
    still_works(server, own_access.options())


def test_a_keystore_that_somebody_changed(encrypted, own_access, refuse):
    """With the digest made right again: it is neither damage nor the wrong key."""
    server, _ = encrypted
    keystore = server.dbpath / "keystore"
    content = keystore.read_bytes()
    changed = bytearray(content[:-32])
    changed[-1] ^= 1
    keystore.write_bytes(bytes(changed) + hashlib.sha256(changed).digest())
    refuse(server, "KeystoreTampered", ["keystore"])
    keystore.write_bytes(content)
    still_works(server, own_access.options())


def test_statuses_differ_and_fit_a_byte():
    numbers = list(statuses().values())
    assert len(set(numbers)) == len(numbers) > 20
    assert all(0 <= number < 126 for number in numbers)
