"""What operators read when something is refused or lost, as a whole: the exit statuses that a start with bad
options (test_bad_start.py) does not show, rotations, migrations, `keys check` and backups.

UPDATE_GOLDEN=1 writes the files in golden/ anew."""

import contextlib
import re
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

from support import disk, golden, keys
from support.exit_status import statuses
from support.paths import STRONGROOM
from support.process import free_port


@pytest.fixture
def told(tmp_path_factory, own_access):
    """Compares an exit status and a text with their golden file."""

    def told(name: str, status: str, got: int, text: str, *words: str):
        assert got == statuses()[status], f"{got}\n{text}"
        hidden = {str(own_access.server.port): "<port>"}
        hidden |= {word: f"<{n}>" for n, word in enumerate(words, 1)}
        masked = golden.mask(text, tmp_path_factory.getbasetemp(), hidden)
        golden.check(name, f"exit status {got}\n{masked}")

    return told


def files(server) -> dict[str, bytes]:
    """What lies in the dbpath, but for the lock, which names the process that had it last."""
    return {name: content for name, content in disk.snapshot(server.dbpath).items() if name != "strongroom.lock"}


@pytest.fixture
def refused(told):
    """Starts a server that refuses, with everything as it was before."""

    def refused(server, name: str, status: str, *words: str, extra: list[str] | None = None):
        server.dbpath.mkdir(parents=True, exist_ok=True)
        before = files(server)
        got = server.spawn(extra).wait(90)
        server.process = None
        assert files(server) == before, "something was written"
        output = server.output()
        at = ("\n" + output).rfind("\nstrongroomd: ")
        assert at >= 0, output
        told(f"start/{name}", status, got, output[at:], *words)

    return refused


def run(*args) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(arg) for arg in (STRONGROOM, *args)], capture_output=True, text=True, timeout=120
    )


@pytest.fixture
def encrypted(make_server, own_access):
    """A stopped server with an encrypted dbpath, and the identifier of its master key."""
    server = make_server(own_access.options()).start()
    with server.client() as client:
        client["shop"]["orders"].insert_many([{"_id": i, "v": "x" * 100} for i in range(500)])
    assert server.stop() == 0
    (key,) = own_access.server.identifiers(own_access.client)
    return server, key


# Starts


def test_another_cipher(encrypted, refused):
    server, _ = encrypted
    refused(server, "another_cipher", "CipherMismatch", extra=["--encryptionCipherMode", "XCHACHA20-POLY1305"])


def test_files_that_the_keys_do_not_open(encrypted, refused):
    """The server's own data and a database's, exchanged: each has a data key of its own."""
    server, _ = encrypted
    first, second = sorted((server.dbpath / "trees").iterdir())
    first.rename(first.with_name("between"))
    second.rename(first)
    first.with_name("between").rename(second)
    refused(server, "files_that_the_keys_do_not_open", "DataCorrupt")


def test_a_pid_file_that_cannot_be_written(make_server, own_access, tmp_path, refused):
    before = own_access.server.object_count()
    server = make_server(own_access.options())
    refused(server, "pid_file", "PidFile", extra=["--pidfilepath", str(tmp_path / "nowhere" / "pid")])
    assert own_access.server.object_count() == before, "a key was created"


def test_the_pid_file_of_a_running_server_stays(make_server, own_access, tmp_path):
    pid_file = tmp_path / "pid"
    # What a server that was killed has left is written over.
    pid_file.write_text("9999999999999\n")
    server = make_server(["--pidfilepath", str(pid_file)]).start()
    assert pid_file.read_text() == f"{server.process.pid}\n"
    second = make_server(["--pidfilepath", str(pid_file)])
    second.directory.mkdir(parents=True)
    second.dbpath.symlink_to(server.dbpath)
    assert second.spawn().wait(90) == statuses()["DbpathLocked"], second.output()
    assert pid_file.read_text() == f"{server.process.pid}\n"
    assert server.stop() == 0
    assert not pid_file.exists()


