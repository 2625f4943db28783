"""Another master key for the server: at start, and while it runs."""

import threading
import time

import pymongo
import pytest
from pymongo.write_concern import WriteConcern

from support import disk, keys
from support.data import check, fill
from support.exit_status import statuses
from support.kmip import PyKmip
from support.process import wait_until
from support.server import KmipAccess

JOURNALED = WriteConcern(w=1, j=True)
POLLING = ["--kmipKeyStatePollingSeconds", "1"]


@pytest.fixture
def stopped(make_server, access):
    """A stopped server with data, and the identifier of its key."""
    server = make_server(access.options()).start()
    fill(server)
    with server.client() as client:
        key = keys.key_id(client)
    assert server.stop() == 0
    return server, key


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
