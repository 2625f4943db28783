"""Data keys: new ones, old ones that are destroyed, and those of databases that were dropped."""

import shutil

import pymongo
import pytest

from support import keys
from support.data import check, fill
from support.process import wait_until


def test_old_data_keys_are_destroyed_when_everything_is_rewritten(make_server, own_access):
    server = make_server(own_access.options()).start()
    for name in ("shop", "depot"):
        fill(server, name)
    assert server.stop() == 0
    server.start()
    with server.client() as client:
        before = keys.encryption(client)["dataKeys"]
        client.admin.command("rotateMasterKey", dataKeys=True)
        assert keys.encryption(client)["dataKeys"] == 2 * before, "they are needed"
        done = keys.tool_json("rotate", *keys.host(server), "--data-keys", "--rewrite")
        assert done["dataKeys"] == {"rotated": before, "locked": 0, "failed": 0, "rewriting": before}
        wait_until(lambda: keys.encryption(client)["databasesToRewrite"] == 0, "the rewriting")
        assert keys.encryption(client)["dataKeys"] == before
        with pytest.raises(pymongo.errors.OperationFailure) as refused:
            client.admin.command("rotateMasterKey", rewrite=True)
        assert refused.value.code == 2
        assert keys.encryption(client)["masterKeyGeneration"] == 3
    assert sum(line["attr"]["dataKeys"] for line in server.logged(10004045)) == 2 * before
    for name in ("shop", "depot"):
        check(server, name)
    server.kill()
    server.start()
    for name in ("shop", "depot"):
        check(server, name)
    with server.client() as client:
        assert keys.encryption(client)["dataKeys"] == before


def test_a_dropped_database_is_not_in_the_previous_keystore(make_server, own_access, tmp_path):
    """Files that were copied before the drop do not open with what is left in the dbpath after it: neither with the
    keystore nor with keystore.previous, whoever has their master keys."""
    server = make_server(own_access.options()).start()
    for name in ("gone", "stays"):
        fill(server, name)
    with server.client() as client:
        client.admin.command("rotateMasterKey")
    assert server.stop() == 0
    before = tmp_path / "before"
    shutil.copytree(server.dbpath, before)
    server.start()
    with server.client() as client:
        client.drop_database("gone")
    assert server.stop() == 0

    def opens_gone(keystore, number) -> bool:
        copy = make_server(own_access.options(), f"copy-{number}")
        copy.directory.mkdir(parents=True)
        shutil.copytree(before, copy.dbpath)
        shutil.copy(keystore, copy.dbpath / "keystore")
        copy.start()
        check(copy, "stays")
        try:
            check(copy, "gone")
        except pymongo.errors.OperationFailure as refused:
            assert refused.code == 211 and "destroyed" in str(refused)
            return False
        finally:
            assert copy.stop() == 0
        return True

    names = ("keystore", "keystore.previous")
    assert [opens_gone(before / name, f"{name}-before") for name in names] == [True, True]
    assert [opens_gone(server.dbpath / name, f"{name}-after") for name in names] == [False, False]


def test_a_previous_keystore_that_cannot_be_read_is_removed_with_the_database(make_server, own_access):
    server = make_server(own_access.options()).start()
    fill(server)
    with server.client() as client:
        client.admin.command("rotateMasterKey")
        previous = server.dbpath / "keystore.previous"
        previous.write_bytes(previous.read_bytes()[:-1])
        client.drop_database("shop")
        assert not previous.exists()
    assert len(server.logged(10004048)) == 1
