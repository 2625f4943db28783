"""Every query operator, against documents on which they differ. `EXPECTED` lists the `_id`s."""

import re
from datetime import datetime, timezone

import pymongo
import pytest
from bson import Decimal128, Int64, ObjectId, Regex

DOCUMENTS = [
    {"_id": 1, "n": 1, "s": "apple", "tags": ["a", "b"], "nested": {"x": 1, "y": {"z": 5}}},
    {"_id": 2, "n": 2.5, "s": "Banana", "tags": ["b"], "nested": {"x": 2}},
    {"_id": 3, "n": Int64(3), "s": "cherry", "tags": [], "items": [{"q": 1, "p": 9}, {"q": 5, "p": 2}]},
    {"_id": 4, "n": None, "s": "apple pie", "tags": "a", "items": [{"q": 5, "p": 9}]},
    {"_id": 5, "s": "", "tags": ["a", "b", "c"], "nested": {"x": [1, 5, 9]}},
    {"_id": 6, "n": Decimal128("1"), "when": datetime(2026, 1, 1, tzinfo=timezone.utc), "flag": True},
    {"_id": 7, "n": "1", "oid": ObjectId("6720f0000000000000000001"), "matrix": [[1, 2], [3, 4]]},
    {"_id": 8, "n": [1, 7], "scores": [80, 85, 60], "flag": False},
]

CASES = [
    # $eq: numbers compare across types; an array matches by element or as a whole.
    ({"n": 1}, [1, 6, 8]),
    ({"n": {"$eq": 1.0}}, [1, 6, 8]),
    ({"n": [1, 7]}, [8]),
    ({"n": "1"}, [7]),
    ({"nested.x": 1}, [1, 5]),
    ({"nested.y.z": 5}, [1]),
    ({"nested": {"x": 2}}, [2]),
    ({"tags": "b"}, [1, 2, 5]),
    ({"tags": ["b"]}, [2]),
    ({"tags.0": "a"}, [1, 5]),
    ({"items.q": 5}, [3, 4]),
    ({"items.1.p": 2}, [3]),
    ({"matrix": [1, 2]}, [7]),
    ({"n": None}, [4, 5]),
    ({"flag": False}, [8]),
    ({"oid": ObjectId("6720f0000000000000000001")}, [7]),
    # $ne and $nin hold where the field is missing, and not where any element is equal.
    ({"n": {"$ne": 1}}, [2, 3, 4, 5, 7]),
    ({"n": {"$ne": None}}, [1, 2, 3, 6, 7, 8]),
    ({"tags": {"$nin": ["a", "c"]}}, [2, 3, 6, 7, 8]),
    ({"n": {"$nin": [None, 1]}}, [2, 3, 7]),
    # Order holds within one type; for arrays, any element will do.
    ({"n": {"$gt": 1}}, [2, 3, 8]),
    ({"n": {"$gte": 1}}, [1, 2, 3, 6, 8]),
    ({"n": {"$lt": 2.5}}, [1, 6, 8]),
    ({"n": {"$lte": 2.5}}, [1, 2, 6, 8]),
    ({"n": {"$gt": 1, "$lt": 3}}, [2, 8]),
    ({"s": {"$gt": "b"}}, [3]),
    ({"s": {"$lt": "a"}}, [2, 5]),
    ({"when": {"$gte": datetime(2025, 12, 31, tzinfo=timezone.utc)}}, [6]),
    ({"n": {"$gte": None}}, [4, 5]),
    ({"scores": {"$gt": 84, "$lt": 61}}, [8]),
    # $in with values, regular expressions, null
    ({"n": {"$in": [2.5, 3]}}, [2, 3]),
    ({"n": {"$in": [None]}}, [4, 5]),
    ({"s": {"$in": [re.compile("^app"), "cherry"]}}, [1, 3, 4]),
    ({"n": {"$in": []}}, []),
    # logic
    ({"$and": [{"n": 1}, {"tags": "a"}]}, [1]),
    ({"$or": [{"n": 2.5}, {"s": "cherry"}]}, [2, 3]),
    ({"$nor": [{"n": {"$exists": True}}, {"_id": 99}]}, [5]),
    ({"n": {"$not": {"$gt": 1}}}, [1, 4, 5, 6, 7]),
    ({"s": {"$not": re.compile("apple")}}, [2, 3, 5, 6, 7, 8]),
    ({"$and": [{"$or": [{"_id": 1}, {"_id": 2}]}, {"$or": [{"_id": 2}, {"_id": 3}]}]}, [2]),
    # $exists
    ({"n": {"$exists": True}}, [1, 2, 3, 4, 6, 7, 8]),
    ({"n": {"$exists": False}}, [5]),
    ({"nested.y": {"$exists": True}}, [1]),
    ({"items.p": {"$exists": True}}, [3, 4]),
    # $type by number, alias, list, "number"; arrays by element
    ({"n": {"$type": "int"}}, [1, 8]),
    ({"n": {"$type": 18}}, [3]),
    ({"n": {"$type": "number"}}, [1, 2, 3, 6, 8]),
    ({"n": {"$type": ["null", "string"]}}, [4, 7]),
    ({"n": {"$type": "decimal"}}, [6]),
    ({"n": {"$type": "array"}}, [8]),
    ({"flag": {"$type": "bool"}}, [6, 8]),
    # $regex
    ({"s": re.compile("^apple")}, [1, 4]),
    ({"s": {"$regex": "BANANA", "$options": "i"}}, [2]),
    ({"s": Regex("e$")}, [1, 4]),
    ({"s": {"$regex": "^$"}}, [5]),
    ({"tags": re.compile("c")}, [5]),
    ({"s": {"$regex": "a.p # comment", "$options": "x"}}, [1, 4]),
    # $size, $all, $elemMatch
    ({"tags": {"$size": 0}}, [3]),
    ({"tags": {"$size": 1}}, [2]),
    ({"tags": {"$all": ["a", "b"]}}, [1, 5]),
    ({"tags": {"$all": ["a"]}}, [1, 4, 5]),
    ({"tags": {"$all": []}}, []),
    ({"items": {"$elemMatch": {"q": 5, "p": 9}}}, [4]),
    ({"items.q": 5, "items.p": 9}, [3, 4]),
    ({"scores": {"$elemMatch": {"$gt": 60, "$lt": 85}}}, [8]),
    ({"scores": {"$elemMatch": {"$gt": 85}}}, []),
    ({"items": {"$all": [{"$elemMatch": {"q": 1}}, {"$elemMatch": {"p": 2}}]}}, [3]),
    # everything and nothing
    ({}, [1, 2, 3, 4, 5, 6, 7, 8]),
    ({"_id": {"$in": [8, 1, 1]}}, [1, 8]),
    ({"no.such.path": 1}, []),
]


