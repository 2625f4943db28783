"""What others test of a database server with KMIP, and what nobody does; where no other file has it."""

import shutil
import subprocess

import pymongo
import pytest

from support import disk, keys, own_kmip
from support.data import check, fill
from support.exit_status import statuses
from support.kmip import PyKmip
from support.paths import STRONGROOM
from support.process import wait_until
from support.server import KmipAccess


@own_kmip.ON_EACH_KMIP_SERVER
@pytest.mark.parametrize("activate", [True, False])
@pytest.mark.parametrize("state", ["new", "ACTIVE", "PRE_ACTIVE", "DEACTIVATED"])
def test_activate_keys_and_the_state_of_the_first_key(make_server, own_access, activate, state):
    kmip, client = own_access.server, own_access.client
    given = None
    if state != "new":
        given = kmip.create_key(client, activate=state != "PRE_ACTIVE")
        if state == "DEACTIVATED":
            kmip.revoke(client, given)
    options = own_access.options(given) + ["--kmipActivateKeys", str(activate).lower()]
    server = make_server(options)
    objects = kmip.object_count()
    if activate and state in ("PRE_ACTIVE", "DEACTIVATED"):
        process = server.spawn()
        assert process.wait(60) == statuses()["KeyNotActive"], server.output()
        assert disk.snapshot(server.dbpath) == {} and kmip.object_count() == objects
        return
    for start in range(2):
        server.start()
        if start == 0:
            fill(server)
        check(server)
        with server.client() as mongo:
            key = keys.key_id(mongo)
        assert server.stop() == 0
    assert given in (None, key)
    expected = {"new": "ACTIVE" if activate else "PRE_ACTIVE"}.get(state, state)
    assert kmip.state(client, key) == expected, "a key that is given stays as it is"


def test_failover(make_server, own_access, ca, tmp_path):
    """Two KMIP servers with the same key: either will do, also for a start without the one of before."""
    material = bytes(range(32))
    servers = []
    try:
        for name in ("one", "two"):
            issued = ca.issue(f"failover-{name}", server_names=["127.0.0.1"])
            servers.append(PyKmip(tmp_path / name, ca, issued).start())
        one, two = servers
        (key, same) = (kmip.register_key(own_access.client, material) for kmip in servers)
        assert key == same
        options = KmipAccess(one, ca, own_access.client).options(key)
        options[options.index("--kmipServerName") + 1] = f"127.0.0.1:{one.port}, 127.0.0.1:{two.port}"
        server = make_server(options).start()
        fill(server)
        with server.client() as client:
            assert keys.encryption(client)["kmip"]["server"] == f"127.0.0.1:{one.port}"
        assert server.stop() == 0
        one.stop()
        server.start()
        check(server)
        failed = server.logged(10003004)
        assert failed and str(one.port) in failed[0]["attr"]["error"]
        with server.client() as client:
            assert keys.encryption(client)["kmip"]["server"] == f"127.0.0.1:{two.port}"
            # The new key is on the second server only; nothing else is needed from then on.
            client.admin.command("rotateMasterKey")
        assert server.stop() == 0
        one.start()
        server.options = [option for option in options if option not in ("--kmipKeyIdentifier", key)]
        server.start()
        check(server)
        assert server.stop() == 0
    finally:
        for kmip in servers:
            kmip.stop()


