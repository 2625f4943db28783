"""Update operators, replacement, upsert, delete, findAndModify."""

from datetime import datetime, timedelta, timezone

import pymongo
import pytest
from bson import Decimal128, Int64, ObjectId, Timestamp
from pymongo import ReturnDocument

# (document, update, document afterwards), all without _id
CASES = [
    ({"a": 1}, {"$set": {"a": 2, "b": "x"}}, {"a": 2, "b": "x"}),
    ({"a": 1}, {"$set": {"b.c.d": 1}}, {"a": 1, "b": {"c": {"d": 1}}}),
    ({"a": [1, 2, 3]}, {"$set": {"a.1": 9}}, {"a": [1, 9, 3]}),
    ({"a": [1]}, {"$set": {"a.3": 4}}, {"a": [1, None, None, 4]}),
    ({}, {"$set": {"b": 1, "a": 2}}, {"a": 2, "b": 1}),
    ({"a": 1, "b": {"c": 1, "d": 2}}, {"$unset": {"a": "", "b.c": "", "x": ""}}, {"b": {"d": 2}}),
    ({"a": [1, 2]}, {"$unset": {"a.0": 1}}, {"a": [None, 2]}),
    ({"a": 1}, {"$inc": {"a": 2, "b": -1}}, {"a": 3, "b": -1}),
    ({"a": 1}, {"$inc": {"a": 0.5}}, {"a": 1.5}),
    ({"a": 2147483647}, {"$inc": {"a": 1}}, {"a": 2147483648}),
    ({"a": Decimal128("1.1")}, {"$inc": {"a": 1}}, {"a": Decimal128("2.1")}),
    ({"a": 3}, {"$mul": {"a": 2, "b": 5}}, {"a": 6, "b": 0}),
    ({"a": 3, "b": 3}, {"$min": {"a": 2, "b": 4, "c": 1}}, {"a": 2, "b": 3, "c": 1}),
    ({"a": 3, "b": 3}, {"$max": {"a": 2, "b": 4, "c": 1}}, {"a": 3, "b": 4, "c": 1}),
    ({"a": [1]}, {"$push": {"a": 2, "b": 1}}, {"a": [1, 2], "b": [1]}),
    ({"a": [1]}, {"$push": {"a": [2, 3]}}, {"a": [1, [2, 3]]}),
    ({"a": [1]}, {"$push": {"a": {"$each": [2, 3]}}}, {"a": [1, 2, 3]}),
    ({"a": [1, 4]}, {"$push": {"a": {"$each": [2, 3], "$position": 1}}}, {"a": [1, 2, 3, 4]}),
    ({"a": [3, 1]}, {"$push": {"a": {"$each": [2], "$sort": 1, "$slice": 2}}}, {"a": [1, 2]}),
    ({"a": [1, 2, 3, 2]}, {"$pull": {"a": 2}}, {"a": [1, 3]}),
    ({"a": [1, 5, 9]}, {"$pull": {"a": {"$gte": 5}}}, {"a": [1]}),
    ({"a": [{"x": 1, "y": 1}, {"x": 2}]}, {"$pull": {"a": {"x": 1}}}, {"a": [{"x": 2}]}),
    ({"a": [1, 2]}, {"$addToSet": {"a": 2}}, {"a": [1, 2]}),
    ({"a": [1, 2]}, {"$addToSet": {"a": {"$each": [2, 3, 3]}}}, {"a": [1, 2, 3]}),
    ({"a": 1, "b": 2}, {"$rename": {"a": "c"}}, {"b": 2, "c": 1}),
    ({"a": {"x": 1}}, {"$rename": {"a.x": "y.z"}}, {"a": {}, "y": {"z": 1}}),
    ({"a": 1}, {"$set": {"b": 1}, "$inc": {"a": 1}, "$push": {"c": 1}}, {"a": 2, "b": 1, "c": [1]}),
]


