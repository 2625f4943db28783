"""Peers that are no clients: the server answers with an error or closes, and goes on serving others
within bounded memory."""

import contextlib
import os
import random
import socket
import struct
import threading

import bson
import pymongo
import pytest

from support.wire import Connection, command, header, op_msg, op_query

MAX_MESSAGE = 48_000_000


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """A server of this module's own, so that its memory can be watched."""
    from support.server import Strongroomd

    server = Strongroomd(tmp_path_factory.mktemp("abuse")).start()
    yield server
    alive = server.is_running()
    output = server.output()
    server.close()
    assert alive, output[-4000:]
    assert "panicked" not in output, output[-4000:]


@pytest.fixture(autouse=True)
def others_are_served(target):
    """A client that was there before is served afterwards, and a new one is, too."""
    with Connection(target.port) as before:
        before.send(command({"ping": 1}))
        assert before.reply()["ok"] == 1.0
        yield
        before.send(command({"ping": 1}))
        assert before.reply()["ok"] == 1.0
    with Connection(target.port) as after:
        after.send(command({"ping": 1}))
        assert after.reply()["ok"] == 1.0


def nested(depth: int, kind: str) -> bytes:
    """A document nested that deeply, made without recursion."""
    tag = b"\x03" if kind == "document" else b"\x04"
    # Each level adds its length, the element's type and name, and its end: eight bytes.
    heads = [struct.pack("<i", 5 + 8 * level) + tag + b"0\x00" for level in range(depth, 0, -1)]
    return b"".join(heads) + b"\x05\x00\x00\x00\x00" + b"\x00" * depth


PING = bson.encode({"ping": 1, "$db": "admin"})

# What makes no sense as a message: the connection ends, perhaps after an error.
MALFORMED = {
    "length 0": header(0, 2013),
    "length 15": struct.pack("<iiii", 15, 1, 0, 2013),
    "length 16": header(16, 2013),
    "negative length": header(-1, 2013),
    "length beyond the limit": header(MAX_MESSAGE + 1, 2013),
    "greatest length": header(2**31 - 1, 2013),
    "unknown opcode": header(16, 9999),
    "an old opcode": header(16 + 4, 2001) + b"\0" * 4,
    "a reply as a request": header(16 + 20, 1) + b"\0" * 20,
    "no sections": op_msg(b"", 0)[:-1][:16] + struct.pack("<I", 0),
    "text": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "TLS": bytes.fromhex("16030100f8010000f40303") + b"\x01" * 240,
    "required flag that nobody knows": op_msg(PING, flags=1 << 5),
    "two bodies": op_msg(PING, sections=b"\x00" + PING),
    "section of an unknown kind": op_msg(PING, sections=b"\x07" + PING),
    "sequence longer than the message": op_msg(PING, sections=b"\x01" + struct.pack("<i", 10_000) + b"documents\0"),
    "sequence shorter than itself": op_msg(PING, sections=b"\x01" + struct.pack("<i", 3) + b"documents\0"),
    "sequence without the end of its name": op_msg(PING, sections=b"\x01" + struct.pack("<i", 8) + b"docu"),
    "body longer than the message": op_msg(struct.pack("<i", 10_000) + PING[4:]),
    "body shorter than itself": op_msg(struct.pack("<i", 4) + PING[4:]),
    "body of negative length": op_msg(struct.pack("<i", -5) + PING[4:]),
    "body without its end": op_msg(PING[:-1] + b"\x01"),
    "compressed with a lie about the size": header(16 + 9 + 4, 2012) + struct.pack("<iib", 2013, 2**31 - 1, 1) + b"\0" * 4,
    "compressed within compressed": header(16 + 9 + 4, 2012) + struct.pack("<iib", 2012, 100, 0) + b"\0" * 4,
    "query that is cut": op_query({"isMaster": 1})[:-3],
}


