"""What lies on the disk: with encryption nothing that anybody could read, without it everything."""

import random

import pytest

from support import disk

DATABASE = "zebra_database_7431"
COLLECTION = "walrus_collection_5192"
FIELD = "ocelot_field_8820"
INDEXED_FIELD = "lemur_indexed_3307"
INDEX = "gecko_index_6614"
VALUE = "pangolin value 9958"
INDEXED_VALUE = "axolotl indexed 1276"
USER_ID = "quokka-identifier-4405"

NEEDLES = {
    "database name": DATABASE.encode(),
    "collection name": COLLECTION.encode(),
    "field name": FIELD.encode(),
    "indexed field name": INDEXED_FIELD.encode(),
    "index name": INDEX.encode(),
    "value": VALUE.encode(),
    "indexed value": INDEXED_VALUE.encode(),
    "identifier": USER_ID.encode(),
    # A value that compression cannot hide.
    "random bytes": random.Random(7).randbytes(64),
}


def work(server):
    """Writes, changes and deletes enough that logs roll over, tables are written and compacted."""
    with server.client() as client:
        collection = client[DATABASE][COLLECTION]
        collection.create_index(INDEXED_FIELD, name=INDEX)
        collection.insert_one(
            {"_id": USER_ID, FIELD: VALUE, INDEXED_FIELD: INDEXED_VALUE, "r": NEEDLES["random bytes"]}
        )
        filler = random.Random(1)
        for batch in range(30):
            collection.insert_many(
                [
                    {
                        "_id": f"{USER_ID}-{batch}-{i}",
                        FIELD: f"{VALUE} {i}",
                        INDEXED_FIELD: f"{INDEXED_VALUE} {i}",
                        "filler": filler.randbytes(1500),
                    }
                    for i in range(500)
                ]
            )
        collection.update_many({FIELD: f"{VALUE} 3"}, {"$set": {"more": VALUE}})
        # A sort and a group that need memory or a spill file.
        list(collection.find({}, {"_id": 1}).sort("filler", 1).limit(5))
        list(collection.aggregate([{"$group": {"_id": f"${FIELD}", "n": {"$sum": 1}}}]))
        collection.delete_many({FIELD: f"{VALUE} 4"})
        client[DATABASE]["dropped"].insert_one({FIELD: VALUE})
        client[DATABASE].drop_collection("dropped")


@pytest.mark.parametrize("end", ["while running", "after a stop", "after kill -9"])
def test_encrypted_nothing_is_readable(make_server, own_access, end):
    server = make_server(own_access.options()).start(["-vvv"])
    work(server)
    needles = dict(NEEDLES)
    keys = own_access.server.identifiers(own_access.client)
    for key in keys:
        material = own_access.server.key_bytes(own_access.client, key)
        needles[f"master key {key}"] = material
        needles[f"half of master key {key}"] = material[:16]
    assert len(keys) == 1
    if end == "after a stop":
        assert server.stop() == 0
    elif end == "after kill -9":
        server.kill()
    assert disk.find(server.dbpath, needles) == {}
    size = sum(len(content) for content in disk.snapshot(server.dbpath).values())
    assert size > 10_000_000, "the data is there"
    # Nor do the logs tell what the data is; names may be in them, values must not.
    output = server.output()
    for what in ("value", "indexed value"):
        assert NEEDLES[what].decode() not in output


def test_in_clear_it_is_all_there(make_server):
    """The same search finds what it looks for when it can be found."""
    server = make_server().start()
    work(server)
    assert server.stop() == 0
    found = disk.find(server.dbpath, NEEDLES)
    assert set(found) >= {"database name", "collection name", "field name", "indexed field name", "index name",
                          "value", "indexed value", "identifier", "random bytes"}, found  # fmt: skip


def test_file_names_tell_nothing(make_server, own_access):
    server = make_server(own_access.options()).start()
    with server.client() as client:
        for name in (DATABASE, "another_database"):
            client[name][COLLECTION].insert_one({"_id": 1})
    server.stop()
    names = " ".join(disk.snapshot(server.dbpath))
    for secret in (DATABASE, "another_database", COLLECTION):
        assert secret not in names