@pytest.mark.parametrize("before, update, after", CASES, ids=[str(u) for _, u, _ in CASES])
def test_operator(coll, before, update, after):
    coll.insert_one({"_id": 1, **before})
    result = coll.update_one({"_id": 1}, update)
    assert result.matched_count == 1
    found = coll.find_one({"_id": 1})
    del found["_id"]
    assert found == after
    assert result.modified_count == (0 if before == after else 1)


def test_types_of_sums(coll):
    coll.insert_one({"_id": 1, "i": 2147483647, "l": Int64(1), "d": 1})
    coll.update_one({"_id": 1}, {"$inc": {"i": 1, "l": 1, "d": 1.0}})
    found = coll.find_one()
    assert isinstance(found["i"], Int64) and isinstance(found["l"], Int64)
    assert isinstance(found["d"], float)


def test_current_date(coll):
    coll.insert_one({"_id": 1})
    coll.update_one({"_id": 1}, {"$currentDate": {"at": True, "ts": {"$type": "timestamp"}}})
    found = coll.find_one()
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    assert abs(found["at"] - now) < timedelta(hours=1)
    assert isinstance(found["ts"], Timestamp)


def test_replacement_keeps_the_id(coll):
    coll.insert_one({"_id": 1, "a": 1, "b": 1})
    result = coll.replace_one({"a": 1}, {"c": 1})
    assert (result.matched_count, result.modified_count) == (1, 1)
    assert coll.find_one() == {"_id": 1, "c": 1}


def test_multi(coll):
    coll.insert_many([{"_id": i, "a": i % 2} for i in range(10)])
    result = coll.update_many({"a": 1}, {"$set": {"b": True}})
    assert (result.matched_count, result.modified_count) == (5, 5)
    assert coll.update_one({"a": 0}, {"$set": {"b": True}}).modified_count == 1
    assert coll.count_documents({"b": True}) == 6
    again = coll.update_many({"a": 1}, {"$set": {"b": True}})
    assert (again.matched_count, again.modified_count) == (5, 0)


def test_upsert(coll):
    result = coll.update_one({"a": 1, "b": {"$gt": 5}}, {"$set": {"c": 1}}, upsert=True)
    assert isinstance(result.upserted_id, ObjectId) and result.matched_count == 0
    assert coll.find_one({}, {"_id": 0}) == {"a": 1, "c": 1}
    result = coll.update_one({"_id": "k"}, {"$inc": {"n": 1}, "$setOnInsert": {"x": 1}}, upsert=True)
    assert result.upserted_id == "k"
    coll.update_one({"_id": "k"}, {"$inc": {"n": 1}, "$setOnInsert": {"x": 2}}, upsert=True)
    assert coll.find_one({"_id": "k"}) == {"_id": "k", "n": 2, "x": 1}
    result = coll.replace_one({"_id": "r"}, {"v": 1}, upsert=True)
    assert result.upserted_id == "r" and coll.find_one({"_id": "r"}) == {"_id": "r", "v": 1}


def test_positional_operators(coll):
    coll.insert_one({"_id": 1, "a": [{"k": 1, "v": 1}, {"k": 2, "v": 1}, {"k": 2, "v": 1}]})
    coll.update_one({"a.k": 2}, {"$set": {"a.$.v": 5}})
    assert [e["v"] for e in coll.find_one()["a"]] == [1, 5, 1]
    coll.update_one({}, {"$inc": {"a.$[].v": 1}})
    assert [e["v"] for e in coll.find_one()["a"]] == [2, 6, 2]
    coll.update_one({}, {"$set": {"a.$[e].v": 0}}, array_filters=[{"e.k": 2}])
    assert [e["v"] for e in coll.find_one()["a"]] == [2, 0, 0]


