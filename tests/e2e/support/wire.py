"""MongoDB's wire protocol by hand, for what no driver would send."""

import socket
import struct

import bson

OP_REPLY = 1
OP_QUERY = 2004
OP_MSG = 2013


def header(length: int, op_code: int, request_id: int = 1) -> bytes:
    return struct.pack("<iiii", length, request_id, 0, op_code)


def op_msg(body: bytes, flags: int = 0, sections: bytes = b"") -> bytes:
    """An OP_MSG with the BSON bytes as its body."""
    payload = struct.pack("<I", flags) + b"\x00" + body + sections
    return header(16 + len(payload), OP_MSG) + payload


def command(document: dict, database: str = "admin") -> bytes:
    return op_msg(bson.encode({**document, "$db": database}))


def op_query(document: dict, collection: str = "admin.$cmd") -> bytes:
    payload = struct.pack("<i", 0) + collection.encode() + b"\x00"
    payload += struct.pack("<ii", 0, -1) + bson.encode(document)
    return header(16 + len(payload), OP_QUERY) + payload


class Connection:
    """A TCP connection that sends bytes and reads replies."""

    def __init__(self, port: int, seconds: float = 30.0):
        self.socket = socket.create_connection(("127.0.0.1", port), seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data: bytes):
        self.socket.sendall(data)

    def _read(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            chunk = self.socket.recv(length - len(data))
            if not chunk:
                raise ConnectionError("closed by the server")
            data += chunk
        return data

    def reply(self) -> dict:
        """The document of the next reply, whatever its kind."""
        length, _, _, op_code = struct.unpack("<iiii", self._read(16))
        assert 16 < length <= 48_000_000, f"reply of {length} bytes"
        payload = self._read(length - 16)
        if op_code == OP_MSG:
            assert payload[4] == 0, "the body comes first"
            return bson.decode(payload[5:])
        assert op_code == OP_REPLY, f"reply with opcode {op_code}"
        return bson.decode(payload[20:])

    def refusal(self) -> dict | None:
        """Waits for the server to refuse what was sent: the error, or None for a closed connection."""
        try:
            reply = self.reply()
        except ConnectionError:
            return None
        assert reply["ok"] == 0.0, reply
        return reply
