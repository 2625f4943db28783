"""Aggregation: stages and the accumulators and expressions that they need."""

import pymongo
import pytest

SALES = [
    {"_id": 1, "item": "abc", "price": 10, "quantity": 2, "tags": ["a", "b"], "size": {"h": 5}},
    {"_id": 2, "item": "jkl", "price": 20, "quantity": 1, "tags": ["b"], "size": {"h": 6}},
    {"_id": 3, "item": "xyz", "price": 5, "quantity": 10, "tags": []},
    {"_id": 4, "item": "abc", "price": 10, "quantity": 10},
    {"_id": 5, "item": "abc", "price": 2.5, "quantity": 4, "tags": ["c"], "size": {"h": 5}},
]

CASES = [
    ("match", [{"$match": {"item": "abc", "price": {"$gt": 5}}}, {"$project": {"_id": 1}}], [{"_id": 1}, {"_id": 4}]),
    (
        "project",
        [
            {"$match": {"_id": 1}},
            {"$project": {"_id": 0, "item": 1, "total": {"$multiply": ["$price", "$quantity"]}, "h": "$size.h"}},
        ],
        [{"item": "abc", "total": 20, "h": 5}],
    ),
    ("project exclusion", [{"$match": {"_id": 2}}, {"$project": {"tags": 0, "size.h": 0}}],
     [{"_id": 2, "item": "jkl", "price": 20, "quantity": 1, "size": {}}]),
    (
        "group",
        [
            {
                "$group": {
                    "_id": "$item",
                    "n": {"$sum": 1},
                    "total": {"$sum": {"$multiply": ["$price", "$quantity"]}},
                    "mean": {"$avg": "$quantity"},
                    "least": {"$min": "$price"},
                    "most": {"$max": "$price"},
                }
            },
            {"$sort": {"_id": 1}},
        ],
        [
            {"_id": "abc", "n": 3, "total": 130.0, "mean": 16 / 3, "least": 2.5, "most": 10},
            {"_id": "jkl", "n": 1, "total": 20, "mean": 1.0, "least": 20, "most": 20},
            {"_id": "xyz", "n": 1, "total": 50, "mean": 10.0, "least": 5, "most": 5},
        ],
    ),
    (
        "group all, push and first and last",
        [
            {"$sort": {"_id": 1}},
            {"$group": {"_id": None, "ids": {"$push": "$_id"}, "first": {"$first": "$item"}, "last": {"$last": "$_id"}}},
        ],
        [{"_id": None, "ids": [1, 2, 3, 4, 5], "first": "abc", "last": 5}],
    ),
    (
        "group by a document",
        [{"$group": {"_id": {"i": "$item", "p": "$price"}, "n": {"$sum": 1}}}, {"$match": {"n": 2}}],
        [{"_id": {"i": "abc", "p": 10}, "n": 2}],
    ),
    ("sort, skip, limit", [{"$sort": {"price": -1, "_id": 1}}, {"$skip": 1}, {"$limit": 2}, {"$project": {"_id": 1}}],
     [{"_id": 1}, {"_id": 4}]),
    ("unwind", [{"$unwind": "$tags"}, {"$project": {"tags": 1}}, {"$sort": {"_id": 1, "tags": 1}}],
     [{"_id": 1, "tags": "a"}, {"_id": 1, "tags": "b"}, {"_id": 2, "tags": "b"}, {"_id": 5, "tags": "c"}]),
    (
        "unwind keeps the empty ones",
        [
            {"$unwind": {"path": "$tags", "preserveNullAndEmptyArrays": True, "includeArrayIndex": "i"}},
            {"$match": {"_id": {"$in": [1, 3, 4]}}},
            {"$project": {"tags": 1, "i": 1}},
            {"$sort": {"_id": 1, "i": 1}},
        ],
        [{"_id": 1, "tags": "a", "i": 0}, {"_id": 1, "tags": "b", "i": 1}, {"_id": 3, "i": None}, {"_id": 4, "i": None}],
    ),
    ("unwind and group", [{"$unwind": "$tags"}, {"$group": {"_id": "$tags", "n": {"$sum": 1}}}, {"$sort": {"n": -1, "_id": 1}}, {"$limit": 1}],
     [{"_id": "b", "n": 2}]),
    ("count", [{"$match": {"item": "abc"}}, {"$count": "n"}], [{"n": 3}]),
    ("count of nothing", [{"$match": {"item": "none"}}, {"$count": "n"}], []),
]


@pytest.fixture(scope="module")
def sales(client):
    collection = client["aggregate"]["sales"]
    collection.drop()
    collection.insert_many(SALES)
    yield collection
    client.drop_database("aggregate")


@pytest.mark.parametrize("pipeline, expected", [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_pipeline(sales, pipeline, expected):
    assert list(sales.aggregate(pipeline)) == expected


def test_an_empty_pipeline_gives_everything(sales):
    assert sorted(d["_id"] for d in sales.aggregate([])) == [1, 2, 3, 4, 5]


def test_results_come_in_batches(coll):
    coll.insert_many([{"_id": i} for i in range(500)])
    found = coll.aggregate([{"$match": {}}, {"$sort": {"_id": 1}}], batchSize=7)
    assert [d["_id"] for d in found] == list(range(500))


def test_an_index_serves_a_match(coll):
    coll.insert_many([{"_id": i, "n": i} for i in range(500)])
    coll.create_index("n", name="by_n")
    plan = coll.database.command(
        "aggregate", coll.name, pipeline=[{"$match": {"n": {"$lt": 5}}}], explain=True
    )
    assert "by_n" in str(plan)


def test_group_of_many(coll):
    coll.insert_many([{"_id": i, "k": i % 1000} for i in range(20_000)])
    groups = list(coll.aggregate([{"$group": {"_id": "$k", "n": {"$sum": 1}}}]))
    assert len(groups) == 1000
    assert {g["n"] for g in groups} == {20}


BAD = [
    ([{"$nonsense": {}}], 40324, "$nonsense"),
    ([{"$match": 1}], 15959, "match"),
    ([{"$limit": 0}], 15958, "limit"),
    ([{"$limit": -1}], None, "limit"),
    ([{"$skip": -1}], None, "skip"),
    ([{"$unwind": "tags"}], 28818, "$"),
    ([{"$group": {"n": {"$sum": 1}}}], 15955, "_id"),
    ([{"$group": {"_id": 1, "n": {"$nonsense": 1}}}], 15952, "$nonsense"),
    ([{"$project": {}}], 51272, "$project"),
    ([{"$count": ""}], 40157, "count"),
    ([{"$sort": {"a": 2}}], 15975, "sort"),
    ([{"$match": {}, "$limit": 1}], 40323, "stage"),
]


@pytest.mark.parametrize("pipeline, code, part", BAD, ids=[str(p) for p, _, _ in BAD])
def test_bad_stages_are_refused_by_name(sales, pipeline, code, part):
    with pytest.raises(pymongo.errors.OperationFailure) as error:
        list(sales.aggregate(pipeline))
    assert code is None or error.value.code == code, error.value.details
    assert part in error.value.details["errmsg"]
