"""Indexes: made, listed, dropped, kept true by writes, and used, which `explain` shows."""

import pymongo
import pytest
from pymongo import ASCENDING, DESCENDING, IndexModel


def winning_plan(cursor_or_reply) -> dict:
    explained = cursor_or_reply if isinstance(cursor_or_reply, dict) else cursor_or_reply.explain()
    return explained["queryPlanner"]["winningPlan"]


def stages(plan: dict) -> list[str]:
    """The plan's stages from the top."""
    found = [plan["stage"]]
    while "inputStage" in plan:
        plan = plan["inputStage"]
        found.append(plan["stage"])
    return found


def index_used(cursor) -> str | None:
    plan = winning_plan(cursor)
    while "inputStage" in plan:
        plan = plan["inputStage"]
    return plan.get("indexName")


@pytest.fixture
def people(coll):
    coll.insert_many(
        [{"_id": i, "name": f"n{i:04}", "age": i % 90, "city": f"c{i % 10}", "tags": [i % 3, i % 5]} for i in range(2000)]
    )
    return coll


def ids(cursor):
    return sorted(document["_id"] for document in cursor)


def test_create_list_drop(coll):
    assert coll.create_index("a") == "a_1"
    assert coll.create_index([("a", ASCENDING), ("b", DESCENDING)]) == "a_1_b_-1"
    assert coll.create_indexes([IndexModel("c", name="named", unique=True), IndexModel("d")]) == ["named", "d_1"]
    listed = {index["name"]: index for index in coll.list_indexes()}
    assert set(listed) == {"_id_", "a_1", "a_1_b_-1", "named", "d_1"}
    assert listed["_id_"]["key"] == {"_id": 1}
    assert list(listed["a_1_b_-1"]["key"].items()) == [("a", 1), ("b", -1)]
    assert listed["named"]["unique"] is True and "unique" not in listed["a_1"]
    assert all(index["v"] == 2 for index in listed.values())
    coll.drop_index("a_1")
    coll.drop_index([("a", 1), ("b", -1)])
    assert set(coll.index_information()) == {"_id_", "named", "d_1"}
    coll.drop_indexes()
    assert set(coll.index_information()) == {"_id_"}


def test_creating_it_again_is_fine_and_differently_is_not(coll):
    reply = coll.database.command(
        "createIndexes", coll.name, indexes=[{"key": {"a": 1}, "name": "a_1"}]
    )
    assert (reply["numIndexesBefore"], reply["numIndexesAfter"]) == (1, 2)
    assert reply["createdCollectionAutomatically"] is True
    reply = coll.database.command(
        "createIndexes", coll.name, indexes=[{"key": {"a": 1}, "name": "a_1"}]
    )
    assert (reply["numIndexesBefore"], reply["numIndexesAfter"]) == (2, 2)
    for index, code in [
        ({"key": {"a": 1}, "name": "other"}, 85),
        ({"key": {"b": 1}, "name": "a_1"}, 86),
        ({"key": {"a": 1}, "name": "a_1", "unique": True}, 86),
        ({"key": {}, "name": "none"}, 67),
        ({"key": {"a": 0}, "name": "zero"}, 67),
        ({"key": {"a": "nonsense"}, "name": "plugin"}, 67),
    ]:
        with pytest.raises(pymongo.errors.OperationFailure) as error:
            coll.database.command("createIndexes", coll.name, indexes=[index])
        assert error.value.code == code, (index, error.value.details)


def test_dropping_what_is_not_there(coll):
    coll.insert_one({})
    with pytest.raises(pymongo.errors.OperationFailure) as error:
        coll.drop_index("no_such_index")
    assert error.value.code == 27
    with pytest.raises(pymongo.errors.OperationFailure) as error:
        coll.drop_index("_id_")
    assert error.value.code == 72


QUERIES = [
    {"age": 30},
    {"age": {"$gte": 10, "$lt": 12}},
    {"age": {"$in": [1, 2, 3]}},
    {"age": 30, "city": "c0"},
    {"city": "c3", "age": {"$gt": 80}},
    {"name": {"$regex": "^n000"}},
    {"tags": 4},
    {"tags": {"$all": [2, 4]}},
    {"age": {"$ne": 5}},
    {"age": None},
    {"missing": 1},
    {"$or": [{"age": 5}, {"name": "n0007"}]},
    {"age": {"$gt": 5, "$lt": 3}},
    {"age": {"$type": "string"}},
    {"age": "30"},
]


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_answers_are_the_same_with_and_without_indexes(people, query):
    expected = ids(people.find(query))
    for keys in ["age", [("city", 1), ("age", -1)], "name", "tags", [("age", 1), ("name", 1)]]:
        people.create_index(keys)
    assert ids(people.find(query)) == expected
    assert people.count_documents(query) == len(expected)


