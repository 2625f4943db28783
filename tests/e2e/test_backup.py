"""Backups: taken under load, checked, restored, interrupted, damaged, and opened with the right key
and with no other."""

import base64
import json
import os
import shutil
import subprocess
import threading

import pytest
from pymongo.errors import OperationFailure, PyMongoError

from support import disk, keys
from support.paths import STRONGROOM
from support.process import Process, wait_until
from support.server import KmipAccess, Strongroomd

# Exit statuses (docs/exit-statuses.md).
DBPATH_UNUSABLE = 64
DBPATH_ENCRYPTED = 66
WRONG_MASTER_KEY = 71
KEY_IDENTIFIER_MISMATCH = 72
PROVIDER_MISMATCH = 73
KEY_NOT_FOUND = 93
BACKUP_UNUSABLE = 110

DATABASES = ("zebra_ledger_1180", "walrus_ledger_2290")
NEEDLES = {
    "database": DATABASES[0].encode(),
    "other database": DATABASES[1].encode(),
    "collection": b"ocelot_accounts_3301",
    "field": b"gecko_balance_4412",
    "value": b"pangolin text 5523",
}
COLLECTION = NEEDLES["collection"].decode()
FIELD = NEEDLES["field"].decode()
VALUE = NEEDLES["value"].decode()


def strongroom(*args, status: int = 0) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [str(arg) for arg in (STRONGROOM, *args)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == status, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def create_backup(server: Strongroomd, directory) -> dict:
    with server.client() as client:
        return client.admin.command("createBackup", 1, backupDir=str(directory))


def start_on(make_server, restored, options: list[str], name: str) -> Strongroomd:
    """A server of its own, on a dbpath that is there already."""
    server = make_server(options, name)
    server.directory.mkdir(parents=True)
    shutil.move(restored, server.dbpath)
    return server


class Load:
    """Writers that count in both databases, first in one and then in the other."""

    def __init__(self, server: Strongroomd, writers: int = 4):
        self.stopping = threading.Event()
        self.server = server
        self.acknowledged = [0] * writers
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(writers)]
        for thread in self.threads:
            thread.start()

    def run(self, number: int):
        with self.server.client() as client:
            ledgers = [client[name][COLLECTION] for name in DATABASES]
            count = 0
            try:
                while not self.stopping.is_set():
                    count += 1
                    for ledger in ledgers:
                        ledger.insert_one({"_id": f"{number}-{count}", FIELD: count, "text": VALUE})
                    self.acknowledged[number] = count
            except PyMongoError:
                # The server was killed, as some tests do; others find documents missing.
                pass

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


@pytest.fixture
def loaded():
    """Loads that end with the test."""
    loads = []

    def start(server: Strongroomd) -> Load:
        loads.append(Load(server))
        wait_until(lambda: min(loads[-1].acknowledged) > 5, "the load")
        return loads[-1]

    yield start
    for load in loads:
        load.stop()


def check_ledgers(server: Strongroomd, acknowledged: list[int]):
    """All that was acknowledged is in both, without holes, and neither is ahead by more than what
    was under way."""
    with server.client() as client:
        counts = []
        for name in DATABASES:
            by_writer: dict[int, set[int]] = {}
            for document in client[name][COLLECTION].find({FIELD: {"$gt": 0}}):
                writer, count = map(int, document["_id"].split("-"))
                assert document[FIELD] == count and document["text"] == VALUE
                by_writer.setdefault(writer, set()).add(count)
            assert client[name][COLLECTION].estimated_document_count() == sum(map(len, by_writer.values()))
            counts.append(by_writer)
        for writer, before in enumerate(acknowledged):
            first, second = (found.get(writer, set()) for found in counts)
            assert first == set(range(1, len(first) + 1)), "no holes"
            assert second == set(range(1, len(second) + 1)), "no holes"
            assert len(second) >= before
            assert len(first) - len(second) in (0, 1)


