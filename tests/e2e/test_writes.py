"""Inserts and bulk writes: what is written, what is reported, what is refused."""

import pymongo
import pytest
from bson import ObjectId, encode
from pymongo import DeleteMany, DeleteOne, InsertOne, ReplaceOne, UpdateMany, UpdateOne, WriteConcern


def test_insert_gives_identifiers(coll):
    result = coll.insert_one({"a": 1})
    assert isinstance(result.inserted_id, ObjectId)
    assert coll.find_one() == {"_id": result.inserted_id, "a": 1}
    assert coll.insert_many([{"_id": i} for i in range(3)]).inserted_ids == [0, 1, 2]


def test_the_server_adds_an_id_in_front(coll):
    coll.database.command("insert", coll.name, documents=[{"a": 1}])
    found = coll.find_one()
    assert list(found) == ["_id", "a"] and isinstance(found["_id"], ObjectId)


def test_the_id_comes_first(coll):
    from bson.raw_bson import RawBSONDocument

    coll.database.command("insert", coll.name, documents=[RawBSONDocument(encode({"a": 1, "_id": 5}))])
    assert list(coll.find_one()) == ["_id", "a"]


@pytest.mark.parametrize("value", ["text", 1.5, None, {"a": 1}, b"bytes", True], ids=str)
def test_ids_of_any_type(coll, value):
    coll.insert_one({"_id": value, "a": 1})
    assert coll.find_one({"_id": value}) == {"_id": value, "a": 1}
    with pytest.raises(pymongo.errors.DuplicateKeyError):
        coll.insert_one({"_id": value})
    coll.delete_one({"_id": value})
    assert coll.count_documents({}) == 0


def test_an_array_as_id_is_refused(coll):
    with pytest.raises(pymongo.errors.WriteError) as error:
        coll.insert_one({"_id": [1]})
    assert error.value.code == 53


def test_ids_equal_across_number_types(coll):
    coll.insert_one({"_id": 1})
    with pytest.raises(pymongo.errors.DuplicateKeyError):
        coll.insert_one({"_id": 1.0})
    assert coll.find_one({"_id": 1.0}) == {"_id": 1}


def test_ordered_inserts_stop_at_the_first_error(coll):
    with pytest.raises(pymongo.errors.BulkWriteError) as error:
        coll.insert_many([{"_id": 1}, {"_id": 1}, {"_id": 2}])
    details = error.value.details
    assert details["nInserted"] == 1
    assert [(e["index"], e["code"]) for e in details["writeErrors"]] == [(1, 11000)]
    assert coll.count_documents({}) == 1


def test_unordered_inserts_go_on(coll):
    with pytest.raises(pymongo.errors.BulkWriteError) as error:
        coll.insert_many([{"_id": 1}, {"_id": 1}, {"_id": 2}, {"_id": 2}], ordered=False)
    details = error.value.details
    assert details["nInserted"] == 2
    assert [(e["index"], e["code"]) for e in details["writeErrors"]] == [(1, 11000), (3, 11000)]
    assert coll.count_documents({}) == 2


def test_bulk_ordered(coll):
    result = coll.bulk_write(
        [
            InsertOne({"_id": 1, "a": 1}),
            InsertOne({"_id": 2, "a": 1}),
            UpdateOne({"_id": 1}, {"$inc": {"a": 1}}),
            UpdateMany({}, {"$set": {"b": 1}}),
            ReplaceOne({"_id": 3}, {"c": 1}, upsert=True),
            DeleteOne({"_id": 2}),
            DeleteMany({"none": 1}),
        ]
    )
    assert (result.inserted_count, result.matched_count, result.modified_count) == (2, 3, 3)
    assert (result.deleted_count, result.upserted_ids) == (1, {4: 3})
    assert list(coll.find().sort("_id", 1)) == [{"_id": 1, "a": 2, "b": 1}, {"_id": 3, "c": 1}]


def test_bulk_stops_or_goes_on(coll):
    operations = [
        InsertOne({"_id": 1}),
        UpdateOne({"_id": 1}, {"$inc": {"_id": 1}}),
        InsertOne({"_id": 2}),
        InsertOne({"_id": 1}),
        InsertOne({"_id": 3}),
    ]
    with pytest.raises(pymongo.errors.BulkWriteError) as error:
        coll.bulk_write(operations)
    assert [e["index"] for e in error.value.details["writeErrors"]] == [1]
    assert coll.count_documents({}) == 1
    coll.delete_many({})
    with pytest.raises(pymongo.errors.BulkWriteError) as error:
        coll.bulk_write(operations, ordered=False)
    assert sorted(e["index"] for e in error.value.details["writeErrors"]) == [1, 3]
    assert coll.count_documents({}) == 3


def test_a_large_batch_in_document_sequences(coll):
    documents = [{"_id": i, "payload": "x" * 1000} for i in range(20_000)]
    assert len(coll.insert_many(documents).inserted_ids) == 20_000
    assert coll.count_documents({}) == 20_000
    assert coll.find_one({"_id": 19_999})["payload"] == "x" * 1000


def test_write_concerns(coll):
    for concern in (WriteConcern(w=1), WriteConcern(w=1, j=True), WriteConcern(w="majority")):
        coll.with_options(write_concern=concern).insert_one({"c": str(concern)})
    coll.with_options(write_concern=WriteConcern(w=0)).insert_one({"_id": "unacknowledged"})
    # The next command on any connection may overtake it, so wait by asking.
    for _ in range(200):
        if coll.find_one({"_id": "unacknowledged"}):
            break
    assert coll.count_documents({}) >= 3
    with pytest.raises(pymongo.errors.PyMongoError) as error:
        coll.with_options(write_concern=WriteConcern(w=2)).insert_one({})
    assert error.value.code == 2 or error.value.code == 100


def test_the_largest_document_and_one_that_is_larger(coll):
    room = 16 * 1024 * 1024 - len(encode({"_id": 1, "b": b""}))
    coll.insert_one({"_id": 1, "b": b"x" * room})
    assert len(coll.find_one({"_id": 1})["b"]) == room
    with pytest.raises(pymongo.errors.PyMongoError) as error:
        coll.insert_one({"_id": 2, "b": b"x" * (room + 1)})
    assert coll.count_documents({}) == 1, error.value
    with pytest.raises(pymongo.errors.WriteError) as error:
        coll.update_one({"_id": 1}, {"$set": {"c": 1}})
    assert error.value.code == 17419 or error.value.code == 10334
    assert coll.find_one({"_id": 1}, {"c": 1}) == {"_id": 1}


def test_all_bson_types_survive(coll):
    from datetime import datetime

    from bson import (Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, Regex, Timestamp)

    document = {
        "_id": 1, "double": 1.5, "nan": float("inf"), "string": "ü\0x", "document": {"a": {}}, "array": [1, [2]],
        "binary": Binary(b"\0\1", 5), "uuid": Binary(b"0" * 16, 4), "oid": ObjectId(), "bool": False,
        "date": datetime(1969, 1, 1), "null": None, "regex": Regex("a/b", "im"), "code": Code("x"),
        "scoped": Code("x", {"y": 1}), "int": -1, "timestamp": Timestamp(1, 2), "long": Int64(2**62),
        "decimal": Decimal128("NaN"), "min": MinKey(), "max": MaxKey(), "ref": DBRef("c", 1),
    }  # fmt: skip
    coll.insert_one(document)
    found = coll.find_one()
    assert str(found.pop("decimal")) == "NaN"
    document.pop("decimal")
    assert found == document
    assert encode(found) == encode(document)
