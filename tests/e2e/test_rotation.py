"""Another master key: at start, while the server runs, for a database of its own; and crashes meanwhile."""

import os
import random
import threading
import time

import pymongo
import pytest
from pymongo.write_concern import WriteConcern

from support import disk, keys, own_kmip
from support.embedded import EmbeddedKmip
from support.exit_status import statuses
from support.kmip import PyKmip
from support.process import wait_until
from support.server import KmipAccess

JOURNALED = WriteConcern(w=1, j=True)
# How often the server is killed in the midst of rotations: few by default, so that the whole run stays
# short. `STRONGROOM_ROTATION_KILLS=200` is the long form.
KILLS = int(os.environ.get("STRONGROOM_ROTATION_KILLS", "12"))
POLLING = ["--kmipKeyStatePollingSeconds", "1"]


@pytest.fixture(params=["PyKMIP", "embedded", "kmipd"])
def access(request, own_access, tmp_path):
    """Access to a KMIP server: one that is not ours, and ours."""
    if request.param == "PyKMIP":
        yield own_access
        return
    access = own_kmip.start(request.param, tmp_path / "kmip")
    yield access
    access.server.stop()


def fill(server, name="shop", n=50):
    with server.client() as client:
        client[name]["orders"].insert_many([{"_id": i, "v": f"v{i}"} for i in range(n)])


def check(server, name="shop", n=50):
    with server.client() as client:
        assert client[name]["orders"].count_documents({}) == n
        assert client[name]["orders"].find_one({"_id": 7})["v"] == "v7"


@pytest.fixture
def stopped(make_server, access):
    """A stopped server with data, and the identifier of its key."""
    server = make_server(access.options()).start()
    fill(server)
    with server.client() as client:
        key = keys.key_id(client)
    assert server.stop() == 0
    return server, key


@pytest.fixture
def running(make_server, own_access):
    server = make_server(own_access.options()).start()
    fill(server)
    return server


# At start


def test_rotate_at_start_then_restart(stopped, access):
    server, old = stopped
    status, output = keys.start_rotating(server, access.options())
    assert status == 0, output
    new = keys.saved(server)["masterKey"]
    assert new["keyId"] != old and new["generation"] == 2
    (line,) = keys.log_lines(server, "Put the keystore under another master key")
    assert (line["oldKeyId"], line["newKeyId"]) == (old, new["keyId"])
    assert access.server.state(access.client, new["keyId"]) == "ACTIVE"
    assert access.server.state(access.client, old) == "ACTIVE", "nobody asked to revoke it"
    server.start()
    check(server)
    with server.client() as client:
        assert keys.key_id(client) == new["keyId"]


@pytest.mark.parametrize("old_state", ["ACTIVE", "DEACTIVATED"])
@pytest.mark.parametrize("new_state", ["generated", "PRE_ACTIVE", "ACTIVE", "DEACTIVATED"])
def test_states_of_old_and_new(make_server, own_access, old_state, new_state):
    """The old key must be readable, whatever its state; the new one must be Active."""
    kmip, client = own_access.server, own_access.client
    server = make_server(own_access.options()).start()
    fill(server)
    assert server.stop() == 0
    (old,) = kmip.identifiers(client)
    if old_state == "DEACTIVATED":
        kmip.revoke(client, old)
    given = None
    if new_state != "generated":
        given = kmip.create_key(client, activate=new_state != "PRE_ACTIVE")
        if new_state == "DEACTIVATED":
            kmip.revoke(client, given)
    before = disk.snapshot(server.dbpath)
    objects = kmip.object_count()
    status, output = keys.start_rotating(server, own_access.options(given))
    if new_state in ("generated", "ACTIVE"):
        assert status == 0, output
        server.start()
        check(server)
        with server.client() as mongo:
            assert keys.key_id(mongo) == (given or keys.saved(server)["masterKey"]["keyId"]) != old
    else:
        assert status == statuses()["KeyNotActive"], output
        assert given in output
        assert disk.snapshot(server.dbpath) == before
        assert kmip.object_count() == objects
        # The operator may insist.
        insist = own_access.options(given) + ["--kmipActivateKeys", "false"]
        status, output = keys.start_rotating(server, insist)
        assert status == 0, output


