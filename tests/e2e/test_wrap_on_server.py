"""`wrapOnServer`: the KMIP server wraps the keystore's key, and its own never leaves it."""

from support import disk, keys, own_kmip
from support.data import check, fill
from support.embedded import EmbeddedKmip
from support.exit_status import statuses
from support.server import KmipAccess


@own_kmip.ON_KMIPD_TOO
def test_wrap_on_server(make_server, own_access):
    kmip, client = own_access.server, own_access.client
    wrapping = own_access.options() + ["--kmipWrapOnServer", "true"]
    server = make_server(wrapping).start()
    fill(server)
    (key,) = kmip.identifiers(client)
    assert server.stop() == 0
    assert keys.saved(server)["masterKey"]["wrappedOnServer"] is True
    server.start()
    check(server)
    with server.client() as mongo:
        new = mongo.admin.command("rotateMasterKey")["newKeyId"]
    assert server.stop() == 0
    assert keys.saved(server)["masterKey"] == {
        **keys.saved(server)["masterKey"],
        "keyId": new,
        "wrappedOnServer": True,
        "generation": 2,
    }
    # The option is for keys that are taken into use from now on.
    server.options = own_access.options()
    server.start()
    check(server)
    assert keys.log_lines(server, "The master key is not used as wrapOnServer says")
    assert server.stop() == 0
    status, output = keys.start_rotating(server, own_access.options())
    assert status == 0, output
    assert keys.saved(server)["masterKey"]["wrappedOnServer"] is False
    server.start()
    check(server)
    assert server.stop() == 0
    # And back, under the same key.
    same = keys.saved(server)["masterKey"]["keyId"]
    status, output = keys.start_rotating(server, wrapping[:] + ["--kmipKeyIdentifier", same])
    assert status == 0, output
    server.options = wrapping
    server.start()
    check(server)
    assert key != new
    assert server.stop() == 0
    # Online, too: a restart with the other option, and a rotation.
    server.options = own_access.options()
    server.start()
    with server.client() as mongo:
        mongo.admin.command("rotateMasterKey")
    check(server)
    assert keys.saved(server)["masterKey"]["wrappedOnServer"] is False


def test_a_server_that_cannot_wrap(make_server, tmp_path):
    """Authenticated encryption is of KMIP 1.4: refused before a key is created."""
    kmip = EmbeddedKmip(tmp_path / "embedded").start()
    try:
        access = KmipAccess(kmip, kmip.ca, kmip.issued)
        before = kmip.object_count()
        server = make_server(access.options() + ["--kmipWrapOnServer", "true", "--kmipProtocolVersion", "1.2"])
        process = server.spawn()
        assert process.wait(60) == statuses()["KmipRefused"], server.output()
        assert "wrapOnServer" in server.output()
        assert kmip.object_count() == before
        assert disk.snapshot(server.dbpath) == {}
    finally:
        kmip.stop()