def test_a_backup_under_load_is_restored(make_server, own_access, ca, loaded, tmp_path):
    server = make_server(own_access.options()).start()
    with server.client() as client:
        # Databases that are not written to while the backup is made.
        for n in range(5):
            client[f"idle_{n}"]["c"].insert_many({"_id": i, "pad": VALUE * 10} for i in range(200))
    load = loaded(server)
    backup = tmp_path / "backup"
    acknowledged = list(load.acknowledged)
    reply = create_backup(server, backup)
    assert wait_until(lambda: sum(load.acknowledged) > sum(acknowledged) + 10, "writes to go on")
    load.stop()
    key = own_access.server.identifiers(own_access.client)[0]
    assert reply["ok"] == 1 and reply["files"] > 10 and reply["bytes"] > 1000
    assert reply["masterKey"]["keyId"] == key and reply["masterKey"]["provider"] == "kmip"
    port = own_access.server.port
    assert reply["masterKey"]["servers"] == [f"127.0.0.1:{port}"]
    assert not (server.dbpath / "checkpoint").exists()
    ids = [line["id"] for line in server.log()]
    assert 10_004_020 in ids and 10_004_021 in ids

    # Nobody can read it, and it says whose key opens it.
    assert disk.find(backup, NEEDLES) == {}
    for path in backup.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    verified = json.loads(strongroom("backup", "verify", backup, "--json").stdout)
    assert verified["ok"] and verified["problems"] == [] and verified["unexpected"] == []
    assert verified["masterKey"] == json.loads(json.dumps(reply["masterKey"]))
    assert verified["bytes"] == reply["bytes"] and verified["files"] == reply["files"]
    assert key in strongroom("backup", "verify", backup).stdout
    assert server.stop() == 0

    restored = tmp_path / "restored"
    done = strongroom("restore", "--from", backup, "--dbpath", restored)
    assert "100% restored" in done.stderr and key in done.stdout
    strongroom("restore", "--from", backup, "--dbpath", restored, status=DBPATH_UNUSABLE)
    # Restoring and checking leave the backup as it was.
    strongroom("backup", "verify", backup)

    # Another key, another client's certificate, no encryption: refused, and nothing is harmed.
    right = start_on(make_server, restored, [], "right")
    before = disk.snapshot(right.dbpath)
    stranger = KmipAccess(own_access.server, ca, ca.issue("stranger"))
    other_key = own_access.server.create_key(own_access.client)
    for options, status in [
        (own_access.options(other_key), KEY_IDENTIFIER_MISMATCH),
        (stranger.options(), KEY_NOT_FOUND),
        ([], DBPATH_ENCRYPTED),
    ]:
        right.options = options
        assert right.spawn().wait() == status, right.output()
    assert disk.snapshot(right.dbpath) == before
    right.options = own_access.options()
    right.start()
    check_ledgers(right, acknowledged)
    with right.client() as client:
        for n in range(5):
            assert client[f"idle_{n}"]["c"].count_documents({"pad": VALUE * 10}) == 200
        # It goes on from there.
        client[DATABASES[0]][COLLECTION].insert_one({"_id": "new"})
    assert right.stop() == 0


def test_the_wrong_key_file_fails_cleanly(make_server, tmp_path):
    def key_file(name: str, byte: int):
        file = tmp_path / name
        file.write_bytes(base64.b64encode(bytes([byte]) * 32))
        file.chmod(0o600)
        return ["--enableEncryption", "--encryptionKeyFile", str(file)]

    right, wrong = key_file("right", 1), key_file("wrong", 2)
    server = make_server(right).start()
    with server.client() as client:
        client["d"]["c"].insert_one({"_id": 1})
    backup, restored = tmp_path / "backup", tmp_path / "restored"
    reply = create_backup(server, backup)
    assert reply["masterKey"]["provider"] == "keyFile" and "keyId" not in reply["masterKey"]
    assert server.stop() == 0

    config = tmp_path / "mongod.conf"
    text = f"storage: {{dbPath: {restored}}}\n"
    config.write_text(text)
    strongroom("restore", "--from", backup, "--config", config, status=DBPATH_ENCRYPTED)
    config.write_text(text + "security: {enableEncryption: true, kmip: {serverName: x, clientCertificateFile: /x}}\n")
    strongroom("restore", "--from", backup, "--config", config, status=PROVIDER_MISMATCH)
    assert not restored.exists()
    config.write_text(text + f"security: {{enableEncryption: true, encryptionKeyFile: {right[2]}}}\n")
    strongroom("restore", "--from", backup, "--config", config)

    other = start_on(make_server, restored, wrong, "other")
    before = disk.snapshot(other.dbpath)
    assert other.spawn().wait() == WRONG_MASTER_KEY, other.output()
    assert disk.snapshot(other.dbpath) == before
    other.options = right
    other.start()
    with other.client() as client:
        assert list(client["d"]["c"].find()) == [{"_id": 1}]
    assert other.stop() == 0


