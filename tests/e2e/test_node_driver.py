"""The Node driver."""

from support.node import node
from support.paths import NODE_DIR


def test_the_driver(server, tmp_path):
    assert "driver complete" in node(NODE_DIR / "driver.mjs", tmp_path, server.uri)


def test_a_connection_that_is_not_direct(server, tmp_path):
    """Discovery takes the server for what it is."""
    uri = f"mongodb://127.0.0.1:{server.port}/"
    assert "driver complete" in node(NODE_DIR / "driver.mjs", tmp_path, uri)
