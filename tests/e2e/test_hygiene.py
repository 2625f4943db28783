"""A server under load with a master key that the test knows, at the highest log level: the key is nowhere,
not even after a crash."""

import base64
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pymongo
import pytest
from pymongo.errors import PyMongoError

from support import disk, keys, leaks
from support.exit_status import statuses
from support.process import wait_until

MASTER_KEY = hashlib.sha256(b"a master key that the test knows").digest()
DATABASE = "narwhal_database_2217"
COLLECTION = "puffin_collection_8842"
FIELD = "ibex_field_1093"
VALUE = "tapir value 7750"
PASSWORD = "okapi-password-3381"

# Starts a program in a directory with core dumps allowed, as far as whoever starts it can tell. SIGQUIT may have
# come down to us as ignored: a shell does that to what it starts in the background.
LAUNCHER = [
    sys.executable,
    "-c",
    "import os, resource, signal, sys;"
    "os.chdir(sys.argv[1]);"
    "limit = resource.getrlimit(resource.RLIMIT_CORE)[1];"
    "resource.setrlimit(resource.RLIMIT_CORE, (limit, limit));"
    "signal.signal(signal.SIGQUIT, signal.SIG_DFL);"
    "os.execvp(sys.argv[2], sys.argv[2:])",
]


@pytest.fixture
def known(make_server, own_access):
    """A server with the known master key, and core dumps allowed in its directory."""
    key = own_access.server.register_key(own_access.client, MASTER_KEY)
    server = make_server(own_access.options(key) + ["--kmipKeyStatePollingSeconds", "1", "-vvvvv"])
    server.directory.mkdir(parents=True)
    server.launcher = [*LAUNCHER, server.directory]
    return server


def load(server, seconds: float = 3.0):
    """Some of everything from several clients, what fails included."""
    end = time.monotonic() + seconds

    def work(number: int):
        with server.client() as client:
            collection = client[DATABASE][COLLECTION]
            i = 0
            while time.monotonic() < end:
                try:
                    collection.insert_many([{"_id": f"{number}-{i}-{j}", FIELD: VALUE} for j in range(50)])
                    collection.update_many({FIELD: VALUE}, {"$set": {"more": i}})
                    list(collection.aggregate([{"$group": {"_id": f"${FIELD}", "n": {"$sum": 1}}}]))
                    client[f"{DATABASE}_{number}_{i % 5}"].drop_collection(COLLECTION)
                    client[f"{DATABASE}_{number}_{i % 5}"][COLLECTION].insert_one({FIELD: VALUE})
                    client.drop_database(f"{DATABASE}_{number}_{(i + 1) % 5}")
                    collection.find_one({FIELD: {"$nonsense": VALUE}})
                except PyMongoError:
                    pass
                i += 1

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def assert_no_leak(server, *texts: str, key: bytes = MASTER_KEY):
    """Neither in what it printed, nor on its disk, nor in the texts."""
    for content in [server.output().encode(), *(text.encode() for text in texts)]:
        assert leaks.found(content, key) == []
        assert VALUE.encode() not in content
    # Everything in the directory: data, output, a core file if there is one.
    needles = leaks.forms(key) | {"value": VALUE.encode(), "database": DATABASE.encode()}
    assert disk.find(server.directory, needles) == {}


def test_the_search_finds_what_there_is():
    for text in (
        MASTER_KEY.hex(),
        "x" + MASTER_KEY.hex()[5:],
        MASTER_KEY.hex().upper(),
        str(list(MASTER_KEY)),
        str(list(MASTER_KEY[3:])),
    ):
        assert leaks.found(text.encode(), MASTER_KEY), text
    for before in (b"", b"a", b"ab"):
        assert leaks.found(base64.b64encode(before + MASTER_KEY), MASTER_KEY)
    assert leaks.found(b"core" + MASTER_KEY[9:25], MASTER_KEY)
    assert not leaks.found(b"nothing of the kind" + MASTER_KEY[9:24], MASTER_KEY)


def test_under_load_and_in_what_the_server_tells(known):
    known.start()
    load(known)
    with known.client() as client:
        told = what_it_tells(client)
    assert_no_leak(known, *told)
    assert known.stop() == 0
    assert_no_leak(known)
    lines = known.log()
    assert any(line["s"].startswith("D") for line in lines), "it is as talkative as can be"


def what_it_tells(client) -> list[str]:
    return [
        str(client.admin.command(command))
        for command in ("getCmdLineOpts", "serverStatus", {"getLog": "global"}, {"getParameter": "*"})
    ]


def test_a_key_file(make_server, tmp_path):
    """The key of a key file: while it is used, while it is exchanged for another one, and offline."""
    new = hashlib.sha256(b"another key that the test knows").digest()
    files = []
    for name, key in (("old", MASTER_KEY), ("new", new)):
        file = tmp_path / name
        file.write_bytes(base64.b64encode(key))
        file.chmod(0o600)
        files.append(file)
    options = ["--enableEncryption", "--encryptionKeyFile"]
    server = make_server([*options, str(files[0]), "-vvvvv"]).start()
    load(server)
    with server.client() as client:
        told = what_it_tells(client)
    assert_no_leak(server, *told)
    assert server.stop() == 0
    configs = []
    for file in files:
        config = tmp_path / f"{file.name}.conf"
        config.write_text(
            f"storage: {{dbPath: {server.dbpath}}}\n"
            f"security: {{enableEncryption: true, encryptionKeyFile: {file}}}\n"
        )
        configs.append(config)
    told = [
        keys.tool(*args).stdout + keys.tool(*args, "--json").stdout
        for args in (
            ("check", "--config", configs[0]),
            ("migrate", "--config", configs[0], "--to", configs[1]),
            ("status", "--dbpath", server.dbpath),
        )
    ]
    server.options = [*options, str(files[1]), "-vvvvv"]
    server.start()
    load(server, 0.5)
    assert server.stop() == 0
    for key in (MASTER_KEY, new):
        assert_no_leak(server, *told, key=key)