def test_refusals(make_server, tmp_path):
    server = make_server().start()
    full = tmp_path / "full"
    full.mkdir()
    (full / "x").write_text("")
    with server.client() as client:
        client["d"]["c"].insert_one({"_id": 1})

        def code(database="admin", **fields) -> int:
            with pytest.raises(OperationFailure) as refused:
                client[database].command("createBackup", 1, **fields)
            return refused.value.code

        assert code() == 40414
        assert code(backupDir=7) == 14
        assert code(backupDir="relative") == 30
        assert code(backupDir=str(full)) == 30
        assert code(backupDir=str(server.dbpath / "b")) == 30
        assert code(backupDir=str(tmp_path / "no" / "such")) == 29
        assert code(backupDir=str(tmp_path / "b"), archive="x") == 238
        assert code(backupDir=str(tmp_path / "b"), unknown=1) == 40415
        assert code("d", backupDir=str(tmp_path / "b")) == 13
        assert not (tmp_path / "b").exists()
        if os.geteuid() != 0:
            closed = tmp_path / "closed"
            closed.mkdir(mode=0o500)
            assert code(backupDir=str(closed / "b")) == 96
        # In clear it works as well, and says that no key is needed.
        reply = client.admin.command("createBackup", 1, backupDir=str(tmp_path / "b"))
        assert "masterKey" not in reply
    assert json.loads(strongroom("backup", "verify", tmp_path / "b", "--json").stdout)["masterKey"] is None
    assert server.stop() == 0


def test_kill_in_the_middle_of_a_backup(make_server, own_access, loaded, tmp_path):
    server = make_server(own_access.options()).start()
    with server.client() as client:
        for n in range(6):
            client[f"big_{n}"]["c"].insert_many(
                {"_id": i, "random": os.urandom(2000)} for i in range(2000)
            )
    load = loaded(server)
    backup = tmp_path / "backup"

    def take():
        with pytest.raises(PyMongoError):
            create_backup(server, backup)

    taking = threading.Thread(target=take)
    taking.start()
    wait_until(lambda: (backup / "trees").exists(), "the first file", pause=0)
    server.kill()
    taking.join()
    load.stop()
    acknowledged = list(load.acknowledged)
    assert (backup / "strongroom.incomplete").exists() and not (backup / "backup.json").exists()
    strongroom("backup", "verify", backup, status=BACKUP_UNUSABLE)
    strongroom("restore", "--from", backup, "--dbpath", tmp_path / "x", status=BACKUP_UNUSABLE)
    assert not (tmp_path / "x").exists()
    # No server starts on it either.
    broken = start_on(make_server, backup, own_access.options(), "broken")
    assert broken.spawn().wait() == BACKUP_UNUSABLE, broken.output()

    # The server itself takes no harm, and takes the next one.
    server.start()
    assert not (server.dbpath / "checkpoint").exists()
    create_backup(server, tmp_path / "next")
    strongroom("backup", "verify", tmp_path / "next")
    check_ledgers(server, acknowledged)
    assert server.stop() == 0


