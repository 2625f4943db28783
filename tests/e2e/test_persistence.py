"""Data outlives the process: clean stops, kill -9, and kill -9 under load.

kill -9 takes what the process still held in its own memory; what it has given to the kernel survives, synced
or not. That a sync really happens before an acknowledgement, these tests cannot see: a power cut would.
"""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pymongo
import pytest
from pymongo import WriteConcern

DOCUMENTS = 100_000
PAYLOAD = "p" * 900


def document(i: int) -> dict:
    return {"_id": i, "email": f"user{i}@example.com", "group": i % 1000, "n": i, "payload": PAYLOAD}


def answers(client) -> dict:
    """A few answers that depend on all of the data."""
    users = client["big"]["users"]
    groups = users.aggregate([{"$match": {"group": {"$lt": 3}}}, {"$group": {"_id": "$group", "sum": {"$sum": "$n"}}}, {"$sort": {"_id": 1}}])
    return {
        "count": users.count_documents({}),
        "estimated": users.estimated_document_count(),
        "by group": sorted(d["_id"] for d in users.find({"group": 7}, {"_id": 1})),
        "by email": users.find_one({"email": "user31415@example.com"}),
        "range": [d["_id"] for d in users.find({"n": {"$gte": 500, "$lt": 520}}).sort("n", -1)],
        "sums": list(groups),
        "last": users.find_one(sort=[("_id", -1)])["_id"],
        "indexes": sorted(users.index_information()),
    }


def index_of(cursor) -> str | None:
    plan = cursor.explain()["queryPlanner"]["winningPlan"]
    while "inputStage" in plan:
        plan = plan["inputStage"]
    return plan.get("indexName")


def test_a_hundred_thousand_documents(make_server, own_access):
    server = make_server(own_access.options()).start()
    with server.client() as client:
        users = client["big"]["users"]
        users.create_index("group", name="by_group")
        users.create_index("email", name="by_email", unique=True)
        for start in range(0, DOCUMENTS, 5000):
            users.insert_many([document(i) for i in range(start, start + 5000)])
        before = answers(client)
        assert before["count"] == before["estimated"] == DOCUMENTS
        assert before["by group"] == list(range(7, DOCUMENTS, 1000))
    assert server.stop() == 0

    server.start()
    with server.client() as client:
        users = client["big"]["users"]
        assert answers(client) == before
        assert index_of(users.find({"group": 7})) == "by_group"
        assert index_of(users.find({"email": "user5@example.com"})) == "by_email"
        with pytest.raises(pymongo.errors.DuplicateKeyError):
            users.insert_one({"_id": -1, "email": "user5@example.com"})
    server.kill()

    server.start()
    with server.client() as client:
        assert answers(client) == before
        users = client["big"]["users"]
        users.drop_index("by_group")
        users.create_index("group", name="again")
        assert index_of(users.find({"group": 7})) == "again"
        assert sorted(d["_id"] for d in users.find({"group": 7}, {"_id": 1})) == before["by group"]


