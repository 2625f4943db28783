"""How clients say hello, by hand and through pymongo."""

import pymongo
import pytest

from support.wire import Connection, command, op_query

HELLO_LIMITS = {
    "maxBsonObjectSize": 16_777_216,
    "maxMessageSizeBytes": 48_000_000,
    "maxWriteBatchSize": 100_000,
    "logicalSessionTimeoutMinutes": 30,
    "minWireVersion": 0,
    "readOnly": False,
    "ok": 1.0,
}


def check_hello(reply: dict):
    for field, value in HELLO_LIMITS.items():
        assert reply[field] == value, field
    assert reply["maxWireVersion"] >= 21
    assert reply["connectionId"] > 0
    assert "localTime" in reply
    assert "topologyVersion" not in reply, "it would ask for exhaust hellos"


def test_hello(client):
    reply = client.admin.command("hello")
    check_hello(reply)
    assert reply["isWritablePrimary"] is True


@pytest.mark.parametrize("name", ["ismaster", "isMaster"])
def test_legacy_hello_over_op_msg(client, name):
    reply = client.admin.command(name)
    check_hello(reply)
    assert reply["ismaster"] is True


@pytest.mark.parametrize("name", ["ismaster", "isMaster"])
def test_legacy_hello_over_op_query(server, name):
    metadata = {"driver": {"name": "by hand", "version": "1"}, "os": {"type": "Linux"}}
    with Connection(server.port) as connection:
        request = {name: 1, "helloOk": True, "client": metadata, "compression": ["none"]}
        connection.send(op_query({**request, "backpressure": True}))
        reply = connection.reply()
        check_hello(reply)
        assert reply["ismaster"] is True
        assert reply["helloOk"] is True
        # The same connection goes on in OP_MSG.
        connection.send(command({"ping": 1}))
        assert connection.reply()["ok"] == 1.0


def test_ping_and_build_info(client):
    assert client.admin.command("ping")["ok"] == 1.0
    info = client.server_info()
    assert [int(part) for part in info["version"].split(".")[:3]] == info["versionArray"][:3]
    assert info["maxBsonObjectSize"] == 16_777_216


def test_get_cmd_line_opts_shows_the_options(client, server, kmip_access):
    reply = client.admin.command("getCmdLineOpts")
    assert reply["parsed"]["net"]["port"] == server.port
    assert reply["parsed"]["storage"]["dbPath"] == str(server.dbpath)
    security = reply["parsed"]["security"]
    assert security["enableEncryption"] is True
    assert security["kmip"]["serverName"] == "127.0.0.1"
    assert security["kmip"]["port"] == kmip_access.server.port
    assert reply["argv"][1:3] == ["--dbpath", str(server.dbpath)]


def test_command_names_that_are_unknown(client):
    with pytest.raises(pymongo.errors.OperationFailure) as error:
        client.admin.command("atlasVersion")
    assert error.value.code == 59
    assert error.value.details["codeName"] == "CommandNotFound"
    assert "atlasVersion" in error.value.details["errmsg"]


def test_many_connections(server):
    connections = [Connection(server.port) for _ in range(200)]
    try:
        for connection in connections:
            connection.send(command({"ping": 1}))
        for connection in connections:
            assert connection.reply()["ok"] == 1.0
    finally:
        for connection in connections:
            connection.socket.close()


def test_sessions_and_retryable_writes_are_understood(client, coll):
    with client.start_session() as session:
        coll.insert_one({"_id": 1}, session=session)
        assert coll.find_one({"_id": 1}, session=session) == {"_id": 1}
    assert coll.count_documents({}) == 1


def test_more_to_come_gets_no_reply(server):
    from support.wire import op_msg
    import bson

    with Connection(server.port) as connection:
        body = bson.encode({"ping": 1, "$db": "admin"})
        connection.send(op_msg(body, flags=2))
        connection.send(command({"buildInfo": 1}))
        assert "version" in connection.reply(), "the first answer is to the second request"


def test_a_checksum_is_checked(server):
    import struct

    import bson

    payload = struct.pack("<I", 1) + b"\x00" + bson.encode({"ping": 1, "$db": "admin"})
    message = struct.pack("<iiii", 16 + len(payload) + 4, 1, 0, 2013) + payload
    with Connection(server.port) as connection:
        connection.send(message + struct.pack("<I", crc32c(message)))
        assert connection.reply()["ok"] == 1.0
    with Connection(server.port) as connection:
        connection.send(message + struct.pack("<I", crc32c(message) ^ 1))
        connection.refusal()


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