def test_an_interrupted_restore_is_known_and_repeated(make_server, tmp_path):
    server = make_server().start()
    with server.client() as client:
        for n in range(40):
            client[f"d{n}"]["c"].insert_many({"_id": i, "random": os.urandom(1000)} for i in range(300))
    backup, restored = tmp_path / "backup", tmp_path / "restored"
    create_backup(server, backup)
    assert server.stop() == 0

    args = [STRONGROOM, "restore", "--from", backup, "--dbpath", restored]
    process = Process("strongroom restore", args, tmp_path / "restore.txt")
    wait_until(lambda: (restored / "trees").exists(), "the first file", pause=0)
    process.end(9)
    assert (restored / "strongroom.incomplete").exists(), process.text()
    copy = tmp_path / "copy"
    shutil.copytree(restored, copy)
    other = start_on(make_server, copy, [], "other")
    assert other.spawn().wait() == BACKUP_UNUSABLE, other.output()
    assert "strongroom restore" in other.output()

    strongroom("restore", "--from", backup, "--dbpath", restored)
    shutil.rmtree(other.dbpath)
    shutil.move(restored, other.dbpath)
    other.start()
    with other.client() as client:
        for n in range(40):
            assert client[f"d{n}"]["c"].count_documents({}) == 300
    assert other.stop() == 0