BAD = [
    ({"a": "text"}, {"$inc": {"a": 1}}, 14, "a"),
    ({"a": 1}, {"$push": {"a": 1}}, 2, "a"),
    ({"a": 1}, {"$set": {"_id": 9}}, 66, "_id"),
    ({"a": 1}, {"$set": {"a.b": 1}}, 28, "a"),
    ({"a": 1}, {"$set": {"a": 1}, "$inc": {"a": 1}}, 40, "a"),
    ({"a": 1}, {"$nonsense": {"a": 1}}, 9, "$nonsense"),
    ({"a": 1}, {"$set": {"b.": 1}}, 56, ""),
    ({"a": 1}, {"$inc": {"a": "x"}}, 14, "a"),
]


@pytest.mark.parametrize("before, update, code, part", BAD, ids=[str(u) for _, u, _, _ in BAD])
def test_refused_updates_change_nothing(coll, before, update, code, part):
    coll.insert_one({"_id": 1, **before})
    with pytest.raises(pymongo.errors.WriteError) as error:
        coll.update_one({"_id": 1}, update)
    assert error.value.code == code, error.value.details
    assert part in error.value.details["errmsg"]
    assert coll.find_one() == {"_id": 1, **before}


def test_delete(coll):
    coll.insert_many([{"_id": i, "a": i % 2} for i in range(10)])
    assert coll.delete_one({"a": 1}).deleted_count == 1
    assert coll.delete_many({"a": 1}).deleted_count == 4
    assert coll.delete_many({"a": 1}).deleted_count == 0
    assert coll.count_documents({}) == 5
    assert coll.delete_many({}).deleted_count == 5


def test_find_and_modify(coll):
    coll.insert_many([{"_id": i, "n": i} for i in range(5)])
    before = coll.find_one_and_update({"n": {"$gt": 1}}, {"$inc": {"n": 10}}, sort=[("n", -1)])
    assert before == {"_id": 4, "n": 4}
    after = coll.find_one_and_update(
        {"_id": 0}, {"$set": {"x": 1}}, return_document=ReturnDocument.AFTER, projection={"x": 1}
    )
    assert after == {"_id": 0, "x": 1}
    replaced = coll.find_one_and_replace({"_id": 1}, {"y": 1}, return_document=ReturnDocument.AFTER)
    assert replaced == {"_id": 1, "y": 1}
    assert coll.find_one_and_delete({"_id": 2}) == {"_id": 2, "n": 2}
    assert coll.find_one({"_id": 2}) is None
    assert coll.find_one_and_update({"_id": 99}, {"$set": {"x": 1}}) is None
    new = coll.find_one_and_update(
        {"_id": 99}, {"$set": {"x": 1}}, upsert=True, return_document=ReturnDocument.AFTER
    )
    assert new == {"_id": 99, "x": 1}
    assert coll.find_one_and_delete({"_id": 98}) is None


def test_find_and_modify_tells_what_it_did(coll):
    coll.insert_one({"_id": 1, "n": 1})
    reply = coll.database.command(
        "findAndModify", coll.name, query={"_id": 1}, update={"$inc": {"n": 1}}, new=True
    )
    assert reply["value"] == {"_id": 1, "n": 2}
    assert reply["lastErrorObject"] == {"n": 1, "updatedExisting": True}
    reply = coll.database.command(
        "findAndModify", coll.name, query={"_id": 2}, update={"$inc": {"n": 1}}, upsert=True
    )
    assert reply["value"] is None
    assert reply["lastErrorObject"] == {"n": 1, "updatedExisting": False, "upserted": 2}
    reply = coll.database.command("findAndModify", coll.name, query={"_id": 1}, remove=True)
    assert reply["lastErrorObject"] == {"n": 1}


def test_increments_from_many_threads_are_all_there(coll):
    from concurrent.futures import ThreadPoolExecutor

    coll.insert_one({"_id": 1, "n": 0})
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: coll.update_one({"_id": 1}, {"$inc": {"n": 1}}), range(400)))
    assert coll.find_one()["n"] == 400