@contextlib.contextmanager
def web_server(own_access):
    """Speaks TLS with the right certificates, and then HTTP; its port."""
    issued = own_access.ca.issue("web", server_names=["127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    context.load_verify_locations(own_access.ca.file)
    context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                with contextlib.suppress(OSError), context.wrap_socket(peer, server_side=True) as connection:
                    connection.recv(8)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_a_server_of_another_protocol(make_server, own_access, refused):
    with web_server(own_access) as port:
        options = own_access.options()
        options[options.index("--kmipPort") + 1] = str(port)
        refused(make_server(options), "a_server_of_another_protocol", "KmipProtocol", str(port))


def test_an_operation_that_the_server_refuses(make_server, own_access, refused):
    """PyKMIP does not know authenticated encryption in KMIP 1.2."""
    options = [*own_access.options(), "--kmipWrapOnServer", "true", "--kmipProtocolVersion", "1.2"]
    before = own_access.server.object_count()
    refused(make_server(options), "wrap_on_server_refused", "KmipRefused")
    assert own_access.server.object_count() == before, "a key was created"


def test_a_rotation_at_start(encrypted, own_access, refused):
    server, key = encrypted
    kmip, client = own_access.server, own_access.client
    not_active = kmip.create_key(client, activate=False)
    rotate = ["--kmipRotateMasterKey", "true", "--kmipKeyIdentifier"]
    objects = kmip.object_count()
    refused(server, "rotation_to_the_same_key", "RotationRefused", key, extra=[*rotate, key])
    refused(server, "rotation_to_no_key", "KeyNotFound", extra=[*rotate, "no-such-key"])
    refused(server, "rotation_to_a_key_not_active", "KeyNotActive", not_active, extra=[*rotate, not_active])
    assert kmip.object_count() == objects


def test_the_loss_of_the_key_while_it_runs(encrypted, own_access, told):
    server, key = encrypted
    server.start(["--kmipKeyStatePollingSeconds", "1"])
    own_access.server.revoke(own_access.client, key)
    got = server.process.wait(60)
    server.process = None
    output = server.output()
    told("start/the_key_was_revoked_while_it_ran", "KeyNotActive", got, output[output.rfind("\nstrongroomd: ") + 1 :], key)


# `strongroom keys`


def test_no_server_to_ask(told):
    done = keys.tool("status", "--host", f"127.0.0.1:{free_port()}", check=False)
    told("tool/no_server_to_ask", "ServerUnreachable", done.returncode, done.stdout + done.stderr)


def test_a_running_server_refuses(encrypted, own_access, told):
    server, key = encrypted
    server.start()
    for name, given in (("the_same_key", key), ("no_such_key", "no-such-key")):
        done = keys.tool("rotate", *keys.host(server), "--key-identifier", given, check=False)
        told(f"tool/rotate_{name}", "CommandRefused", done.returncode, done.stdout + done.stderr, key)
    assert server.stop() == 0


def config(path: Path, server, own_access, *lines: str) -> Path:
    path.write_text(
        f"storage:\n  dbPath: {server.dbpath}\n"
        "security:\n  enableEncryption: true\n  kmip:\n"
        f"    serverName: 127.0.0.1\n    port: {own_access.server.port}\n"
        f"    serverCAFile: {own_access.ca.file}\n"
        f"    clientCertificateFile: {own_access.client.both}\n" + "".join(f"    {line}\n" for line in lines)
    )
    return path


def test_migrations_that_are_refused(encrypted, own_access, tmp_path, told):
    server, key = encrypted
    right = config(tmp_path / "right.conf", server, own_access)
    before = files(server)
    objects = own_access.server.object_count()
    for name, status, line in [
        ("to_the_same_place", "RotationRefused", ""),
        ("and_rotation", "BadOptions", "rotateMasterKey: true"),
    ]:
        to = config(tmp_path / f"{name}.conf", server, own_access, line)
        done = keys.tool("migrate", "--config", right, "--to", to, check=False)
        told(f"tool/migrate_{name}", status, done.returncode, done.stdout + done.stderr, key)
    file = tmp_path / "key"
    file.write_text("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n")
    file.chmod(0o644)
    to = tmp_path / "file.conf"
    to.write_text(
        f"storage: {{dbPath: {server.dbpath}}}\nsecurity: {{enableEncryption: true, encryptionKeyFile: {file}}}\n"
    )
    done = keys.tool("migrate", "--config", right, "--to", to, check=False)
    told("tool/migrate_to_a_file_that_others_read", "KeyFile", done.returncode, done.stdout + done.stderr, key)
    assert files(server) == before
    assert own_access.server.object_count() == objects


def test_the_table_of_a_check(encrypted, own_access, tmp_path, told):
    server, key = encrypted
    right = config(tmp_path / "right.conf", server, own_access)
    done = keys.tool("check", "--config", right)

    def steady(text: str) -> str:
        """Without what differs by the machine."""
        return re.sub(r"\b\d+ roots", "<n> roots", text)

    told("tool/check_all_is_well", "Success", done.returncode, steady(done.stdout), key)
    port = free_port()
    text = right.read_text().replace(f"port: {own_access.server.port}", f"port: {port}")
    wrong = tmp_path / "wrong.conf"
    wrong.write_text(text)
    done = keys.tool("check", "--config", wrong, check=False)
    told("tool/check_unreachable", "KmipUnreachable", done.returncode, steady(done.stdout), key, str(port))


# Backups


def test_a_damaged_backup(make_server, tmp_path, told):
    server = make_server().start()
    backup, restored = tmp_path / "backup", tmp_path / "restored"
    with server.client() as client:
        client["shop"]["orders"].insert_one({"_id": 1})
        client.admin.command("createBackup", 1, backupDir=str(backup))
    assert server.stop() == 0
    done = run("restore", "--from", backup, "--dbpath", server.dbpath)
    told("tool/restore_into_data", "DbpathUnusable", done.returncode, done.stdout + done.stderr)
    manifest = backup / "backup.json"
    manifest.write_bytes(manifest.read_bytes()[:-20])
    for name, args in [("verify", ("backup", "verify", backup)), ("restore", ("restore", "--from", backup, "--dbpath", restored))]:
        done = run(*args)
        told(f"tool/{name}_a_damaged_backup", "BackupUnusable", done.returncode, done.stdout + done.stderr)
    assert not restored.exists()


def test_a_restore_that_did_not_finish(make_server, refused):
    server = make_server()
    server.dbpath.mkdir(parents=True)
    (server.dbpath / "strongroom.incomplete").write_text("")
    refused(server, "a_restore_that_did_not_finish", "BackupUnusable")


def test_each_status_is_shown_somewhere():
    """But success, what is a fault of our own, and what takes a KMIP server that loses its answers: the tests of the
    crate kmip-tool have one."""
    shown = set()
    for path in golden.DIRECTORY.rglob("*.txt"):
        first = path.read_text().split("\n", 1)[0]
        shown.add(int(first.removeprefix("exit status ")))
    missing = {name for name, number in statuses().items() if number not in shown}
    assert missing <= {"Success", "Internal", "KmipOutcomeUnknown"}, missing