def test_what_is_refused_at_start(make_server, own_access):
    kmip, client = own_access.server, own_access.client
    fresh = make_server(own_access.options())
    fresh.dbpath.mkdir(parents=True)
    objects = kmip.object_count()
    status, output = keys.start_rotating(fresh, own_access.options())
    assert status == statuses()["RotationRefused"], output
    assert disk.snapshot(fresh.dbpath) == {} and kmip.object_count() == objects

    server = make_server(own_access.options()).start()
    fill(server)
    assert server.stop() == 0
    (old,) = kmip.identifiers(client)
    before, objects = disk.snapshot(server.dbpath), kmip.object_count()
    for given, expected in [(old, "RotationRefused"), ("no-such-key", "KeyNotFound")]:
        status, output = keys.start_rotating(server, own_access.options(given))
        assert status == statuses()[expected], output
        assert given in output
        assert disk.snapshot(server.dbpath) == before and kmip.object_count() == objects
    server.start()
    check(server)


# Online


def test_rotate_online(make_server, access):
    server = make_server(access.options()).start()
    fill(server)
    with server.client() as client:
        old = keys.key_id(client)
        answer = client.admin.command("rotateMasterKey")
        assert answer["oldKeyId"] == old and answer["origin"] == "created"
        assert answer["generation"] == 2
        assert keys.key_id(client) == answer["newKeyId"] != old
        assert keys.encryption(client)["masterKeyGeneration"] == 2
        given = access.server.create_key(access.client, name="by name")
        answer = client.admin.command("rotateMasterKey", keyIdentifier="by name")
        assert answer["newKeyId"] == given and answer["newKeyName"] == "by name"
        with pytest.raises(pymongo.errors.OperationFailure) as refused:
            client.admin.command("rotateMasterKey", keyIdentifier=given)
        assert refused.value.code == 20, refused.value
    check(server)
    assert server.stop() == 0
    server.start()
    check(server)
    with server.client() as client:
        assert keys.key_id(client) == given


def test_the_tool_rotates_and_tells(running, own_access):
    old = keys.tool_json("status", *keys.host(running))["encryptionKeyId"]["kmip"]["keyId"]
    done = keys.tool_json("rotate", *keys.host(running), "--data-keys", "--revoke-old-key")
    assert done["oldKeyId"] == old and done["oldKeyRevoked"] is True
    assert done["dataKeys"]["rotated"] == 2 and done["dataKeys"]["failed"] == 0, "the server's and shop's"
    assert own_access.server.state(own_access.client, old) == "DEACTIVATED"
    text = keys.tool("status", *keys.host(running)).stdout
    assert done["newKeyId"] in text
    check(running)
    refused = keys.tool("rotate", *keys.host(running), "--key-identifier", "no-such", check=False)
    assert refused.returncode == statuses()["CommandRefused"]
    assert "no-such" in refused.stderr and "KeyNotFound" in refused.stderr
    running.stop()
    assert keys.tool("status", *keys.host(running), check=False).returncode == statuses()["ServerUnreachable"]
    assert keys.saved(running)["masterKey"]["keyId"] == done["newKeyId"]
    running.start()
    check(running)


def test_arguments_and_refusals(running, make_server, own_access):
    plain = make_server().start()
    with plain.client() as client:
        with pytest.raises(pymongo.errors.OperationFailure) as refused:
            client.admin.command("rotateMasterKey")
        assert refused.value.code == 20
    with running.client() as client:
        cases = [
            ({"keyIdentifier": ""}, 2),
            ({"keyIdentifier": 7}, 14),
            ({"no": 1}, 40415),
            ({"database": "nowhere"}, 26),
            ({"database": "shop"}, 20),
            ({"keyIdentifier": "no-such"}, 211),
        ]
        for arguments, code in cases:
            with pytest.raises(pymongo.errors.OperationFailure) as refused:
                client.admin.command({"rotateMasterKey": 1, **arguments})
            assert refused.value.code == code, (arguments, refused.value)
        with pytest.raises(pymongo.errors.OperationFailure) as refused:
            client["shop"].command("rotateMasterKey")
        assert refused.value.code == 13
        assert keys.encryption(client)["masterKeyGeneration"] == 1