@pytest.mark.parametrize("encrypted", [True, False], ids=["encrypted", "in clear"])
def test_kill_under_load_loses_nothing_that_was_acknowledged(make_server, own_access, encrypted):
    """Writers with `j: true` note what was acknowledged; the process is killed in their midst. All of
    that must be there, at each of several rounds, with indexes that agree. A write that was sent and
    not acknowledged may be there or not; one without `j: true` may be lost if it is younger than the
    commit interval of the journal, and none here is of that kind."""
    server = make_server(own_access.options() if encrypted else [])
    acknowledged: dict[int, int] = {}  # _id -> the least value it may have
    attempted: set[int] = set()
    deleted: set[int] = set()
    lock = threading.Lock()

    for round in range(3):
        server.start()
        stop = threading.Event()
        count = threading.Semaphore(0)

        def write(writer: int, base: int):
            generator = random.Random(base + writer)
            with server.client(retryWrites=False, socketTimeoutMS=30_000) as client:
                jobs = client["crash"].get_collection("jobs", write_concern=WriteConcern(w=1, j=True))
                mine: list[int] = []
                number = 0
                while not stop.is_set():
                    try:
                        kind = generator.random()
                        if kind < 0.6 or not mine:
                            number += 1
                            key = base + writer * 1_000_000 + number
                            with lock:
                                attempted.add(key)
                            jobs.insert_one({"_id": key, "u": f"u{key}", "v": 0, "pad": "x" * 200})
                            mine.append(key)
                            with lock:
                                acknowledged[key] = 0
                        elif kind < 0.9:
                            key = generator.choice(mine)
                            result = jobs.update_one({"_id": key}, {"$inc": {"v": 1}})
                            assert result.modified_count == 1
                            with lock:
                                acknowledged[key] += 1
                        else:
                            key = mine.pop(generator.randrange(len(mine)))
                            # Between request and answer, both is right.
                            with lock:
                                least = acknowledged.pop(key)
                            assert jobs.delete_one({"_id": key}).deleted_count == 1, least
                            with lock:
                                deleted.add(key)
                        count.release()
                    except pymongo.errors.PyMongoError:
                        return

        if round == 0:
            with server.client() as client:
                client["crash"]["jobs"].create_index("u", unique=True, name="by_u")
                client["crash"]["jobs"].create_index("v", name="by_v")
        pool = ThreadPoolExecutor(6)
        futures = [pool.submit(write, w, (round + 1) * 100_000_000) for w in range(6)]
        # Killed after a number of writes, not after a time, so that a slow machine works as much.
        for _ in range(400):
            if not count.acquire(timeout=60):
                break
        server.kill()
        stop.set()
        for future in futures:
            future.result(60)
        pool.shutdown()
        assert len(acknowledged) > 100

        server.start()
        with server.client() as client:
            jobs = client["crash"]["jobs"]
            found = {d["_id"]: d for d in jobs.find()}
            lost = {key for key in acknowledged if key not in found}
            assert not lost, f"{len(lost)} acknowledged documents are lost"
            stale = {key for key, least in acknowledged.items() if found[key]["v"] < least}
            assert not stale, f"{len(stale)} acknowledged updates are lost"
            assert not deleted & set(found), "acknowledged deletes came back"
            assert set(found) <= attempted, "documents that nobody wrote"
            assert jobs.count_documents({}) == len(found)
            by_u = {d["_id"] for d in jobs.find({"u": {"$gte": ""}}).hint("by_u")}
            assert by_u == set(found), "the unique index agrees"
            by_v = {d["_id"] for d in jobs.find({"v": {"$gte": 0}}).hint("by_v")}
            assert by_v == set(found), "the secondary index agrees"
        server.kill()


def test_writes_without_j_are_on_disk_after_the_commit_interval(make_server):
    server = make_server(["--journalCommitInterval", "10"]).start()
    with server.client() as client:
        client["crash"]["lazy"].insert_many([{"_id": i} for i in range(1000)])
        # Ten milliseconds is what was asked for; a good deal more is granted.
        time.sleep(2)
    server.kill()
    server.start()
    with server.client() as client:
        assert client["crash"]["lazy"].count_documents({}) == 1000


def test_a_kill_in_the_middle_of_catalog_changes(make_server, own_access):
    """Creating and dropping databases, collections and indexes, killed at random moments."""
    server = make_server(own_access.options())
    generator = random.Random(5)
    for round in range(5):
        server.start()
        count = threading.Semaphore(0)

        def churn():
            with server.client(socketTimeoutMS=30_000) as client:
                try:
                    for i in range(10_000):
                        database = client[f"churn_{i % 3}"]
                        database["a"].insert_one({"_id": f"{round}-{i}", "n": i})
                        database["a"].create_index("n")
                        if i % 2:
                            database.drop_collection("a")
                        if i % 5 == 4:
                            client.drop_database(database.name)
                        count.release()
                except pymongo.errors.PyMongoError:
                    return

        thread = threading.Thread(target=churn)
        thread.start()
        for _ in range(generator.randrange(5, 25)):
            count.acquire(timeout=60)
        server.kill()
        thread.join()
        server.start()
        with server.client() as client:
            for name in client.list_database_names():
                for collection in client[name].list_collection_names():
                    found = list(client[name][collection].find())
                    assert len(found) == client[name][collection].count_documents({})
                    for index in client[name][collection].index_information():
                        assert len(list(client[name][collection].find().hint(index))) == len(found)
        assert server.stop() == 0