def test_a_key_of_a_database(known, own_access):
    """The key of one database, given, exchanged for another one, and lost."""
    material = [hashlib.sha256(b"of a tenant %d" % n).digest() for n in range(2)]
    given = [own_access.server.register_key(own_access.client, key) for key in material]
    known.start()
    load(known, 1.0)
    told = [keys.tool("set", *keys.host(known), "--db", DATABASE, "--key-identifier", key).stdout for key in given]
    load(known, 1.0)
    with known.client() as client:
        told += what_it_tells(client)
    own_access.server.hide(given[1])
    load(known, 2.5)
    assert known.stop() == 0
    for key in (MASTER_KEY, *material):
        assert_no_leak(known, *told, key=key)


def core_files(directory: Path) -> list[str]:
    return [str(path) for path in directory.rglob("core*") if path.is_file()]


@pytest.mark.parametrize("sig", [signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGQUIT])
def test_a_crash_leaves_no_core_file(known, sig, tmp_path):
    # The same signal to another program does leave one, where the system writes them to the directory.
    control = tmp_path / "control"
    control.mkdir()
    subprocess.run([*LAUNCHER, control, "sh", "-c", f"kill -{sig.value} $$"], check=False)
    could_be = bool(core_files(control))

    known.start()
    load(known, 1.0)
    process = known.process

    def ended():
        # Rust's handler for stack overflows passes the first SIGSEGV on to nobody.
        if process.status() is None:
            os.kill(process.pid, sig)
        return process.status() is not None

    wait_until(ended, "the end")
    assert process.wait() == -sig
    assert core_files(known.directory) == [], f"another program leaves one: {could_be}"
    assert_no_leak(known)
    # And the data is whole.
    known.start()
    with known.client() as client:
        assert client[DATABASE][COLLECTION].count_documents({FIELD: VALUE}) > 0
    assert known.stop() == 0


def test_core_dumps_are_off_for_the_kernel(known):
    known.start()
    limits = Path(f"/proc/{known.process.pid}/limits").read_text()
    (line,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert line.split()[4:6] == ["0", "0"], line
    # Who may not be dumped belongs to root: nobody else can look into it.
    assert Path(f"/proc/{known.process.pid}/environ").stat().st_uid == 0


def test_a_panic_tells_its_place_and_nothing_else(known):
    """The test has `insert` panic with what the client sent as the text."""
    known.environment = {"STRONGROOM_TEST_PANIC_IN": "insert", "RUST_BACKTRACE": "full"}
    known.start()
    with pymongo.MongoClient(known.uri, retryWrites=False) as client:
        with pytest.raises(PyMongoError):
            client[DATABASE][COLLECTION].insert_one({FIELD: VALUE})
        assert client[DATABASE][COLLECTION].count_documents({}) == 0, "others are still served"
    (line,) = known.logged(10000006)
    assert line["s"] == "F" and "commands/mod.rs" in line["attr"]["place"]
    assert_no_leak(known)
    assert known.stop() == 0
    assert_no_leak(known)


def with_password(own_access):
    """Access with an encrypted private key."""
    name = f"locked-{own_access.client.name}"
    own_access.client = own_access.ca.issue(name, password=PASSWORD.encode())
    return own_access.options()


def assert_password_is_nowhere(server):
    proc = Path(f"/proc/{server.process.pid}")
    assert PASSWORD.encode() not in (proc / "cmdline").read_bytes()
    assert PASSWORD.encode() not in (proc / "environ").read_bytes()
    with server.client() as client:
        options = client.admin.command("getCmdLineOpts")
        told = str(options) + str(client.admin.command("serverStatus"))
    assert PASSWORD not in told
    assert PASSWORD not in server.output()
    return options


def test_a_password_in_a_file(make_server, own_access, tmp_path):
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    file.chmod(0o400)
    options = with_password(own_access) + ["--kmipClientCertificatePasswordFile", str(file)]
    server = make_server(options).start(["-vvvvv"])
    options = assert_password_is_nowhere(server)
    assert options["parsed"]["security"]["kmip"]["clientCertificatePasswordFile"] == str(file)
    assert server.stop() == 0


def test_a_password_in_the_environment(make_server, own_access):
    server = make_server(with_password(own_access))
    server.environment = {"STRONGROOM_KMIP_CLIENT_CERTIFICATE_PASSWORD": PASSWORD}
    server.start(["-vvvvv"])
    assert_password_is_nowhere(server)
    assert server.stop() == 0


def test_a_password_on_the_command_line_is_warned_of(make_server, own_access):
    options = with_password(own_access) + ["--kmipClientCertificatePassword", PASSWORD]
    server = make_server(options).start()
    assert server.logged(10000020)
    assert PASSWORD not in server.output()
    with server.client() as client:
        shown = client.admin.command("getCmdLineOpts")
    assert shown["parsed"]["security"]["kmip"]["clientCertificatePassword"] == "<password>"
    assert PASSWORD not in str(shown)


@pytest.mark.parametrize("content, mode", [(PASSWORD, 0o644), ("", 0o600), ("wrong", 0o600)])
def test_a_password_file_that_cannot_be_used(make_server, own_access, tmp_path, content, mode):
    file = tmp_path / "password"
    file.write_text(content)
    file.chmod(mode)
    options = with_password(own_access) + ["--kmipClientCertificatePasswordFile", str(file)]
    server = make_server(options)
    assert server.spawn().wait(60) == statuses()["TlsKeyPassword"], server.output()
    assert PASSWORD not in server.output()