def test_a_kmip_server_that_is_gone_changes_nothing(make_server, ca, tmp_path):
    kmip = PyKmip(tmp_path / "kmip", ca, ca.issue("gone-kmip", server_names=["127.0.0.1"])).start()
    try:
        access = KmipAccess(kmip, ca, ca.issue("gone-client"))
        server = make_server(access.options()).start()
        fill(server)
        before = (server.dbpath / "keystore").read_bytes()
        kmip.stop()
        with server.client() as client:
            with pytest.raises(pymongo.errors.OperationFailure) as refused:
                client.admin.command("rotateMasterKey")
            assert refused.value.code == 6, refused.value
            assert str(kmip.port) in str(refused.value)
        assert (server.dbpath / "keystore").read_bytes() == before
        check(server)
        kmip.start()
        with server.client() as client:
            client.admin.command("rotateMasterKey")
        check(server)
        server.stop()
    finally:
        kmip.stop()


def test_revoked_after_a_rotation_the_old_key_does_no_harm(make_server, own_access):
    """Polling follows the new key at once: the old one may be revoked right away."""
    server = make_server(own_access.options() + POLLING).start()
    fill(server)
    with server.client() as client:
        for _ in range(3):
            answer = client.admin.command("rotateMasterKey", revokeOldKey=True)
            assert answer["oldKeyRevoked"] is True
        # Twice as long as it takes to look.
        at = time.monotonic()
        wait_until(lambda: time.monotonic() - at > 2.5, "a look at the key")
        assert keys.key_id(client) == answer["newKeyId"]
        assert keys.encryption(client)["kmip"]["keyState"] == "Active"
    assert server.is_running()
    check(server)
    assert server.stop() == 0
    server.start()
    check(server)


def test_rotations_follow_each_other_under_load(running):
    """Many rotations at once, and writers meanwhile: one after the other or refused, nothing lost."""
    stop, errors, written = threading.Event(), [], []

    def write():
        with running.client() as client:
            jobs = client["load"].get_collection("jobs", write_concern=JOURNALED)
            number = 0
            while not stop.is_set():
                jobs.insert_one({"_id": number})
                written.append(number)
                number += 1

    outcomes = []

    def rotate():
        with running.client() as client:
            for _ in range(5):
                try:
                    answer = client.admin.command("rotateMasterKey", dataKeys=True)
                    outcomes.append(answer["generation"])
                except pymongo.errors.OperationFailure as error:
                    if error.code != 117:
                        errors.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    rotators = [threading.Thread(target=rotate) for _ in range(3)]
    for thread in rotators:
        thread.start()
    for thread in rotators:
        thread.join()
    stop.set()
    writer.join()
    assert not errors
    assert len(set(outcomes)) == len(outcomes) > 0, "each is a generation of its own"
    running.kill()
    running.start()
    with running.client() as client:
        assert client["load"]["jobs"].count_documents({}) >= len(written) > 0
        assert keys.encryption(client)["masterKeyGeneration"] == max(outcomes)


def test_new_data_keys_leave_old_files_readable(running):
    running.stop()
    running.start()
    trees = {p.name for p in (running.dbpath / "trees").iterdir()}
    with running.client() as client:
        before = keys.encryption(client)["dataKeys"]
        assert before == len(trees)
        answer = client.admin.command("rotateMasterKey", dataKeys=True)
        assert answer["dataKeys"] == {"rotated": len(trees), "locked": 0, "failed": 0}
        assert keys.encryption(client)["dataKeys"] == 2 * before
        client["shop"]["orders"].insert_many([{"_id": i, "v": f"v{i}"} for i in range(50, 100)])
    check(running, n=100)
    running.kill()
    running.start()
    check(running, n=100)
    assert running.stop() == 0
    running.start()
    check(running, n=100)


# Crashes


