"""Databases and collections: made, listed, renamed names refused, dropped."""

import pymongo
import pytest
from bson import encode


def test_databases_appear_and_go(client, server):
    client["cat_a"]["things"].insert_one({})
    listed = {entry["name"]: entry for entry in client.list_databases()}
    assert listed["cat_a"]["empty"] is False
    assert listed["cat_a"]["sizeOnDisk"] >= 0
    assert "cat_a" in client.list_database_names()
    client.drop_database("cat_a")
    assert "cat_a" not in client.list_database_names()
    client.drop_database("cat_a")


def test_list_databases_filters_and_names(client):
    client["cat_b"]["things"].insert_one({})
    reply = client.admin.command("listDatabases", filter={"name": "cat_b"}, nameOnly=True)
    assert reply["databases"] == [{"name": "cat_b"}]
    client.drop_database("cat_b")


def test_collections_are_made_by_use_and_by_command(db):
    db["implicit"].insert_one({"a": 1})
    db.create_collection("explicit")
    assert sorted(db.list_collection_names()) == ["explicit", "implicit"]
    with pytest.raises(pymongo.errors.CollectionInvalid):
        db.create_collection("explicit")
    with pytest.raises(pymongo.errors.OperationFailure) as error:
        db.command("create", "explicit", capped=True, size=4096)
    assert error.value.code in (48, 72, 115, 238)
    listed = {entry["name"]: entry for entry in db.list_collections()}
    assert listed["explicit"]["type"] == "collection"
    assert listed["explicit"]["info"]["readOnly"] is False
    assert listed["explicit"]["idIndex"]["name"] == "_id_"
    only = db.command("listCollections", filter={"name": "implicit"}, nameOnly=True)
    assert [c["name"] for c in only["cursor"]["firstBatch"]] == ["implicit"]
    db.drop_collection("explicit")
    assert db.list_collection_names() == ["implicit"]
    db.drop_collection("explicit")


def test_a_dropped_collection_comes_back_empty_and_without_indexes(db):
    db["things"].create_index("a", unique=True)
    db["things"].insert_many([{"a": i} for i in range(100)])
    db.drop_collection("things")
    assert db["things"].count_documents({}) == 0
    db["things"].insert_one({"a": 1})
    assert set(db["things"].index_information()) == {"_id_"}
    assert db["things"].count_documents({}) == 1


def test_a_dropped_database_comes_back_empty(client):
    for round in range(3):
        collection = client["cat_c"]["things"]
        assert collection.count_documents({}) == 0
        collection.insert_many([{"_id": i, "round": round} for i in range(10)])
        collection.create_index("round")
        assert collection.count_documents({"round": round}) == 10
        client.drop_database("cat_c")
        assert "cat_c" not in client.list_database_names()


BAD_NAMES = ["a b", "a.b", "a/b", "a\\b", 'a"b', "a$b", "x" * 64]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_bad_database_names_are_refused(server, name):
    from support.wire import Connection, command

    with Connection(server.port) as connection:
        connection.send(command({"insert": "things", "documents": [{}]}, database=name))
        reply = connection.reply()
        assert reply["ok"] == 0.0 and reply["code"] == 73, reply


@pytest.mark.parametrize("name", ["", "a$b", "system.", ".a", "a.", "a\0b", "n" * 300])
def test_bad_collection_names_are_refused(server, name):
    from support.wire import Connection, command

    with Connection(server.port) as connection:
        connection.send(command({"insert": name, "documents": [{}]}, database="names"))
        reply = connection.reply()
        if name == "a.":
            # MongoDB's drivers refuse it; the server is not asked to.
            return
        assert reply["ok"] == 0.0 and reply["code"] == 73, reply


def test_names_differ_by_case_only_is_refused_or_told_apart(client):
    """mongod refuses a database whose name differs from another by case only."""
    client["CaseTest"]["things"].insert_one({"a": 1})
    try:
        with pytest.raises(pymongo.errors.OperationFailure) as error:
            client["casetest"]["things"].insert_one({"a": 2})
        assert error.value.code == 13297
    finally:
        client.drop_database("CaseTest")


def test_many_databases_and_collections(client):
    names = [f"many_{i}" for i in range(20)]
    for name in names:
        for collection in ("a", "b", "c.d"):
            client[name][collection].insert_one({"in": name})
    assert set(names) <= set(client.list_database_names())
    for name in names:
        assert client[name]["c.d"].find_one()["in"] == name
        assert sorted(client[name].list_collection_names()) == ["a", "b", "c.d"]
        client.drop_database(name)
    assert not set(names) & set(client.list_database_names())


def test_any_name_in_unicode(client):
    database = client["数据库"]
    database["Sammlung ü"].insert_one({"schlüssel": "ñ"})
    assert database.list_collection_names() == ["Sammlung ü"]
    assert "数据库" in client.list_database_names()
    client.drop_database(database.name)


def test_database_stats(db):
    db["things"].insert_many([{"_id": i} for i in range(10)])
    db["things"].create_index("a")
    stats = db.command("dbStats")
    assert (stats["db"], stats["collections"], stats["objects"]) == (db.name, 1, 10)
    assert stats["indexes"] == 2
    assert stats["dataSize"] == sum(len(encode({"_id": i})) for i in range(10))