def test_a_file_that_was_changed_is_found(make_server, own_access, tmp_path):
    server = make_server(own_access.options()).start()
    with server.client() as client:
        client["d"]["c"].insert_many({"_id": i, "pad": VALUE * 5} for i in range(2000))
    backup = tmp_path / "backup"
    create_backup(server, backup)
    assert server.stop() == 0
    file = max((backup / "trees").rglob("*.sst"), key=lambda path: path.stat().st_size)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x10
    file.write_bytes(content)
    done = strongroom("backup", "verify", backup, "--json", status=BACKUP_UNUSABLE)
    report = json.loads(done.stdout)
    assert not report["ok"]
    assert [problem["file"] for problem in report["problems"]] == [str(file.relative_to(backup))]
    restored = tmp_path / "restored"
    done = strongroom("restore", "--from", backup, "--dbpath", restored, status=BACKUP_UNUSABLE)
    assert file.name in done.stderr
    assert (restored / "strongroom.incomplete").exists()
    # A manifest that speaks of another key than the keystore.
    content[len(content) // 2] ^= 0x10
    file.write_bytes(content)
    manifest = backup / "backup.json"
    changed = json.loads(manifest.read_text())
    changed["masterKey"]["keyId"] = "another"
    manifest.write_text(json.dumps(changed))
    done = strongroom("backup", "verify", backup, status=BACKUP_UNUSABLE)
    assert "another master key" in done.stdout


def test_files_from_before_a_drop_do_not_open_with_the_keystore_of_after(make_server, own_access, tmp_path):
    """A dropped database's key is destroyed. What a copy of its files then is: a database that
    answers for itself alone."""
    server = make_server(own_access.options()).start()
    with server.client() as client:
        for name in ("gone", "stays"):
            client[name]["c"].insert_one({"_id": name})
    assert server.stop() == 0
    old = tmp_path / "old"
    shutil.copytree(server.dbpath, old)
    server.start()
    with server.client() as client:
        client.drop_database("gone")
    assert server.stop() == 0
    shutil.copy(server.dbpath / "keystore", old / "keystore")

    copy = start_on(make_server, old, own_access.options(), "copy").start()
    with copy.client() as client:
        assert client["stays"]["c"].find_one() == {"_id": "stays"}
        for command in (
            lambda: client["gone"]["c"].find_one(),
            lambda: client["gone"]["c"].insert_one({"_id": 2}),
            lambda: client["gone"].command("dbStats"),
            lambda: client["gone"].list_collection_names(),
        ):
            with pytest.raises(OperationFailure) as refused:
                command()
            assert refused.value.code == 211 and "locked" in str(refused.value)
        listed = {entry["name"]: entry for entry in client.list_databases()}
        assert set(listed) == {"gone", "stays"} and listed["gone"]["sizeOnDisk"] > 0
        # A backup takes it along as it is.
        create_backup(copy, tmp_path / "backup")
        strongroom("backup", "verify", tmp_path / "backup")
        client.drop_database("gone")
        assert client.list_database_names() == ["stays"]
        client["gone"]["c"].insert_one({"_id": "again"})
    assert copy.stop() == 0


def test_the_manifest_says_how_and_with_which_keys_it_opens(make_server, own_access, tmp_path):
    kmip, own = own_access.server, own_access.client
    server = make_server([*own_access.options(), "--kmipWrapOnServer", "true"]).start()
    given = kmip.create_key(own, name="key of the tenant ocelot")
    with server.client() as client:
        for name in ("ocelot", "pangolin", "nobody"):
            client[name]["c"].insert_one({"_id": name})
            if name != "nobody":
                client.admin.command("setDatabaseMasterKey", database=name, keyIdentifier=given)
        master = keys.key_id(client)
    answer = create_backup(server, tmp_path / "backup")
    expected = [{"keyId": given, "wrapOnServer": True}]
    assert answer["databaseKeys"] == expected, "one key, once, for two databases"
    assert answer["masterKey"]["wrapOnServer"] is True
    manifest = json.loads((tmp_path / "backup" / "backup.json").read_text())
    assert manifest["databaseKeys"] == expected
    assert (manifest["masterKey"]["keyId"], manifest["masterKey"]["wrapOnServer"]) == (master, True)
    for name in ("ocelot", "pangolin", "nobody"):
        assert name not in json.dumps(manifest), "no names: neither of databases nor of their keys"
    shown = strongroom("backup", "verify", tmp_path / "backup").stdout
    assert "wrapOnServer" in shown and f'"{given}"' in shown
    verified = json.loads(strongroom("backup", "verify", tmp_path / "backup", "--json").stdout)
    assert verified["databaseKeys"] == expected
    assert server.stop() == 0


def test_interrupted_rotation_backup_rotation_restore_rotation(make_server, own_access, monkeypatch, tmp_path):
    """The original and its copy each get a key of their own, whatever had been announced when the backup was made."""
    kmip, own = own_access.server, own_access.client
    server = make_server(own_access.options()).start()
    with server.client() as client:
        client["stays"]["c"].insert_one({"_id": 1})
        first = keys.key_id(client)
    assert server.stop() == 0
    with monkeypatch.context() as patch:
        patch.setitem(keys.ENVIRONMENT, "STRONGROOM_FAILPOINT", "kmip.created")
        server.start()
        with server.client(socketTimeoutMS=30_000) as client:
            with pytest.raises(PyMongoError):
                client.admin.command("rotateMasterKey")
        server.process.wait(60)
    (announced,) = set(kmip.identifiers(own)) - {first}
    server.start()
    backup, restored = tmp_path / "backup", tmp_path / "restored"
    assert create_backup(server, backup)["masterKey"]["keyId"] == first
    with server.client() as client:
        answer = client.admin.command("rotateMasterKey")
        assert (answer["newKeyId"], answer["origin"]) == (announced, "foundAgain")
        client["stays"]["c"].insert_one({"_id": 2})

    strongroom("restore", "--from", backup, "--dbpath", restored)
    copy = start_on(make_server, restored, own_access.options(), "copy")
    assert "announced" not in keys.tool("status", "--dbpath", copy.dbpath).stdout
    copy.start()
    with copy.client() as client:
        assert client["stays"]["c"].count_documents({}) == 1
        answer = client.admin.command("rotateMasterKey")
        # That key is the original's, found by its Name or not.
        assert answer["origin"] == "created" and answer["newKeyId"] not in (first, announced)
        assert answer["generation"] == 2 and answer["newKeyName"].endswith("/2-2")
        copied = answer["newKeyId"]
    assert copy.stop() == 0
    with server.client() as client:
        assert client.admin.command("rotateMasterKey")["generation"] == 3
    assert server.stop() == 0
    for again, count in ((server, 2), (copy, 1)):
        again.start()
        with again.client() as client:
            assert client["stays"]["c"].count_documents({}) == count
        assert again.stop() == 0
    assert keys.saved(copy)["masterKey"]["keyId"] == copied
    assert len(kmip.identifiers(own)) == 4