def test_explain_names_the_index(people):
    assert stages(winning_plan(people.find({"age": 3}))) == ["COLLSCAN"]
    people.create_index("age", name="by_age")
    assert index_used(people.find({"age": 3})) == "by_age"
    assert index_used(people.find({"age": {"$gt": 85}})) == "by_age"
    assert "IXSCAN" in stages(winning_plan(people.find({"age": {"$in": [1, 2]}})))
    assert index_used(people.find({"city": "c1"})) is None
    people.create_index([("city", 1), ("age", 1)], name="by_city_age")
    assert index_used(people.find({"city": "c1"})) == "by_city_age"
    assert index_used(people.find({"city": "c1", "age": {"$lt": 5}})) == "by_city_age"
    by_id = winning_plan(people.find({"_id": 5}))
    assert by_id["stage"] in ("IDHACK", "EXPRESS_IXSCAN") or index_used(people.find({"_id": 5})) == "_id_"
    people.drop_index("by_age")
    assert index_used(people.find({"age": 3})) is None


def test_explain_of_an_index_scan_has_bounds_and_counts(people):
    people.create_index("age", name="by_age")
    explained = people.database.command(
        "explain", {"find": people.name, "filter": {"age": 3}}, verbosity="executionStats"
    )
    assert explained["queryPlanner"]["namespace"] == people.full_name
    plan = winning_plan(explained)
    while "inputStage" in plan:
        plan = plan["inputStage"]
    assert plan["keyPattern"] == {"age": 1}
    assert plan["indexBounds"] == {"age": ["[3, 3]"]}
    stats = explained["executionStats"]
    expected = people.count_documents({"age": 3})
    assert stats["nReturned"] == expected
    assert stats["totalDocsExamined"] == expected
    assert stats["totalKeysExamined"] in (expected, expected + 1)


def test_an_index_gives_the_order(people):
    people.create_index([("city", 1), ("age", -1)])
    cursor = people.find({"city": "c1"}).sort([("city", 1), ("age", -1)])
    assert "SORT" not in stages(winning_plan(cursor))
    ages = [document["age"] for document in cursor]
    assert ages == sorted(ages, reverse=True) and len(ages) == 200
    # Backwards, too.
    cursor = people.find().sort([("city", -1), ("age", 1)])
    assert "SORT" not in stages(winning_plan(cursor))
    # Another order needs a sort.
    assert "SORT" in stages(winning_plan(people.find().sort("name", 1)))


def test_a_hint_is_obeyed(people):
    people.create_index("age", name="by_age")
    people.create_index([("city", 1)], name="by_city")
    query = {"age": 3, "city": "c3"}
    assert index_used(people.find(query).hint("by_city")) == "by_city"
    assert index_used(people.find(query).hint([("age", 1)])) == "by_age"
    assert stages(winning_plan(people.find(query).hint([("$natural", 1)]))) == ["COLLSCAN"]


def test_writes_keep_indexes_true(coll):
    coll.create_index("a", name="by_a")
    coll.create_index("tags", name="by_tags")
    coll.insert_many([{"_id": i, "a": i, "tags": [i, i + 1]} for i in range(50)])
    coll.update_one({"_id": 10}, {"$set": {"a": 999}})
    coll.update_many({"a": {"$lt": 5}}, {"$inc": {"a": 2000}})
    coll.update_one({"_id": 20}, {"$push": {"tags": 777}})
    coll.delete_many({"a": {"$gte": 40, "$lt": 50}})
    coll.replace_one({"_id": 30}, {"b": 1})

    def both(query, index):
        with_index = coll.find(query).hint(index)
        assert index_used(coll.find(query).hint(index)) == index
        found = ids(with_index)
        assert found == ids(coll.find(query).hint([("$natural", 1)]))
        return found

    assert both({"a": 10}, "by_a") == []
    assert both({"a": 999}, "by_a") == [10]
    assert both({"a": {"$gte": 2000}}, "by_a") == [0, 1, 2, 3, 4]
    assert both({"tags": 777}, "by_tags") == [20]
    assert both({"tags": 30}, "by_tags") == [29]
    assert both({"a": {"$gte": 40, "$lt": 50}}, "by_a") == []
    assert both({"a": None}, "by_a") == [30]


