"""Another source of the master key, without dump and restore: `strongroom keys migrate`."""

import os

import pytest

from support import disk, keys, own_kmip
from support.exit_status import statuses
from support.kmip import PyKmip
from support.place import Place
from support.server import KmipAccess


@pytest.fixture
def second(ca, tmp_path):
    """Access to another KMIP server."""
    kmip = PyKmip(tmp_path / "second", ca, ca.issue("second-kmip", server_names=["127.0.0.1"])).start()
    yield KmipAccess(kmip, ca, ca.issue("second-client"))
    kmip.stop()


@pytest.fixture
def place(make_server, tmp_path):
    return Place(make_server(), tmp_path / "conf")


def migrate(old, new, **options):
    return keys.tool("migrate", "--config", old, "--to", new, **options)


def test_from_a_key_file_to_kmip_and_back(place, own_access):
    file, kmip = place.key_file("file", os.urandom(32)), place.kmip("kmip", own_access)
    place.fill(file)
    done = migrate(file, kmip)
    (key,) = own_access.server.identifiers(own_access.client)
    assert key in done.stdout
    # What has to change in mongod.conf.
    assert "security.kmip.serverName: 127.0.0.1" in done.stdout
    assert "security.encryptionKeyFile" in done.stdout
    place.check(kmip)
    place.refused(file, "ProviderMismatch")
    again = keys.tool_json("migrate", "--config", file, "--to", kmip)
    assert again["alreadyDone"] is True and again["new"]["keyId"] == key
    assert own_access.server.identifiers(own_access.client) == [key]

    done = keys.tool_json("migrate", "--config", kmip, "--to", file)
    assert done["old"]["keyId"] == key and done["new"]["provider"] == "keyFile"
    assert any(line.startswith("security.kmip.port") for line in done["linesNoLongerNeeded"])
    assert any(line.startswith("security.encryptionKeyFile") for line in done["linesNeeded"])
    place.check(file)
    assert keys.saved(place.server)["masterKey"]["generation"] == 3


@pytest.mark.parametrize("other", ["another PyKMIP", "embedded", "kmipd"])
def test_from_one_kmip_server_to_another(place, own_access, second, tmp_path, other):
    ours = None
    if other != "another PyKMIP":
        ours = second = own_kmip.start(other, tmp_path / "ours")
    try:
        a = place.kmip("a", own_access)
        place.fill(a)
        (old,) = own_access.server.identifiers(own_access.client)
        # To a key that is there, and by its Name.
        new = second.server.create_key(second.client, name="the new one")
        b = place.kmip("b", second, keyIdentifier="the new one")
        done = keys.tool_json("migrate", "--config", a, "--to", b)
        assert (done["old"]["keyId"], done["new"]["keyId"]) == (old, new)
        place.check(b)
        # And back, to one that is created.
        done = keys.tool_json("migrate", "--config", b, "--to", a)
        assert done["new"]["keyId"] != old
        place.check(a)
        second.server.stop()
        place.check(a)
    finally:
        if ours is not None:
            ours.server.stop()


def test_wrap_on_server_on_and_off(place, own_access):
    off = place.kmip("off", own_access)
    on = place.kmip("on", own_access, wrapOnServer="true")
    place.fill(off)
    assert keys.tool_json("migrate", "--config", off, "--to", on)["new"]["wrappedOnServer"] is True
    place.check(on)
    place.check(off)
    again = keys.tool_json("migrate", "--config", off, "--to", on)
    assert again["alreadyDone"] is True
    assert keys.tool_json("migrate", "--config", on, "--to", off)["new"]["wrappedOnServer"] is False
    place.check(off)


def test_a_key_file_that_was_imported_is_taken_over_at_start(place, own_access):
    material = os.urandom(32)
    file = place.key_file("file", material)
    place.fill(file)
    imported = own_access.server.register_key(own_access.client, material)
    other = own_access.server.create_key(own_access.client)
    place.refused(place.kmip("none", own_access), "ProviderMismatch")
    place.refused(place.kmip("other", own_access, keyIdentifier=other), "WrongMasterKey")
    place.check(place.kmip("given", own_access, keyIdentifier=imported))
    place.check(place.kmip("none", own_access))
    assert keys.saved(place.server)["masterKey"]["keyId"] == imported
    place.refused(file, "ProviderMismatch")