class Load:
    """Writers with `j: true` that note what was acknowledged, and somebody who rotates meanwhile."""

    def __init__(self):
        self.acknowledged: set[int] = set()
        self.next = 0
        self.lock = threading.Lock()

    def run(self, server, writes: int, data_keys: bool, after_a_rotation: bool):
        """Kills the server after so many acknowledged writes, and a rotation if that is asked for (a rotation
        takes longer than a few writes); the rotations that were acknowledged."""
        enough, rotated = threading.Event(), []
        target = len(self.acknowledged) + writes

        def write():
            with server.client(retryWrites=False, socketTimeoutMS=30_000) as client:
                jobs = client["crash"].get_collection("jobs", write_concern=JOURNALED)
                while not enough.is_set():
                    with self.lock:
                        self.next += 1
                        key = self.next
                    try:
                        jobs.insert_one({"_id": key, "pad": "x" * 100})
                    except pymongo.errors.PyMongoError:
                        return
                    with self.lock:
                        self.acknowledged.add(key)
                        if len(self.acknowledged) >= target and (rotated or not after_a_rotation):
                            enough.set()

        def rotate():
            with server.client(socketTimeoutMS=30_000) as client:
                while True:
                    try:
                        answer = client.admin.command("rotateMasterKey", dataKeys=data_keys)
                    except pymongo.errors.PyMongoError:
                        return
                    rotated.append(answer["newKeyId"])

        threads = [threading.Thread(target=write) for _ in range(3)]
        threads.append(threading.Thread(target=rotate))
        for thread in threads:
            thread.start()
        assert enough.wait(120), "the writers got stuck"
        server.kill()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
        return rotated


def test_kill_during_online_rotation_under_load_loses_nothing(make_server, own_access):
    """`kill -9` at a random moment of a rotation, with writers at work, again and again. Everything that
    was acknowledged with `j: true` is there, and the server starts by itself each time."""
    server = make_server(own_access.options())
    generator, load = random.Random(20), Load()
    rotations, last = 0, None
    for kill in range(KILLS):
        server.start()
        writes = generator.randrange(5, 60)
        rotated = load.run(server, writes, data_keys=kill % 3 == 0, after_a_rotation=kill % 2 == 0)
        rotations += len(rotated)
        last = rotated[-1] if rotated else last
        # What was acknowledged is durable; a rotation that was not may have happened as well.
        generation = keys.saved(server)["masterKey"]["generation"]
        assert generation >= rotations + 1, "an acknowledged rotation is lost"
        rotations = generation - 1
        server.start()
        with server.client() as client:
            found = {d["_id"] for d in client["crash"]["jobs"].find({}, {"_id": 1})}
            lost = load.acknowledged - found
            assert not lost, f"kill {kill}: {len(lost)} acknowledged documents are lost"
        server.kill()
    assert rotations > 0 and len(load.acknowledged) > KILLS
    # One key for each generation: those that a kill left behind were found again by their Names.
    names = own_access.server.identifiers(own_access.client)
    assert len(names) in (rotations + 1, rotations + 2), (len(names), rotations)


ROTATION_POINTS = [
    "rotate.announced",
    "kmip.before_create",
    "kmip.created",
    "kmip.activated",
    "rotate.fetched",
    "keystore.previous_kept",
    "keystore.before_write",
    "keystore.half_written",
    "keystore.synced",
    "keystore.renamed",
    "rotate.done",
    "kmip.before_revoke",
    "kmip.revoked",
]


def test_a_crash_at_each_step_of_an_online_rotation(make_server, own_access, monkeypatch):
    server = make_server(own_access.options()).start()
    fill(server)
    assert server.stop() == 0
    for step in ROTATION_POINTS:
        before = keys.saved(server)["masterKey"]["generation"]
        with monkeypatch.context() as patch:
            patch.setitem(keys.ENVIRONMENT, "STRONGROOM_FAILPOINT", step)
            server.start()
            with server.client(socketTimeoutMS=30_000) as client:
                with pytest.raises(pymongo.errors.AutoReconnect):
                    client.admin.command("rotateMasterKey", revokeOldKey=True)
            server.process.wait(60)
        server.start()
        check(server)
        with server.client() as client:
            now = keys.encryption(client)["masterKeyGeneration"]
            assert now in (before, before + 1), step
            # And the next one goes through, with the key that the crash left if there is one.
            answer = client.admin.command("rotateMasterKey")
            assert answer["generation"] == now + 1, step
        assert server.stop() == 0
    generations = keys.saved(server)["masterKey"]["generation"]
    found = own_access.server.identifiers(own_access.client)
    assert len(found) == generations, "one key for each generation, no orphan"


