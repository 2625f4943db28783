"""The server is killed in the midst of changes of master keys: it starts by itself, and nothing is lost."""

import os
import random
import threading

import pymongo
import pytest
from pymongo.write_concern import WriteConcern

from support import keys
from support.data import check, fill

JOURNALED = WriteConcern(w=1, j=True)
# How often the server is killed in the midst of rotations: few by default, so that the whole run stays
# short. `STRONGROOM_ROTATION_KILLS=200` is the long form.
KILLS = int(os.environ.get("STRONGROOM_ROTATION_KILLS", "12"))


class Load:
    """Writers with `j: true` that note what was acknowledged, and somebody who rotates meanwhile."""

    def __init__(self):
        self.acknowledged: set[int] = set()
        self.next = 0
        self.lock = threading.Lock()

    def run(self, server, writes: int, data_keys: bool, after_a_rotation: bool):
        """Kills the server after so many acknowledged writes, and a rotation if that is asked for (a rotation
        takes longer than a few writes); the rotations that were acknowledged."""
        enough, rotated = threading.Event(), []
        target = len(self.acknowledged) + writes

        def write():
            with server.client(retryWrites=False, socketTimeoutMS=30_000) as client:
                jobs = client["crash"].get_collection("jobs", write_concern=JOURNALED)
                while not enough.is_set():
                    with self.lock:
                        self.next += 1
                        key = self.next
                    try:
                        jobs.insert_one({"_id": key, "pad": "x" * 100})
                    except pymongo.errors.PyMongoError:
                        return
                    with self.lock:
                        self.acknowledged.add(key)
                        if len(self.acknowledged) >= target and (rotated or not after_a_rotation):
                            enough.set()

        def rotate():
            with server.client(socketTimeoutMS=30_000) as client:
                while True:
                    try:
                        answer = client.admin.command("rotateMasterKey", dataKeys=data_keys)
                    except pymongo.errors.PyMongoError:
                        return
                    rotated.append(answer["newKeyId"])

        threads = [threading.Thread(target=write) for _ in range(3)]
        threads.append(threading.Thread(target=rotate))
        for thread in threads:
            thread.start()
        assert enough.wait(120), "the writers got stuck"
        server.kill()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
        return rotated


def test_kill_during_online_rotation_under_load_loses_nothing(make_server, own_access):
    """`kill -9` at a random moment of a rotation, with writers at work, again and again. Everything that
    was acknowledged with `j: true` is there, and the server starts by itself each time."""
    server = make_server(own_access.options())
    generator, load = random.Random(20), Load()
    rotations, last = 0, None
    for kill in range(KILLS):
        server.start()
        writes = generator.randrange(5, 60)
        rotated = load.run(server, writes, data_keys=kill % 3 == 0, after_a_rotation=kill % 2 == 0)
        rotations += len(rotated)
        last = rotated[-1] if rotated else last
        # What was acknowledged is durable; a rotation that was not may have happened as well.
        generation = keys.saved(server)["masterKey"]["generation"]
        assert generation >= rotations + 1, "an acknowledged rotation is lost"
        rotations = generation - 1
        server.start()
        with server.client() as client:
            found = {d["_id"] for d in client["crash"]["jobs"].find({}, {"_id": 1})}
            lost = load.acknowledged - found
            assert not lost, f"kill {kill}: {len(lost)} acknowledged documents are lost"
        server.kill()
    assert rotations > 0 and len(load.acknowledged) > KILLS
    # One key for each generation: those that a kill left behind were found again by their Names.
    names = own_access.server.identifiers(own_access.client)
    assert len(names) in (rotations + 1, rotations + 2), (len(names), rotations)


ROTATION_POINTS = [
    "rotate.announced",
    "kmip.before_create",
    "kmip.created",
    "kmip.activated",
    "rotate.fetched",
    "keystore.previous_kept",
    "keystore.before_write",
    "keystore.half_written",
    "keystore.synced",
    "keystore.renamed",
    "rotate.done",
    "kmip.before_revoke",
    "kmip.revoked",
]


def test_a_crash_at_each_step_of_an_online_rotation(make_server, own_access, monkeypatch):
    server = make_server(own_access.options()).start()
    fill(server)
    assert server.stop() == 0
    for step in ROTATION_POINTS:
        before = keys.saved(server)["masterKey"]["generation"]
        with monkeypatch.context() as patch:
            patch.setitem(keys.ENVIRONMENT, "STRONGROOM_FAILPOINT", step)
            server.start()
            with server.client(socketTimeoutMS=30_000) as client:
                with pytest.raises(pymongo.errors.AutoReconnect):
                    client.admin.command("rotateMasterKey", revokeOldKey=True)
            server.process.wait(60)
        server.start()
        check(server)
        with server.client() as client:
            now = keys.encryption(client)["masterKeyGeneration"]
            assert now in (before, before + 1), step
            # And the next one goes through, with the key that the crash left if there is one.
            answer = client.admin.command("rotateMasterKey")
            assert answer["generation"] == now + 1, step
        assert server.stop() == 0
    generations = keys.saved(server)["masterKey"]["generation"]
    found = own_access.server.identifiers(own_access.client)
    assert len(found) == generations, "one key for each generation, no orphan"


def test_a_crash_at_each_step_of_a_rotation_at_start(make_server, own_access, monkeypatch):
    server = make_server(own_access.options()).start()
    fill(server)
    assert server.stop() == 0
    for step in [p for p in ROTATION_POINTS if "revoke" not in p]:
        with monkeypatch.context() as patch:
            patch.setitem(keys.ENVIRONMENT, "STRONGROOM_FAILPOINT", step)
            status, output = keys.start_rotating(server, own_access.options())
            assert status < 0, f"{step}: {status}\n{output}"
        status, output = keys.start_rotating(server, own_access.options())
        assert status == 0, f"{step}: {output}"
    server.start()
    check(server)
    generations = keys.saved(server)["masterKey"]["generation"]
    found = own_access.server.identifiers(own_access.client)
    assert len(found) == generations, "one key for each generation, no orphan"
