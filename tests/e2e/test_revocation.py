"""Master keys of before are revoked at any later time: `strongroom keys revoke`, `revokeMasterKey`."""

import pymongo
import pytest

from support import disk, keys
from support.data import check, fill
from support.exit_status import statuses
from support.place import Place


def revoke(server, *args, check: bool = True):
    return keys.tool("revoke", *keys.host(server), "--key-identifier", *args, check=check)


def history(client) -> list[dict]:
    return keys.encryption(client)["masterKeyHistory"]


def test_a_superseded_key_is_revoked_once_nothing_needs_it(make_server, access):
    server = make_server(access.options()).start()
    fill(server)
    kmip, own = access.server, access.client
    with server.client() as client:
        first = keys.key_id(client)
        refused = revoke(server, first, check=False)
        assert refused.returncode == statuses()["CommandRefused"]
        assert first in refused.stderr and "whose master key it is" in refused.stderr
        second = client.admin.command("rotateMasterKey")["newKeyId"]
        # The copy of the keystore from before opens with it only.
        refused = revoke(server, first, check=False)
        assert refused.returncode == statuses()["CommandRefused"]
        assert "keystore.previous" in refused.stderr and "--remove-previous" in refused.stderr
        assert kmip.state(own, first) == "ACTIVE"
        assert (server.dbpath / "keystore.previous").exists()
        client.admin.command("rotateMasterKey")
        # One rotation later it does not.
        done = keys.tool_json("revoke", *keys.host(server), "--key-identifier", first)
        assert done["keyId"] == first and done["revoked"] is True and done["inHistory"] is True
        assert done["previousRemoved"] is False
        assert kmip.state(own, first) == "DEACTIVATED"
        assert (server.dbpath / "keystore.previous").exists()
        assert ["revoked" in entry for entry in history(client)] == [True, False, False]
        at = history(client)[0]["revoked"]
        # By Name, with what is left; and again.
        name = history(client)[1]["keyName"]
        done = keys.tool_json("revoke", *keys.host(server), "--key-identifier", name, "--remove-previous")
        assert done["keyId"] == second and done["previousRemoved"] is True
        assert not (server.dbpath / "keystore.previous").exists()
        assert kmip.state(own, second) == "DEACTIVATED"
        assert "is revoked" in revoke(server, first).stdout
        assert history(client)[0]["revoked"] == at
        # What a rotation revokes is in the history as well.
        client.admin.command("rotateMasterKey", revokeOldKey=True)
        assert ["revoked" in entry for entry in history(client)] == [True, True, True, False]
    lines = keys.log_lines(server, "Revoked the old master key on the KMIP server")
    assert [line["keyId"] for line in lines][:2] == [first, second]
    check(server)
    assert server.stop() == 0
    server.start()
    check(server)
    with server.client() as client:
        assert ["revoked" in entry for entry in history(client)] == [True, True, True, False]


def test_keys_of_databases(running, own_access):
    kmip, own = own_access.server, own_access.client
    brought = kmip.create_key(own, name="brought by the tenant")
    with running.client() as client:
        client.admin.command("setDatabaseMasterKey", database="shop", keyIdentifier=brought)
        refused = revoke(running, brought, check=False)
        assert "whose own master key it is" in refused.stderr
        made = client.admin.command("rotateMasterKey", database="shop")["newKeyId"]
        client.admin.command("rotateMasterKey", database="shop")
        # One that was made for it is of this server, one that was brought is not.
        done = client.admin.command("revokeMasterKey", keyIdentifier=made)
        assert done["revoked"] is True and done["inHistory"] is False
        assert kmip.state(own, made) == "DEACTIVATED"
        refused = revoke(running, brought, check=False)
        assert "never been a master key of this dbpath" in refused.stderr
        assert kmip.state(own, brought) == "ACTIVE"
    check(running)


def test_a_key_that_was_announced_is_not_revoked(make_server, own_access, monkeypatch):
    kmip, own = own_access.server, own_access.client
    server = make_server(own_access.options()).start()
    fill(server)
    assert server.stop() == 0
    with monkeypatch.context() as patch:
        patch.setitem(keys.ENVIRONMENT, "STRONGROOM_FAILPOINT", "kmip.created")
        server.start()
        with server.client(socketTimeoutMS=30_000) as client:
            first = keys.key_id(client)
            with pytest.raises(pymongo.errors.AutoReconnect):
                client.admin.command("rotateMasterKey")
        server.process.wait(60)
    (announced,) = set(kmip.identifiers(own)) - {first}
    server.start()
    refused = revoke(server, announced, check=False)
    assert "the next one goes on with" in refused.stderr
    with server.client() as client:
        answer = client.admin.command("rotateMasterKey")
        assert (answer["origin"], answer["newKeyId"]) == ("foundAgain", announced)
    check(server)