def test_a_crash_at_each_step_of_a_rotation_at_start(make_server, own_access, monkeypatch):
    server = make_server(own_access.options()).start()
    fill(server)
    assert server.stop() == 0
    for step in [p for p in ROTATION_POINTS if "revoke" not in p]:
        with monkeypatch.context() as patch:
            patch.setitem(keys.ENVIRONMENT, "STRONGROOM_FAILPOINT", step)
            status, output = keys.start_rotating(server, own_access.options())
            assert status < 0, f"{step}: {status}\n{output}"
        status, output = keys.start_rotating(server, own_access.options())
        assert status == 0, f"{step}: {output}"
    server.start()
    check(server)
    generations = keys.saved(server)["masterKey"]["generation"]
    found = own_access.server.identifiers(own_access.client)
    assert len(found) == generations, "one key for each generation, no orphan"


# Databases with master keys of their own


def own_keys(client) -> dict[str, dict]:
    return {entry["name"]: entry for entry in keys.encryption(client).get("databases", [])}


def locked(client, name: str) -> bool:
    return own_keys(client)[name]["locked"]


def refused_with_key_not_found(client, name: str):
    with pytest.raises(pymongo.errors.OperationFailure) as refused:
        client[name]["orders"].find_one()
    assert refused.value.code == 211, refused.value
    return str(refused.value)


@pytest.fixture
def tenants(make_server, access):
    """A running server with two tenants, each under a key of its own, and one database without."""
    server = make_server(access.options() + POLLING).start()
    owned = {}
    for name in ("north", "south", "nobody"):
        fill(server, name)
        if name != "nobody":
            # Not the database's name: a key's Name is in the log.
            key_name = f"tenant key {len(owned)}"
            owned[name] = access.server.create_key(access.client, name=key_name)
            given = owned[name] if name == "north" else key_name
            done = keys.tool_json("set", *keys.host(server), "--db", name, "--key-identifier", given)
            assert done["newKeyId"] == owned[name] and done["oldKeyId"] is None
    return server, owned


def test_a_tenant_whose_key_is_revoked_is_locked_and_no_other(tenants, access):
    server, owned = tenants
    with server.client() as client:
        assert {name: entry["locked"] for name, entry in own_keys(client).items()} == {
            "north": False,
            "south": False,
        }
        access.server.revoke(access.client, owned["north"])
        wait_until(lambda: locked(client, "north"), "the lock")
        message = refused_with_key_not_found(client, "north")
        assert owned["north"] in message and "Deactivated" in message
        # Writing, creating and listing collections: all the same.
        for attempt in (
            lambda: client["north"]["orders"].insert_one({}),
            lambda: client["north"].list_collection_names(),
            lambda: client["north"]["new"].create_index("a"),
        ):
            with pytest.raises(pymongo.errors.OperationFailure) as refused:
                attempt()
            assert refused.value.code == 211
        check(server, "south")
        check(server, "nobody")
        assert "north" in client.list_database_names()
        fill(server, "new")
    assert "north" not in server.output(), "names are not in the log"
    assert server.stop() == 0
    # After a restart it is still so, and the server starts nevertheless.
    server.start()
    with server.client() as client:
        assert locked(client, "north")
        refused_with_key_not_found(client, "north")
        check(server, "south")
    assert server.stop() == 0
    # Whoever may insist that the state does not matter, opens it.
    server.options = access.options() + ["--kmipActivateKeys", "false"]
    server.start()
    check(server, "north")
    check(server, "south")


