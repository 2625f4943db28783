"""`strongroom dev`: the playground, from nothing to data, and again."""

import re
import signal

import pymongo

from support import disk
from support.paths import STRONGROOM
from support.process import Process, wait_until


def start(directory, output) -> tuple[Process, str]:
    """Starts the playground on ports that the system chooses; the process and the printed URI."""
    args = [STRONGROOM, "dev", "--dir", directory, "--port", "0"]
    process = Process("strongroom dev", args, output)

    def printed():
        assert process.status() is None, process.tail()
        return re.search(r"mongodb://[^\s\"']+", process.text())

    return process, wait_until(printed, "a connection string")[0]


def ready(uri) -> pymongo.MongoClient:
    client = pymongo.MongoClient(uri, serverSelectionTimeoutMS=30_000)
    client.admin.command("ping")
    return client


def test_from_nothing_and_again(tmp_path):
    directory = tmp_path / "playground"
    process, uri = start(directory, tmp_path / "first.txt")
    try:
        with ready(uri) as client:
            client["dev_database_77"]["things"].insert_one({"_id": 1, "v": "platypus value"})
            security = client.admin.command("serverStatus")
            assert security["ok"] == 1.0
        text = process.text()
        assert str(directory) in text, "it says where things lie"
        assert "playground" in text.lower()
    finally:
        status = process.end(signal.SIGINT)
    assert status == 0, process.tail()
    assert disk.find(directory, {"value": b"platypus value", "name": b"dev_database_77"}) == {}

    process, uri = start(directory, tmp_path / "second.txt")
    try:
        with ready(uri) as client:
            assert client["dev_database_77"]["things"].find_one() == {"_id": 1, "v": "platypus value"}
    finally:
        status = process.end(signal.SIGTERM)
    assert status == 0, process.tail()