def test_arguments_and_refusals(running, make_server, own_access):
    plain = make_server().start()
    with plain.client() as client:
        with pytest.raises(pymongo.errors.OperationFailure) as refused:
            client.admin.command("revokeMasterKey", keyIdentifier="1")
        assert refused.value.code == 20
    stranger = own_access.server.create_key(own_access.client)
    with running.client() as client:
        for arguments, code in [
            ({}, 40414),
            ({"keyIdentifier": ""}, 2),
            ({"keyIdentifier": 7}, 14),
            ({"keyIdentifier": stranger, "no": 1}, 40415),
            ({"keyIdentifier": "no-such"}, 211),
            ({"keyIdentifier": stranger}, 20),
        ]:
            with pytest.raises(pymongo.errors.OperationFailure) as refused:
                client.admin.command({"revokeMasterKey": 1, **arguments})
            assert refused.value.code == code, (arguments, refused.value)
        with pytest.raises(pymongo.errors.OperationFailure) as refused:
            client["shop"].command("revokeMasterKey", keyIdentifier=stranger)
        assert refused.value.code == 13


def test_while_the_server_is_stopped(make_server, own_access, tmp_path):
    kmip, own = own_access.server, own_access.client
    place = Place(make_server(), tmp_path / "conf")
    config = place.kmip("mongod", own_access)
    place.fill(config)
    (first,) = kmip.identifiers(own)
    place.run(config)
    # In use, it is for the server to do.
    offline = ["revoke", "--config", config, "--key-identifier"]
    assert keys.tool(*offline, first, check=False).returncode == statuses()["DbpathLocked"]
    with place.server.client() as client:
        second = client.admin.command("rotateMasterKey")["newKeyId"]
    assert place.server.stop() == 0
    before = disk.snapshot(place.server.dbpath)
    for key in (first, second, "no-such"):
        refused = keys.tool(*offline, key, check=False)
        expected = "KeyNotFound" if key == "no-such" else "RotationRefused"
        assert refused.returncode == statuses()[expected], refused.stderr
        assert key in refused.stderr
    assert disk.snapshot(place.server.dbpath) == before
    assert kmip.state(own, first) == "ACTIVE"
    done = keys.tool_json(*offline, first, "--remove-previous")
    assert done == {**done, "keyId": first, "revoked": True, "previousRemoved": True, "inHistory": True}
    assert kmip.state(own, first) == "DEACTIVATED"
    place.check(config)
    # A key file knows no server; no keystore knows no key.
    fresh = Place(make_server(), tmp_path / "fresh")
    fresh.server.dbpath.mkdir(parents=True)
    for other in (fresh.kmip("fresh", own_access), place.key_file("file", bytes(range(32)))):
        refused = keys.tool("revoke", "--config", other, "--key-identifier", first, check=False)
        assert refused.returncode == statuses()["RotationRefused"], refused.stderr
    refused = keys.tool(*offline, first, "--host", "127.0.0.1", check=False)
    assert refused.returncode == statuses()["BadOptions"]


STEPS = ["kmip.before_revoke", "kmip.revoked", "revoke.previous_removed", "keystore.half_written", "keystore.renamed"]


def test_a_crash_at_each_step_of_a_revocation(make_server, own_access, monkeypatch):
    kmip, own = own_access.server, own_access.client
    server = make_server(own_access.options()).start()
    fill(server)
    assert server.stop() == 0
    for step in STEPS:
        server.start()
        with server.client() as client:
            old = client.admin.command("rotateMasterKey")["oldKeyId"]
        assert server.stop() == 0
        command = {"revokeMasterKey": 1, "keyIdentifier": old, "removePrevious": True}
        with monkeypatch.context() as patch:
            patch.setitem(keys.ENVIRONMENT, "STRONGROOM_FAILPOINT", step)
            server.start()
            with server.client(socketTimeoutMS=30_000) as client:
                with pytest.raises(pymongo.errors.AutoReconnect):
                    client.admin.command(command)
            server.process.wait(60)
        server.start()
        check(server)
        with server.client() as client:
            assert client.admin.command(command)["revoked"] is True, step
            assert "revoked" in history(client)[-2], step
        assert kmip.state(own, old) == "DEACTIVATED", step
        assert not (server.dbpath / "keystore.previous").exists()
        assert server.stop() == 0