def test_a_tenant_is_unlocked_when_the_key_is_back(make_server, own_access, ca, tmp_path):
    """The key is on a KMIP server that is away when the database server starts."""
    away = PyKmip(tmp_path / "away", ca, ca.issue("away-kmip", server_names=["127.0.0.1"])).start()
    try:
        options = own_access.options()
        at = options.index("--kmipServerName") + 1
        options[at] = f"127.0.0.1,127.0.0.1:{away.port}"
        server = make_server(options).start()
        fill(server, "tenant")
        fill(server, "other")
        material = bytes(range(32))
        for _ in range(1000):
            # Unique identifiers are numbers from 1: one that the first server does not have.
            key = away.register_key(own_access.client, material)
            if int(key) > own_access.server.object_count() + 5:
                break
        with server.client() as client:
            client.admin.command("setDatabaseMasterKey", database="tenant", keyIdentifier=key)
        assert server.stop() == 0
        away.stop()
        server.start()
        with server.client() as client:
            message = refused_with_key_not_found(client, "tenant")
            assert key in message
            check(server, "other")
            away.start()
            wait_until(lambda: not locked(client, "tenant"), "the key")
        check(server, "tenant")
        server.stop()
    finally:
        away.stop()


def test_a_wrong_key_for_a_tenant_is_told_from_damage(tenants, access):
    server, owned = tenants
    other = access.server.create_key(access.client)
    with server.client() as client:
        answer = client.admin.command(
            {"rotateMasterKey": 1, "database": "south", "keyIdentifier": other}
        )
        assert (answer["oldKeyId"], answer["newKeyId"]) == (owned["south"], other)
        answer = client.admin.command({"rotateMasterKey": 1, "database": "north", "revokeOldKey": True})
        assert answer["oldKeyId"] == owned["north"] and answer["oldKeyRevoked"] is True
        created = answer["newKeyId"]
        assert access.server.state(access.client, created) == "ACTIVE"
        # The key of another tenant, or of the server, is not revoked with it.
        client.admin.command({"rotateMasterKey": 1, "database": "north", "keyIdentifier": other})
        with pytest.raises(pymongo.errors.OperationFailure) as refused:
            client.admin.command({"rotateMasterKey": 1, "database": "north", "revokeOldKey": True})
        assert refused.value.code == 20
        # Back under the server's.
        done = keys.tool_json("set", *keys.host(server), "--db", "north", "--default")
        assert done["oldKeyId"] == other and done["newKeyId"] is None
        assert list(own_keys(client)) == ["south"]
        access.server.revoke(access.client, other)
        wait_until(lambda: locked(client, "south"), "the lock")
        # Of a locked database nothing can be changed, but it can be dropped.
        for command in (
            {"setDatabaseMasterKey": 1, "database": "south", "keyIdentifier": None},
            {"rotateMasterKey": 1, "database": "south"},
        ):
            with pytest.raises(pymongo.errors.OperationFailure) as refused:
                client.admin.command(command)
            assert refused.value.code == 211, refused.value
        # The server's own key is another matter.
        client.admin.command("rotateMasterKey", dataKeys=True)
        client.drop_database("south")
        assert own_keys(client) == {}
    lines = keys.log_lines(server, "The master key of a dropped database is not needed by it any more")
    assert [line["keyId"] for line in lines] == [other]
    assert server.stop() == 0
    server.start()
    check(server, "north")
    check(server, "nobody")


def test_set_on_a_database_that_is_not_there(running, own_access):
    key = own_access.server.create_key(own_access.client)
    with running.client() as client:
        command = {"setDatabaseMasterKey": 1, "database": "later", "keyIdentifier": key}
        with pytest.raises(pymongo.errors.OperationFailure) as refused:
            client.admin.command(command)
        assert refused.value.code == 26
        with pytest.raises(pymongo.errors.OperationFailure) as refused:
            client.admin.command({**command, "keyIdentifier": "no-such", "create": True})
        assert refused.value.code == 211
        assert "later" not in client.list_database_names()
        answer = client.admin.command({**command, "create": True})
        assert answer["created"] is True
        for own in ("admin", "config", "local"):
            with pytest.raises(pymongo.errors.OperationFailure) as refused:
                client.admin.command({**command, "database": own, "create": True})
            assert refused.value.code == 20
    fill(running, "later")
    assert running.stop() == 0
    running.start()
    check(running, "later")