def test_unique(coll):
    coll.create_index("email", unique=True)
    coll.insert_one({"_id": 1, "email": "a@example.com"})
    with pytest.raises(pymongo.errors.DuplicateKeyError) as error:
        coll.insert_one({"_id": 2, "email": "a@example.com"})
    details = error.value.details
    assert details["code"] == 11000
    assert details["keyPattern"] == {"email": 1}
    assert details["keyValue"] == {"email": "a@example.com"}
    assert "email_1" in details["errmsg"] and coll.full_name in details["errmsg"]
    coll.insert_one({"_id": 3, "email": "b@example.com"})
    for write in (
        lambda: coll.update_one({"_id": 3}, {"$set": {"email": "a@example.com"}}),
        lambda: coll.replace_one({"_id": 3}, {"email": "a@example.com"}),
        lambda: coll.update_one({"x": 1}, {"$set": {"email": "a@example.com"}}, upsert=True),
        lambda: coll.find_one_and_update({"_id": 3}, {"$set": {"email": "a@example.com"}}),
        lambda: coll.insert_one({"_id": 1}),
    ):
        with pytest.raises(pymongo.errors.DuplicateKeyError) as error:
            write()
        assert error.value.code == 11000
    assert ids(coll.find()) == [1, 3]
    # A missing field counts as null, once.
    coll.insert_one({"_id": 4})
    with pytest.raises(pymongo.errors.DuplicateKeyError):
        coll.insert_one({"_id": 5})
    # What is gone is free again.
    coll.delete_one({"_id": 1})
    coll.insert_one({"_id": 6, "email": "a@example.com"})


def test_unique_holds_across_number_types_and_compound_keys(coll):
    coll.create_index([("a", 1), ("b", 1)], unique=True)
    coll.insert_one({"a": 1, "b": 1})
    coll.insert_one({"a": 1, "b": 2})
    with pytest.raises(pymongo.errors.DuplicateKeyError):
        coll.insert_one({"a": 1.0, "b": 2})


def test_a_unique_index_is_refused_over_duplicates(coll):
    coll.insert_many([{"a": 1}, {"a": 1}])
    with pytest.raises(pymongo.errors.DuplicateKeyError) as error:
        coll.create_index("a", unique=True)
    assert error.value.code == 11000
    assert set(coll.index_information()) == {"_id_"}


def test_one_of_many_racing_inserts_wins(coll):
    from concurrent.futures import ThreadPoolExecutor

    coll.create_index("k", unique=True)

    def insert(i):
        try:
            coll.insert_one({"_id": i, "k": i % 20})
            return 1
        except pymongo.errors.DuplicateKeyError:
            return 0

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(insert, range(200))) == 20
    assert coll.count_documents({}) == 20


def test_two_arrays_in_a_compound_key_are_refused(coll):
    coll.create_index([("a", 1), ("b", 1)])
    coll.insert_one({"a": [1, 2], "b": 1})
    with pytest.raises(pymongo.errors.WriteError) as error:
        coll.insert_one({"a": [1], "b": [2]})
    assert error.value.code == 171


OPTIONS = [{"sparse": True}, {"partialFilterExpression": {"a": 1}}, {"expireAfterSeconds": 5}, {"hidden": True},
           {"collation": {"locale": "de"}}]  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_options_are_enforced_or_refused(coll, options):
    """Nothing is accepted that is not done: a refusal must say which option it is about."""
    try:
        coll.create_index("a", name="with_options", **options)
    except pymongo.errors.OperationFailure as error:
        assert next(iter(options)) in error.details["errmsg"], error.details
        return
    listed = {index["name"]: index for index in coll.list_indexes()}["with_options"]
    assert next(iter(options)) in listed
    if "sparse" in options:
        coll.insert_many([{"_id": 1, "a": 1}, {"_id": 2}])
        assert ids(coll.find().hint("with_options")) == [1]