def test_an_interrupted_rotation_goes_on_with_another_server(make_server, own_access, ca, tmp_path, monkeypatch):
    """The key that was made on the first server is told, and the second one's has another Name."""
    material = bytes(range(32))
    servers = []
    try:
        for name in ("one", "two"):
            issued = ca.issue(f"interrupted-{name}", server_names=["127.0.0.1"])
            servers.append(PyKmip(tmp_path / name, ca, issued).start())
        one, two = servers
        (key, _) = (kmip.register_key(own_access.client, material) for kmip in servers)
        options = KmipAccess(one, ca, own_access.client).options(key)
        options[options.index("--kmipServerName") + 1] = f"127.0.0.1:{one.port}, 127.0.0.1:{two.port}"
        with monkeypatch.context() as patch:
            patch.setitem(keys.ENVIRONMENT, "STRONGROOM_FAILPOINT", "kmip.created")
            server = make_server(options).start()
            fill(server)
            with server.client(socketTimeoutMS=30_000) as client:
                with pytest.raises(pymongo.errors.AutoReconnect):
                    client.admin.command("rotateMasterKey")
            server.process.wait(60)
        assert one.object_count() == 2
        one.stop()
        server.start()
        (announced,) = server.logged(10004006)
        with server.client() as client:
            answer = client.admin.command("rotateMasterKey")
        assert answer["origin"] == "created" and answer["newKeyName"].endswith("/2-2")
        (told,) = server.logged(10003006)
        assert told["attr"]["name"] == answer["newKeyName"].removesuffix("-2")
        assert told["attr"]["name"] in announced["attr"]["masterKey"]
        assert str(one.port) in told["attr"]["notAsked"]
        assert server.stop() == 0
        assert keys.saved(server)["announced"] is None
        # The first one is there again. Its leftover has the identifier of the second one's key (both count from 1), and
        # another Name: it is not taken for that key, neither at the start nor by the polling.
        one.start()
        server.options = [option for option in options if option not in ("--kmipKeyIdentifier", key)]
        server.options += ["--kmipKeyStatePollingSeconds", "1"]
        server.start()
        check(server)
        assert not server.logged(10004006)
        with server.client() as client:
            wait_until(lambda: "last" in keys.encryption(client)["kmip"]["polling"], "a look at the key")
            kmip = keys.encryption(client)["kmip"]
            assert kmip["keyState"] == "Active" and kmip["polling"]["last"]["ok"] is True
            assert kmip["server"] == f"127.0.0.1:{two.port}"
        assert server.stop() == 0
    finally:
        for kmip in servers:
            kmip.stop()


def test_a_dropped_database_takes_its_data_key_with_it(make_server, own_access):
    server = make_server(own_access.options()).start()
    fill(server, "kept")
    trees = server.dbpath / "trees"
    before = {path.name for path in trees.iterdir()}
    fill(server)
    (dropped,) = {path.name for path in trees.iterdir()} - before
    assert server.stop() == 0
    copy = server.directory / "copy"
    shutil.copytree(trees / dropped, copy)
    server.start()
    with server.client() as client:
        count = keys.encryption(client)["dataKeys"]
        client.drop_database("shop")
        assert keys.encryption(client)["dataKeys"] == count - 1
        assert not (trees / dropped).exists()
        fill(server, n=3)
        assert keys.encryption(client)["dataKeys"] == count
    (again,) = {path.name for path in trees.iterdir()} - before
    assert again != dropped
    assert server.stop() == 0
    # The old files in the place of the new ones: they are under a key that is gone.
    shutil.move(trees / again, server.directory / "new")
    shutil.copytree(copy, trees / again)
    server.start()
    with server.client() as client:
        with pytest.raises(Exception):
            client["shop"]["orders"].count_documents({})
        check(server, "kept")
    server.stop()


@own_kmip.ON_KMIPD_TOO
def test_a_backup_from_before_a_rotation(make_server, own_access, tmp_path):
    """It is under the key of then, whatever has become of the server since."""
    server = make_server(own_access.options()).start()
    fill(server)
    backup, restored = tmp_path / "backup", tmp_path / "restored"
    with server.client() as client:
        client.admin.command("createBackup", backupDir=str(backup))
        answer = client.admin.command("rotateMasterKey", dataKeys=True, revokeOldKey=True)
        fill(server, "later")
    old = answer["oldKeyId"]
    args = [STRONGROOM, "restore", "--from", backup, "--dbpath", restored]
    subprocess.run([str(arg) for arg in args], check=True, capture_output=True, timeout=120)
    second = make_server(own_access.options(), name="second")
    second.directory.mkdir()
    second.dbpath.symlink_to(restored)
    assert keys.saved(second)["masterKey"]["keyId"] == old
    # The old key is revoked: only who insists may use it.
    process = second.spawn()
    assert process.wait(60) == statuses()["KeyNotActive"], second.output()
    assert old in second.output()
    second.options = own_access.options() + ["--kmipActivateKeys", "false"]
    second.start()
    check(second)
    with second.client() as client:
        assert "later" not in client.list_database_names()
    assert second.stop() == 0
    # A rotation puts the copy under a key of its own, under another Name than the server's.
    status, output = keys.start_rotating(second, own_access.options())
    assert status == 0, output
    assert keys.saved(second)["masterKey"]["keyId"] not in (old, answer["newKeyId"])
    second.options = own_access.options()
    second.start()
    check(second)
    server.stop()
    server.start()
    check(server)
    check(server, "later")
