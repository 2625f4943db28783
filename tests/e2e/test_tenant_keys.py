"""Databases with a master key of their own: locked and unlocked, rotated, taken back."""

import pymongo
import pytest

from support import keys
from support.data import check, fill
from support.exit_status import statuses
from support.kmip import PyKmip
from support.process import wait_until
from support.server import KmipAccess

POLLING = ["--kmipKeyStatePollingSeconds", "1"]


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
        assert {name: entry["locked"] for name, entry in keys.own_keys(client).items()} == {
            "north": False,
            "south": False,
        }
        access.server.revoke(access.client, owned["north"])
        wait_until(lambda: keys.locked(client, "north"), "the lock")
        message = keys.refused_with_key_not_found(client, "north")
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
        assert keys.locked(client, "north")
        keys.refused_with_key_not_found(client, "north")
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
            message = keys.refused_with_key_not_found(client, "tenant")
            assert key in message
            check(server, "other")
            away.start()
            wait_until(lambda: not keys.locked(client, "tenant"), "the key")
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
        assert list(keys.own_keys(client)) == ["south"]
        access.server.revoke(access.client, other)
        wait_until(lambda: keys.locked(client, "south"), "the lock")
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
        assert keys.own_keys(client) == {}
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
            own = keys.own_keys(client).get("tenant", {}).get("keyId")
            if own != key:
                client.admin.command("setDatabaseMasterKey", database="tenant", keyIdentifier=key)
            assert keys.own_keys(client)["tenant"]["keyId"] == key
            check(server, "tenant")
        assert server.stop() == 0


def test_a_superseded_key_is_not_taken_again(tenants, access):
    server, owned = tenants
    at = [*keys.host(server), "--db", "north"]
    created = []
    for _ in range(2):
        done = keys.tool_json("rotate", *at)
        created.append(done["newKeyId"])
        assert done["newKeyName"].endswith(f"/{done['generation']}")
        keys.tool_json("set", *at, "--default")
        keys.tool_json("set", *at, "--key-identifier", owned["north"])
        access.server.revoke(access.client, created[-1])
    created.append(keys.tool_json("rotate", *at)["newKeyId"])
    assert len({*created, owned["north"]}) == 4
    with server.client() as client:
        assert keys.own_keys(client)["north"]["keyId"] == created[-1]
    check(server, "north")


def test_taken_back_while_the_kmip_server_is_away(make_server, ca, tmp_path):
    """The change is made and answered as a success; that the revocation failed is told."""
    kmip = PyKmip(tmp_path / "kmip", ca, ca.issue("away-kmip", server_names=["127.0.0.1"])).start()
    try:
        access = KmipAccess(kmip, ca, ca.issue("away-client"))
        server = make_server(access.options()).start()
        owned = {}
        with server.client() as client:
            for name in ("north", "south"):
                fill(server, name)
                owned[name] = kmip.create_key(access.client)
                client.admin.command("setDatabaseMasterKey", database=name, keyIdentifier=owned[name])
            kmip.stop()
            answer = client.admin.command(
                "setDatabaseMasterKey", database="north", keyIdentifier=None, revokeOldKey=True
            )
            assert (answer["ok"], answer["oldKeyRevoked"]) == (1.0, False)
            assert str(kmip.port) in answer["revokeError"]
            at = [*keys.host(server), "--db", "south"]
            done = keys.tool("set", *at, "--default", "--revoke-old-key", check=False)
            assert done.returncode == statuses()["CommandRefused"]
            assert "NOT revoked" in done.stdout and "not all of the rest was done" in done.stderr
            assert keys.own_keys(client) == {}
        assert [line["attr"]["keyId"] for line in server.logged(10003010)] == list(owned.values())
        check(server, "north")
        kmip.start()
        assert kmip.state(access.client, owned["north"]) == "ACTIVE"
        server.stop()
    finally:
        kmip.stop()


ROTATE_POINTS = [
    "rotate.announced",
    "kmip.before_create",
    "kmip.created",
    "kmip.activated",
    "tree.fetched",
    "tree.previous_removed",
    "keystore.half_written#2",
    "tree.done",
]


def test_a_crash_at_each_step_of_a_rotation_of_a_tenants_key(make_server, own_access, monkeypatch):
    kmip, own = own_access.server, own_access.client
    server = make_server(own_access.options()).start()
    fill(server, "tenant")
    given = kmip.create_key(own)
    with server.client() as client:
        client.admin.command("setDatabaseMasterKey", database="tenant", keyIdentifier=given)
    assert server.stop() == 0
    command = {"rotateMasterKey": 1, "database": "tenant"}
    for step in ROTATE_POINTS:
        with monkeypatch.context() as patch:
            patch.setitem(keys.ENVIRONMENT, "STRONGROOM_FAILPOINT", step)
            server.start()
            with server.client(socketTimeoutMS=30_000) as client:
                before = keys.own_keys(client)["tenant"]["generation"]
                with pytest.raises(pymongo.errors.AutoReconnect):
                    client.admin.command(command)
            server.process.wait(60)
        server.start()
        check(server, "tenant")
        with server.client() as client:
            now = keys.own_keys(client)["tenant"]["generation"]
            assert now == before + (step == "tree.done"), step
            is_announced = "announcedMasterKey" in keys.own_keys(client)["tenant"]
            assert is_announced == (step != "tree.done"), step
            assert bool(server.logged(10004006)) == is_announced, step
            answer = client.admin.command(command)
            assert answer["generation"] == now + 1, step
        check(server, "tenant")
        assert server.stop() == 0
    # The server's key, the one that was given, and one for each generation after it: no orphan.
    assert len(kmip.identifiers(own)) == answer["generation"] + 1
