"""Options of the KMIP connection that other tests leave at their defaults, from the front door."""

import threading
import time

import pytest

from support import disk, keys
from support.data import check, fill
from support.exit_status import statuses
from support.kmip import PyKmip
from support.process import free_port
from support.server import KmipAccess

# docs/log-ids.md
CONNECTED = 10003003


def test_a_key_is_created_under_the_name_that_is_given(make_server, own_access):
    kmip, client = own_access.server, own_access.client
    name = f"the key of {client.name}"
    server = make_server(own_access.options(name))
    assert server.spawn().wait(90) == statuses()["KeyNotFound"], server.output()
    assert disk.snapshot(server.dbpath) == {} and kmip.identifiers(client) == []

    server.options = [*own_access.options(name), "--kmipCreateKeyIfMissing", "true"]
    server.start()
    fill(server)
    (key,) = kmip.identifiers(client)
    assert kmip.state(client, key) == "ACTIVE"
    with server.client() as mongo:
        assert keys.key_id(mongo) == key
    assert server.stop() == 0
    # The next start finds it, and so does one without the option.
    for options in (server.options, own_access.options(name)):
        server.options = options
        server.start()
        check(server)
        assert server.stop() == 0
    assert kmip.identifiers(client) == [key]


@pytest.mark.parametrize(
    "option, version",
    [
        (["--kmipUseLegacyProtocol", "true"], "1.1"),
        (["--kmipProtocolVersion", "1.0"], "1.0"),
        (["--kmipProtocolVersion", "1.4"], "1.4"),
    ],
)
def test_the_version_that_is_spoken(make_server, own_access, option, version):
    server = make_server([*own_access.options(), *option]).start()
    fill(server)
    assert {line["attr"]["version"] for line in server.logged(CONNECTED)} == {version}
    with server.client() as mongo:
        mongo.admin.command("rotateMasterKey")
    assert server.stop() == 0
    server.start()
    check(server)
    assert server.stop() == 0


def test_a_kmip_server_that_comes_up_late(make_server, ca, tmp_path):
    """After a power failure, both start at once."""
    late = PyKmip(tmp_path / "late", ca, ca.issue("late-kmip", server_names=["127.0.0.1"]), free_port())
    access = KmipAccess(late, ca, ca.issue("early-client"))
    server = make_server([*access.options(), "--kmipConnectRetries", "30"])
    coming = threading.Timer(2, late.start)
    coming.start()
    try:
        began = time.monotonic()
        server.start()
        assert time.monotonic() - began > 2, "there was nobody to connect to before"
        fill(server)
        check(server)
        assert server.stop() == 0
    finally:
        coming.join()
        late.stop()
