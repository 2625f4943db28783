"""Sort, skip, limit, projection, distinct, count, and cursors."""

import pymongo
import pytest
from bson import Decimal128, Int64, MaxKey, MinKey, ObjectId


@pytest.fixture
def numbers(coll):
    coll.insert_many([{"_id": i, "n": i, "even": i % 2 == 0, "group": i % 7} for i in range(1000)])
    return coll


def ids(cursor):
    return [document["_id"] for document in cursor]


def test_sort_skip_limit(numbers):
    assert ids(numbers.find().sort("n", -1).limit(3)) == [999, 998, 997]
    assert ids(numbers.find().sort("n", 1).skip(10).limit(2)) == [10, 11]
    assert ids(numbers.find({"even": True}).sort("n", -1).skip(1).limit(2)) == [996, 994]
    found = ids(numbers.find().sort([("group", 1), ("n", -1)]).limit(3))
    assert found == [994, 987, 980]
    assert ids(numbers.find().skip(2000)) == []


def test_sort_follows_the_order_of_types(coll):
    values = [
        MinKey(), None, -5, Decimal128("1.5"), Int64(2), "a", "b", {"x": 1}, b"bytes", ObjectId(),
        False, True, MaxKey(),
    ]  # fmt: skip
    coll.insert_many([{"_id": i, "v": v} for i, v in enumerate(values)])
    assert ids(coll.find().sort("v", 1)) == list(range(len(values)))
    assert ids(coll.find().sort("v", -1)) == list(reversed(range(len(values))))


def test_sort_by_array_takes_its_least_or_greatest_element(coll):
    coll.insert_many([{"_id": 1, "a": [5, 1]}, {"_id": 2, "a": [3, 4]}, {"_id": 3, "a": 2}])
    assert ids(coll.find().sort("a", 1)) == [1, 3, 2]
    assert ids(coll.find().sort("a", -1)) == [1, 2, 3]


def test_a_negative_limit_is_a_single_batch(numbers):
    assert len(list(numbers.find().limit(-5))) == 5


PROJECTIONS = [
    ({"a": 1}, {"_id": 1, "a": 1}),
    ({"a": 1, "_id": 0}, {"a": 1}),
    ({"a": 0, "b": 0}, {"_id": 1, "c": [1, 2, 3], "items": [{"q": 1, "p": 2}, {"q": 3}]}),
    ({"b.x": 1}, {"_id": 1, "b": {"x": 1}}),
    ({"b": {"x": 1}}, {"_id": 1, "b": {"x": 1}}),
    ({"b.x": 0, "c": 0, "items": 0}, {"_id": 1, "a": 1, "b": {"y": 2}}),
    ({"items.q": 1}, {"_id": 1, "items": [{"q": 1}, {"q": 3}]}),
    ({"_id": 1}, {"_id": 1}),
    ({"missing": 1}, {"_id": 1}),
    ({"c": {"$slice": 2}, "a": 1}, {"_id": 1, "a": 1, "c": [1, 2]}),
    ({"items": {"$elemMatch": {"q": 3}}}, {"_id": 1, "items": [{"q": 3}]}),
]


@pytest.mark.parametrize("projection, expected", PROJECTIONS, ids=[str(p) for p, _ in PROJECTIONS])
def test_projection(coll, projection, expected):
    coll.insert_one(
        {"_id": 1, "a": 1, "b": {"x": 1, "y": 2}, "c": [1, 2, 3], "items": [{"q": 1, "p": 2}, {"q": 3}]}
    )
    assert coll.find_one({}, projection) == expected


def test_positional_projection(coll):
    coll.insert_one({"_id": 1, "items": [{"q": 1}, {"q": 3}, {"q": 5}]})
    assert coll.find_one({"items.q": 3}, {"items.$": 1}) == {"_id": 1, "items": [{"q": 3}]}


def test_mixed_projections_are_refused(coll):
    coll.insert_one({"a": 1})
    with pytest.raises(pymongo.errors.OperationFailure) as error:
        coll.find_one({}, {"a": 1, "b": 0})
    assert error.value.code == 31254


