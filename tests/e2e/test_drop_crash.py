"""A crash at each step of dropping a database: afterwards it is gone, its data key is destroyed, and everything
else is as it was."""

import shutil
import signal

import pytest
from pymongo.errors import OperationFailure, PyMongoError

# From the moment at which the name is durably gone.
STEPS = [
    "keystore.before_write",
    "keystore.half_written",
    "keystore.synced",
    "keystore.renamed",
]


def trees(server) -> int:
    return len(list((server.dbpath / "trees").iterdir()))


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_in_a_drop(make_server, own_access, tmp_path, step):
    server = make_server(own_access.options()).start()
    with server.client() as client:
        for name in ("gone", "stays"):
            client[name]["c"].insert_many([{"_id": i, "of": name} for i in range(100)])
        # So that the keystore keeps a copy of its previous generation.
        client.admin.command("rotateMasterKey")
    assert server.stop() == 0
    assert trees(server) == 3, "the server's own and two databases"
    old = tmp_path / "old"
    shutil.copytree(server.dbpath, old)

    server.environment = {"STRONGROOM_FAILPOINT": step}
    server.start()
    with server.client() as client, pytest.raises(PyMongoError):
        client.drop_database("gone")
    assert server.process.wait(60) == -signal.SIGABRT
    server.process = None

    server.environment = {}
    server.start()
    with server.client() as client:
        assert client.list_database_names() == ["stays"]
        assert client["stays"]["c"].count_documents({"of": "stays"}) == 100
        assert client["gone"].list_collection_names() == []
    assert server.stop() == 0
    assert trees(server) == 2

    # The files of before do not open with the keystore of after, nor with the copy that it keeps.
    keystores = sorted(server.dbpath.glob("keystore*"))
    assert keystores[0].name == "keystore"
    for keystore in keystores:
        copy = make_server(own_access.options(), f"copy-{keystore.name}")
        copy.directory.mkdir(parents=True)
        shutil.copytree(old, copy.dbpath)
        shutil.copy(keystore, copy.dbpath / "keystore")
        copy.start()
        with copy.client() as client:
            assert client["stays"]["c"].count_documents({"of": "stays"}) == 100
            with pytest.raises(OperationFailure) as refused:
                client["gone"]["c"].find_one()
            assert refused.value.code == 211, keystore.name
        assert copy.stop() == 0

    server.start()
    with server.client() as client:
        client["gone"]["c"].insert_one({"_id": "again"})
        assert client["gone"]["c"].count_documents({}) == 1
    assert server.stop() == 0