def test_what_is_refused(place, own_access, make_server, tmp_path):
    file, kmip = place.key_file("file", os.urandom(32)), place.kmip("kmip", own_access)
    nothing = migrate(file, kmip, check=False)
    assert nothing.returncode != 0, nothing.stdout
    place.fill(file)
    before = disk.snapshot(place.server.dbpath)

    def refused(old, new, status, *parts):
        done = migrate(old, new, check=False)
        assert done.returncode == statuses()[status], done.stdout + done.stderr
        for part in parts:
            assert part in done.stderr, done.stderr
        assert disk.snapshot(place.server.dbpath) == before

    refused(file, file, "RotationRefused", "same place")
    refused(place.key_file("wrong", os.urandom(32)), kmip, "WrongMasterKey")
    refused(file, place.kmip("missing", own_access, keyIdentifier="no-such"), "KeyNotFound", "no-such")
    refused(file, place.kmip("rotating", own_access, rotateMasterKey="true"), "BadOptions", "rotateMasterKey")
    refused(file, str(tmp_path / "nowhere.conf"), "ConfigFile", "nowhere.conf")
    elsewhere = Place(make_server(), tmp_path / "elsewhere").kmip("kmip", own_access)
    refused(file, elsewhere, "BadOptions", "dbPath")
    # A server that runs keeps its dbpath to itself.
    place.start(file)
    with place.server.client() as client:
        client.admin.command("ping")
        running = migrate(file, kmip, check=False)
        assert running.returncode == statuses()["DbpathLocked"], running.stderr
        assert client["shop"]["orders"].count_documents({}) == 50
    assert place.server.stop() == 0
    place.check(file)


POINTS = [
    "rotate.announced",
    "kmip.before_create",
    "kmip.created",
    "kmip.activated",
    "rotate.fetched",
    "keystore.previous_kept",
    "keystore.half_written",
    "keystore.synced",
    "keystore.renamed",
    "rotate.done",
]


def test_a_crash_at_each_step(place, own_access):
    """The dbpath starts with the old configuration or with the new one, and migrating again ends it, with
    one key for each time that it was done."""
    file, kmip = place.key_file("file", os.urandom(32)), place.kmip("kmip", own_access)
    place.fill(file)
    for step in POINTS:
        environment = keys.reset_environment({"STRONGROOM_FAILPOINT": step})
        crashed = migrate(file, kmip, check=False, env=environment)
        assert crashed.returncode < 0, f"{step}: {crashed}"
        place.check(file if keys.saved(place.server)["masterKey"]["provider"] == "keyFile" else kmip)
        migrate(file, kmip)
        place.check(kmip)
        # The way back has no key to create.
        if step in ("rotate.fetched", "keystore.previous_kept", "keystore.half_written", "rotate.done"):
            crashed = migrate(kmip, file, check=False, env=environment)
            assert crashed.returncode < 0, f"{step}: {crashed}"
        migrate(kmip, file)
        place.check(file)
    assert len(own_access.server.identifiers(own_access.client)) == len(POINTS), "no orphans"


def test_databases_with_keys_of_their_own_are_not_left_behind(place, own_access, second):
    kmip, file = place.kmip("kmip", own_access), place.key_file("file", os.urandom(32))
    place.fill(kmip)
    tenant = own_access.server.create_key(own_access.client)
    place.run(kmip)
    keys.tool("set", *keys.host(place.server), "--db", "shop", "--key-identifier", tenant)
    assert place.server.stop() == 0
    for to in (file, place.kmip("second", second)):
        refused = migrate(kmip, to, check=False)
        assert refused.returncode == statuses()["RotationRefused"], refused.stderr
        assert "keys set" in refused.stderr
    place.check(kmip)
    place.run(kmip)
    keys.tool("set", *keys.host(place.server), "--db", "shop", "--default")
    assert place.server.stop() == 0
    migrate(kmip, file)
    place.check(file)