@pytest.mark.parametrize("message", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed(target, message):
    with Connection(target.port) as connection:
        connection.send(message)
        # Whoever waits for the rest gets none.
        with contextlib.suppress(OSError):
            connection.socket.shutdown(socket.SHUT_WR)
        connection.refusal()


ELEMENTS = {
    "an unknown type": b"\x6ea\x00",
    "a string longer than the document": b"\x02a\x00\xff\xff\xff\x7fx\x00",
    "a string of length 0": b"\x02a\x00\x00\x00\x00\x00",
    "a string of negative length": b"\x02a\x00\xff\xff\xff\xff",
    "a string without its end": b"\x02a\x00\x02\x00\x00\x00xx",
    "a string that is not UTF-8": b"\x02a\x00\x03\x00\x00\x00\xff\xfe\x00",
    "a name that is not UTF-8": b"\x0a\xff\xfe\x00",
    "a name without its end": b"\x0aaaaa",
    "a bool that is neither": b"\x08a\x00\x07",
    "half a double": b"\x01a\x00\x00\x00",
    "a binary longer than the document": b"\x05a\x00\xff\xff\xff\x7f\x00",
    "an inner document longer than the outer": b"\x03a\x00\xff\x00\x00\x00\x00",
    "an inner document without its end": b"\x03a\x00\x05\x00\x00\x00\x01",
    "code with scope that lies about its length": b"\x0fa\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00",
}


@pytest.mark.parametrize("element", ELEMENTS.values(), ids=ELEMENTS.keys())
def test_malformed_documents(target, element):
    inner = struct.pack("<i", 4 + len(element) + 1) + element + b"\x00"
    insert = bson.encode({"insert": "abuse", "$db": "abuse"})
    sequence = b"documents\0" + inner
    with Connection(target.port) as connection:
        connection.send(op_msg(insert, sections=b"\x01" + struct.pack("<i", 4 + len(sequence)) + sequence))
        try:
            reply = connection.reply()
        except ConnectionError:
            reply = {"ok": 0.0}
        assert reply["ok"] == 0.0 or reply.get("writeErrors"), reply
    with target.client() as client:
        assert client["abuse"]["abuse"].count_documents({}) == 0


@pytest.mark.parametrize("kind", ["document", "array"])
@pytest.mark.parametrize("depth", [101, 200, 10_000, 1_000_000])
def test_nesting_beyond_100_levels(target, kind, depth):
    body = nested(depth, kind)
    insert = bson.encode({"insert": "deep", "$db": "abuse"})
    sequence = b"documents\0" + body
    with Connection(target.port) as connection:
        connection.send(op_msg(insert, sections=b"\x01" + struct.pack("<i", 4 + len(sequence)) + sequence))
        try:
            reply = connection.reply()
        except ConnectionError:
            return
        assert reply["ok"] == 0.0 or reply["writeErrors"], reply
        error = reply if reply["ok"] == 0.0 else reply["writeErrors"][0]
        assert error["code"] in (2, 15, 22), error


def test_nesting_of_100_levels_is_fine(target):
    with target.client() as client:
        document = {"_id": 1}
        inner = document
        for _ in range(98):
            inner["d"] = {}
            inner = inner["d"]
        client["abuse"]["nested"].insert_one(document)
        assert client["abuse"]["nested"].find_one() == document


@pytest.mark.parametrize("operator", ["$and", "$or", "$nor"])
def test_a_deep_filter(target, operator):
    """Nested as deeply as a document may be, and deeper."""
    for depth in (40, 60, 5_000):
        # Each level is a document with an array with one document.
        step = 8 + 4 + 1 + len(operator) + 1 + 1
        query = b""
        for level in range(depth, 0, -1):
            size = 5 + step * level
            query += struct.pack("<i", size) + b"\x04" + operator.encode() + b"\x00"
            query += struct.pack("<i", size - step + 8) + b"\x030\x00"
        query += b"\x05\x00\x00\x00\x00" + b"\x00\x00" * depth
        find = b"\x02find\x00\x02\x00\x00\x00c\x00" + b"\x03filter\x00" + query + b"\x02$db\x00\x06\x00\x00\x00abuse\x00\x00"
        with Connection(target.port) as connection:
            connection.send(op_msg(struct.pack("<i", len(find) + 4) + find))
            try:
                reply = connection.reply()
            except ConnectionError:
                continue
            assert reply["ok"] == (1.0 if depth == 40 else 0.0), (depth, reply)


def test_a_document_beyond_16_mib(target):
    body = bson.encode({"_id": 1, "b": b"x" * (16 * 1024 * 1024)})
    insert = bson.encode({"insert": "big", "$db": "abuse"})
    sequence = b"documents\0" + body
    with Connection(target.port) as connection:
        connection.send(op_msg(insert, sections=b"\x01" + struct.pack("<i", 4 + len(sequence)) + sequence))
        reply = connection.reply()
        error = reply if reply["ok"] == 0.0 else reply["writeErrors"][0]
        assert error["code"] in (10334, 17419, 2), error
        # The connection is still good.
        connection.send(command({"ping": 1}))
        assert connection.reply()["ok"] == 1.0


def test_endless_messages(target):
    """Announces a message of the greatest size again and again and trickles it: memory stays bounded."""
    with target.client() as client:
        client.admin.command("ping")
    before = target.memory_kib()
    connections = []
    try:
        for _ in range(200):
            connection = Connection(target.port)
            connection.send(header(MAX_MESSAGE, 2013) + b"\0" * 20)
            connections.append(connection)
        grown = target.memory_kib() - before
        assert grown < 500 * 1024, f"{grown} KiB for 200 announcements"
    finally:
        for connection in connections:
            connection.socket.close()


def test_messages_that_never_come(target):
    connections = [Connection(target.port) for _ in range(100)]
    for i, connection in enumerate(connections):
        connection.send(header(100, 2013)[: i % 17])
    for connection in connections:
        connection.socket.close()


def test_many_large_messages_at_once(target):
    """Sends full-size messages from many sides; what is in flight is bounded."""
    document = bson.encode({"_id": 1, "b": b"x" * 15_000_000})
    insert = bson.encode({"insert": "large", "$db": "abuse", "ordered": False})
    sequence = b"documents\0" + document * 3
    message = op_msg(insert, sections=b"\x01" + struct.pack("<i", 4 + len(sequence)) + sequence)
    assert len(message) <= MAX_MESSAGE

    def send():
        with contextlib.suppress(ConnectionError, OSError), Connection(target.port, 120) as connection:
            connection.send(message)
            connection.reply()

    threads = [threading.Thread(target=send) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert target.memory_kib() < 4 * 1024 * 1024, target.memory_kib()


def test_random_bytes(target):
    generator = random.Random(20261123)
    for _ in range(200):
        with contextlib.suppress(ConnectionError, OSError), Connection(target.port, 10) as connection:
            connection.send(generator.randbytes(generator.randrange(1, 400)))


def test_damaged_messages(target):
    """Real requests with bytes changed: an error, an answer or a closed connection, never an end."""
    generator = random.Random(1123)
    originals = [
        command({"find": "things", "filter": {"a": {"$gt": 5}, "b": "x"}, "sort": {"a": 1}}, "abuse"),
        command({"insert": "fuzz", "documents": [{"a": 1, "b": [1, 2, {"c": "d"}]}]}, "abuse"),
        command({"update": "fuzz", "updates": [{"q": {"a": 1}, "u": {"$set": {"b": 2}}}]}, "abuse"),
        command({"aggregate": "fuzz", "pipeline": [{"$group": {"_id": "$a"}}], "cursor": {}}, "abuse"),
        op_query({"isMaster": 1, "client": {"driver": {"name": "x"}}}),
    ]
    for _ in range(600):
        message = bytearray(generator.choice(originals))
        for _ in range(generator.randrange(1, 6)):
            message[generator.randrange(16, len(message))] = generator.randrange(256)
        with contextlib.suppress(ConnectionError, OSError, bson.errors.BSONError), Connection(target.port, 10) as connection:
            connection.send(bytes(message))
            connection.socket.shutdown(socket.SHUT_WR)
            connection.reply()


def test_disconnecting_in_the_middle_of_work(target):
    with target.client() as client:
        client["abuse"]["cut"].insert_many([{"_id": i, "a": i % 10} for i in range(5000)])
    for _ in range(30):
        with Connection(target.port) as connection:
            connection.send(command({"aggregate": "cut", "pipeline": [{"$group": {"_id": "$a"}}], "cursor": {}}, "abuse"))
    with target.client() as client:
        assert client["abuse"]["cut"].count_documents({}) == 5000


def test_requests_one_after_another_without_waiting(target):
    with Connection(target.port) as connection:
        connection.send(command({"ping": 1}) * 500)
        for _ in range(500):
            assert connection.reply()["ok"] == 1.0


def test_a_regular_expression_that_backtracks(target):
    with target.client() as client:
        client["abuse"]["text"].insert_one({"_id": 1, "s": "a" * 5000 + "b"})
        try:
            list(client["abuse"]["text"].find({"s": {"$regex": "^(a+)+$"}}))
        except pymongo.errors.OperationFailure as error:
            assert error.code is not None


def test_open_files_come_back(target):
    count = lambda: len(os.listdir(f"/proc/{target.process.pid}/fd"))  # noqa: E731
    from support.process import wait_until

    before = count()
    for _ in range(300):
        Connection(target.port).socket.close()
    wait_until(lambda: count() <= before + 20, "descriptors to be closed")