@pytest.fixture(scope="module")
def filled(client):
    collection = client["query_operators"]["documents"]
    collection.drop()
    collection.insert_many(DOCUMENTS)
    yield collection
    client.drop_database("query_operators")


@pytest.mark.parametrize("query, expected", CASES, ids=[str(query) for query, _ in CASES])
def test_operator(filled, query, expected):
    assert sorted(document["_id"] for document in filled.find(query)) == expected
    assert filled.count_documents(query) == len(expected)


def test_documents_come_back_as_they_went(filled):
    assert list(filled.find().sort("_id", 1)) == list(_as_read())
    first = filled.find_one({"_id": 1})
    assert list(first) == list(DOCUMENTS[0]), "the order of fields is kept"
    assert isinstance(filled.find_one({"_id": 3})["n"], Int64)


def _as_read():
    # pymongo gives naive datetimes in UTC.
    for document in DOCUMENTS:
        if "when" in document:
            document = {**document, "when": document["when"].replace(tzinfo=None)}
        yield document


BAD = [
    ({"a": {"$nonsense": 1}}, 2, "$nonsense"),
    ({"$nonsense": []}, 2, "$nonsense"),
    ({"$and": []}, 2, "$and"),
    ({"$or": {"a": 1}}, 2, "$or"),
    ({"a": {"$in": 1}}, 2, "$in"),
    ({"a": {"$size": -1}}, 2, "$size"),
    ({"a": {"$type": "nonsense"}}, 2, "nonsense"),
    ({"a": {"$elemMatch": 1}}, 2, "$elemMatch"),
    ({"a": {"$regex": "("}}, 51091, "egular expression"),
    ({"a": {"$not": 1}}, 2, "$not"),
    ({"a": {"$all": 1}}, 2, "$all"),
]


@pytest.mark.parametrize("query, code, part", BAD, ids=[str(query) for query, _, _ in BAD])
def test_bad_filters_are_refused_by_name(coll, query, code, part):
    coll.insert_one({"a": 1})
    with pytest.raises(pymongo.errors.OperationFailure) as error:
        coll.find_one(query)
    assert error.value.code == code, error.value.details
    assert part in error.value.details["errmsg"]