def test_count_and_distinct(numbers):
    assert numbers.estimated_document_count() == 1000
    assert numbers.count_documents({"even": True}) == 500
    assert numbers.count_documents({"n": {"$gte": 10}}, skip=5, limit=7) == 7
    assert sorted(numbers.distinct("group")) == list(range(7))
    assert numbers.distinct("group", {"n": {"$lt": 3}}) == [0, 1, 2]
    reply = numbers.database.command("count", numbers.name, query={"even": False})
    assert reply["n"] == 500


def test_distinct_goes_into_arrays(coll):
    coll.insert_many([{"a": [1, 2]}, {"a": 2}, {"a": [3, [4]]}, {"b": 1}])
    values = coll.distinct("a")
    assert [v for v in values if isinstance(v, int)] == [1, 2, 3]
    assert [4] in values and len(values) == 4


def test_a_cursor_gives_everything_once_in_batches(numbers):
    cursor = numbers.find({}, batch_size=10).sort("_id", 1)
    assert ids(cursor) == list(range(1000))
    assert cursor.cursor_id == 0, "an exhausted cursor has no id"


def test_the_first_batch_is_of_101_documents(numbers):
    reply = numbers.database.command("find", numbers.name)
    assert len(reply["cursor"]["firstBatch"]) == 101
    assert reply["cursor"]["id"] != 0
    assert reply["cursor"]["ns"] == numbers.full_name
    more = numbers.database.command("getMore", Int64(reply["cursor"]["id"]), collection=numbers.name)
    assert len(more["cursor"]["nextBatch"]) == 899
    assert more["cursor"]["id"] == 0


def test_get_more_with_a_batch_size_and_kill(numbers):
    db = numbers.database
    cursor = db.command("find", numbers.name, batchSize=0)["cursor"]
    assert cursor["firstBatch"] == []
    more = db.command("getMore", Int64(cursor["id"]), collection=numbers.name, batchSize=3)
    assert len(more["cursor"]["nextBatch"]) == 3
    reply = db.command("killCursors", numbers.name, cursors=[Int64(cursor["id"]), Int64(12345)])
    assert reply["cursorsKilled"] == [cursor["id"]]
    assert reply["cursorsNotFound"] == [12345]
    with pytest.raises(pymongo.errors.OperationFailure) as error:
        db.command("getMore", Int64(cursor["id"]), collection=numbers.name)
    assert error.value.code == 43


def test_single_batch_and_limit_leave_no_cursor(numbers):
    db = numbers.database
    assert db.command("find", numbers.name, batchSize=5, singleBatch=True)["cursor"]["id"] == 0
    assert db.command("find", numbers.name, limit=5)["cursor"]["id"] == 0


def test_a_batch_stays_below_the_size_of_a_message(coll):
    blob = b"x" * (4 * 1024 * 1024)
    for i in range(8):
        coll.insert_one({"_id": i, "blob": blob})
    assert [d["_id"] for d in coll.find().sort("_id", 1)] == list(range(8))


def test_a_cursor_sees_its_own_snapshot_or_later_but_each_document_once(numbers):
    cursor = numbers.find({}, batch_size=50).sort("_id", 1)
    first = next(cursor)["_id"]
    numbers.delete_many({"_id": {"$gte": 900}})
    numbers.update_many({}, {"$set": {"touched": True}})
    rest = ids(cursor)
    assert len(set(rest)) == len(rest)
    assert set(range(1, 900)) <= set(rest) and first == 0


def test_hint_and_comment_and_max_time_are_taken(numbers):
    numbers.create_index("n", name="by_n")
    found = numbers.find({"n": {"$lt": 3}}, comment="why").hint("by_n").max_time_ms(60_000)
    assert sorted(ids(found)) == [0, 1, 2]
    with pytest.raises(pymongo.errors.OperationFailure) as error:
        list(numbers.find({}).hint("no_such_index"))
    assert error.value.code == 2


def test_a_collection_that_is_not_there_is_empty(db):
    assert list(db["nothing"].find({"a": 1})) == []
    assert db["nothing"].count_documents({}) == 0
    assert db["nothing"].distinct("a") == []
    assert db["nothing"].delete_many({}).deleted_count == 0