SET_POINTS = ["tree.fetched", "tree.previous_removed", "keystore.half_written", "keystore.renamed", "tree.done"]


def test_a_crash_at_each_step_of_a_change_of_a_tenants_key(make_server, own_access, monkeypatch):
    server = make_server(own_access.options()).start()
    fill(server, "tenant")
    assert server.stop() == 0
    for step in SET_POINTS:
        key = own_access.server.create_key(own_access.client)
        with monkeypatch.context() as patch:
            patch.setitem(keys.ENVIRONMENT, "STRONGROOM_FAILPOINT", step)
            server.start()
            with server.client(socketTimeoutMS=30_000) as client:
                with pytest.raises(pymongo.errors.AutoReconnect):
                    client.admin.command("setDatabaseMasterKey", database="tenant", keyIdentifier=key)
            server.process.wait(60)
        server.start()
        check(server, "tenant")
        with server.client() as client:
            own = own_keys(client).get("tenant", {}).get("keyId")
            if own != key:
                client.admin.command("setDatabaseMasterKey", database="tenant", keyIdentifier=key)
            assert own_keys(client)["tenant"]["keyId"] == key
            check(server, "tenant")
        assert server.stop() == 0


# The KMIP server wraps the keys


@own_kmip.ON_KMIPD_TOO
def test_wrap_on_server(make_server, own_access):
    kmip, client = own_access.server, own_access.client
    wrapping = own_access.options() + ["--kmipWrapOnServer", "true"]
    server = make_server(wrapping).start()
    fill(server)
    (key,) = kmip.identifiers(client)
    assert server.stop() == 0
    assert keys.saved(server)["masterKey"]["wrappedOnServer"] is True
    server.start()
    check(server)
    with server.client() as mongo:
        new = mongo.admin.command("rotateMasterKey")["newKeyId"]
    assert server.stop() == 0
    assert keys.saved(server)["masterKey"] == {
        **keys.saved(server)["masterKey"],
        "keyId": new,
        "wrappedOnServer": True,
        "generation": 2,
    }
    # The option is for keys that are taken into use from now on.
    server.options = own_access.options()
    server.start()
    check(server)
    assert keys.log_lines(server, "The master key is not used as wrapOnServer says")
    assert server.stop() == 0
    status, output = keys.start_rotating(server, own_access.options())
    assert status == 0, output
    assert keys.saved(server)["masterKey"]["wrappedOnServer"] is False
    server.start()
    check(server)
    assert server.stop() == 0
    # And back, under the same key.
    same = keys.saved(server)["masterKey"]["keyId"]
    status, output = keys.start_rotating(server, wrapping[:] + ["--kmipKeyIdentifier", same])
    assert status == 0, output
    server.options = wrapping
    server.start()
    check(server)
    assert key != new
    assert server.stop() == 0
    # Online, too: a restart with the other option, and a rotation.
    server.options = own_access.options()
    server.start()
    with server.client() as mongo:
        mongo.admin.command("rotateMasterKey")
    check(server)
    assert keys.saved(server)["masterKey"]["wrappedOnServer"] is False


def test_a_server_that_cannot_wrap(make_server, tmp_path):
    """Authenticated encryption is of KMIP 1.4: refused before a key is created."""
    kmip = EmbeddedKmip(tmp_path / "embedded").start()
    try:
        access = KmipAccess(kmip, kmip.ca, kmip.issued)
        before = kmip.object_count()
        server = make_server(access.options() + ["--kmipWrapOnServer", "true", "--kmipProtocolVersion", "1.2"])
        process = server.spawn()
        assert process.wait(60) == statuses()["KmipRefused"], server.output()
        assert "wrapOnServer" in server.output()
        assert kmip.object_count() == before
        assert disk.snapshot(server.dbpath) == {}
    finally:
        kmip.stop()


