"""A master key that somebody revokes, destroys or hides while the server runs, a KMIP server that goes away,
a client certificate that runs out: what follows, and how it is shown."""

import datetime
import shutil

import pymongo
import pytest
from kmip.core.enums import State
from pymongo.errors import OperationFailure

from support import own_kmip
from support.exit_status import statuses
from support.kmip import PyKmip
from support.process import wait_until
from support.server import KmipAccess

OFTEN = ["--kmipKeyStatePollingSeconds", "1"]

# docs/log-ids.md
KEY_LOST = 10003007
KEY_STATE_UNKNOWN = 10003008
KEY_NOT_ACTIVE = 10003020
KEY_LOSS_WARNING = 10003021
KEY_LOSS_READ_ONLY = 10003022
KEY_ACTIVE_AGAIN = 10003023
KMIP_ANSWERS_AGAIN = 10003024
CLIENT_CERTIFICATE_EXPIRES = 10003025
CLIENT_CERTIFICATE_RENEWED = 10003027


def section(client) -> dict:
    return client.admin.command("serverStatus")["encryptionAtRest"]


def wait_for(client, what: str, condition):
    """Until the section is so."""
    return wait_until(lambda: (lambda s: s if condition(s["kmip"]) else None)(section(client)), what)


@pytest.fixture
def running(make_server, own_access):
    """Starts a server with a policy; the server and its key."""

    def start(*options):
        server = make_server(own_access.options() + OFTEN + list(options)).start()
        (key,) = own_access.server.identifiers(own_access.client)
        return server, key

    return start


def writes(client):
    """One of each kind of write, as a function that does it."""
    shop = client["shop"]
    return {
        "insert": lambda: shop["orders"].insert_one({}),
        "update": lambda: shop["orders"].update_one({"_id": 1}, {"$set": {"v": "after"}}),
        "upsert": lambda: shop["orders"].update_one({"_id": 9}, {"$set": {"v": 1}}, upsert=True),
        "delete": lambda: shop["orders"].delete_one({"_id": 1}),
        "findAndModify": lambda: shop["orders"].find_one_and_update({"_id": 1}, {"$set": {"v": 2}}),
        "create": lambda: shop.create_collection("more"),
        "createIndexes": lambda: shop["orders"].create_index("v"),
        "dropIndexes": lambda: shop["orders"].drop_index("w_1"),
        "drop": lambda: shop["orders"].drop(),
        "dropDatabase": lambda: client.drop_database("shop"),
        "renameCollection": lambda: shop["orders"].rename("others"),
    }


@own_kmip.ON_KMIPD_TOO
def test_shutdown_is_the_default(running, own_access):
    server, key = running()
    with server.client() as client:
        client["shop"]["orders"].insert_one({"_id": 1})
    own_access.server.revoke(own_access.client, key)
    assert server.process.wait(60) == statuses()["KeyNotActive"], server.output()
    output = server.output()
    for part in (f"master key {key} is Deactivated", "onKeyStateLoss", "key-management.md"):
        assert part in output
    assert server.logged(KEY_NOT_ACTIVE) and server.logged(KEY_LOST)
    assert server.logged(10000005), "it stopped in good order"
    # The data is whole.
    server.options = own_access.options() + ["--kmipActivateKeys", "false"]
    server.start()
    with server.client() as client:
        assert client["shop"]["orders"].find_one() == {"_id": 1}


def test_shutdown_when_the_key_is_gone(running, own_access):
    server, key = running("--kmipOnKeyStateLoss", "shutdown")
    own_access.server.hide(key)
    assert server.process.wait(60) == statuses()["KeyNotFound"], server.output()
    assert f"the master key {key} is no longer on the KMIP server" in server.output()


def test_read_only_ends_by_itself(running, own_access):
    server, key = running("--kmipOnKeyStateLoss", "readOnly")
    kmip = own_access.server
    with server.client() as client:
        orders = client["shop"]["orders"]
        orders.insert_many([{"_id": i, "v": "before"} for i in range(1000)])
        orders.create_index("w")
        # A cursor that was open before goes on.
        cursor = orders.find().batch_size(10)
        next(cursor)
        kmip.set_state(key, State.DEACTIVATED)
        shown = wait_for(client, "read-only", lambda kmip: kmip["inEffect"] == "readOnly")
        assert shown["kmip"]["keyState"] == "Deactivated"
        assert key in shown["kmip"]["lost"]["reason"]
        assert isinstance(shown["kmip"]["lost"]["since"], datetime.datetime)
        for name, write in writes(client).items():
            with pytest.raises(OperationFailure) as refusal:
                write()
            assert refusal.value.code == 371, name
            assert refusal.value.details["codeName"] == "UserWritesBlocked"
            for part in (key, "Deactivated", "onKeyStateLoss is readOnly", "activate"):
                assert part in str(refusal.value), name
        with pytest.raises(OperationFailure) as refusal:
            client["shop"].command({"insert": "orders", "documents": [{}], "ordered": False})
        assert refusal.value.code == 371
        # Reads go on.
        assert len(list(cursor)) == 999
        assert orders.count_documents({"v": "before"}) == 1000
        assert list(orders.aggregate([{"$count": "n"}])) == [{"n": 1000}]
        status = client.admin.command("serverStatus")
        assert status["storageEngine"]["readOnly"] is True
        assert client.admin.command("hello")["readOnly"] is True

        kmip.set_state(key, State.ACTIVE)
        shown = wait_until(
            lambda: section(client)["kmip"]["inEffect"] == "none" or None, "the end of it", 120
        )
        for name, write in writes(client).items():
            if name in ("insert", "update", "createIndexes"):
                write()
        assert "lost" not in section(client)["kmip"]
        assert client.admin.command("serverStatus")["storageEngine"]["readOnly"] is False
    assert len(server.logged(KEY_LOSS_READ_ONLY)) == 1
    (back,) = server.logged(KEY_ACTIVE_AGAIN)
    assert back["attr"]["measureTakenBack"] is True
    assert server.stop() == 0


def test_warn_goes_on(running, own_access):
    server, key = running("--kmipOnKeyStateLoss", "warn")
    own_access.server.hide(key)
    with server.client() as client:
        shown = wait_for(client, "the warning", lambda kmip: kmip["inEffect"] == "warn")
        assert shown["kmip"]["keyState"] == "Gone"
        client["shop"]["orders"].insert_one({"_id": 1})
        own_access.server.show(key)
        wait_for(client, "the key", lambda kmip: kmip["inEffect"] == "none")
    assert server.logged(KEY_LOSS_WARNING)
    assert server.stop() == 0


def test_a_key_that_comes_back_within_the_grace(running, own_access):
    server, key = running("--kmipOnKeyStateLoss", "shutdown", "--kmipKeyStateGraceSeconds", "3600")
    with server.client() as client:
        own_access.server.set_state(key, State.DEACTIVATED)
        shown = wait_for(client, "the grace period", lambda kmip: kmip["inEffect"] == "grace")
        assert shown["kmip"]["keyStateGraceSeconds"] == 3600
        client["shop"]["orders"].insert_one({"_id": 1})
        own_access.server.set_state(key, State.ACTIVE)
        wait_for(client, "the key", lambda kmip: kmip["inEffect"] == "none")
    (seen,) = server.logged(KEY_NOT_ACTIVE)
    assert seen["attr"]["graceSeconds"] == 3600
    (back,) = server.logged(KEY_ACTIVE_AGAIN)
    assert back["attr"]["measureTakenBack"] is False
    assert not server.logged(KEY_LOST)
    assert server.stop() == 0


def test_the_grace_ends(running, own_access):
    server, key = running("--kmipKeyStateGraceSeconds", "2")
    own_access.server.set_state(key, State.COMPROMISED)
    assert server.process.wait(60) == statuses()["KeyNotActive"]
    assert "Compromised" in server.output()


def test_a_kmip_server_that_is_away_stops_nothing(make_server, ca, tmp_path):
    kmip = PyKmip(tmp_path / "kmip", ca, ca.issue("away-kmip", server_names=["127.0.0.1"])).start()
    try:
        access = KmipAccess(kmip, ca, ca.issue("away-client"))
        server = make_server(access.options() + OFTEN).start()
        with server.client() as client:
            wait_for(client, "a look", lambda kmip: "last" in kmip["polling"])
            kmip.stop()
            shown = wait_for(client, "failed looks", lambda kmip: kmip["polling"]["failedInARow"] >= 4)
            polling = shown["kmip"]["polling"]
            assert polling["last"]["ok"] is False
            assert str(kmip.port) in polling["last"]["error"]
            assert shown["kmip"]["inEffect"] == "none"
            assert shown["kmip"]["keyState"] == "Active", "the last that was known"
            client["shop"]["orders"].insert_one({"_id": 1})
            kmip.start()
            wait_for(client, "an answer", lambda kmip: kmip["polling"]["failedInARow"] == 0)
        unknown = server.logged(KEY_STATE_UNKNOWN)
        times = [line["attr"]["times"] for line in unknown]
        assert times == [1, 2, 4, 8, 16, 32][: len(times)] and len(times) >= 3, "not one for each"
        (again,) = server.logged(KMIP_ANSWERS_AGAIN)
        assert again["attr"]["failedLooks"] >= 4
        assert server.stop() == 0
    finally:
        kmip.stop()


def test_a_server_that_refuses_to_tell_is_only_warned_of(running, own_access):
    """Permissions on a KMIP server are changed by mistake, too: nobody says that the key is lost."""
    server, key = running()
    with server.client() as client:
        own_access.server.give_to(key, "somebody else")
        shown = wait_for(client, "failed looks", lambda kmip: kmip["polling"]["failedInARow"] >= 2)
        assert "PermissionDenied" in shown["kmip"]["polling"]["last"]["error"]
        assert shown["kmip"]["inEffect"] == "none"
        own_access.server.give_to(key, own_access.client.name)
        wait_for(client, "an answer", lambda kmip: kmip["polling"]["failedInARow"] == 0)
    assert server.stop() == 0


def test_every_field(running, own_access):
    server, key = running()
    with server.client() as client:
        shown = wait_for(client, "a look", lambda kmip: "last" in kmip["polling"])
    where = f"127.0.0.1:{own_access.server.port}"
    assert shown["encryptionEnabled"] is True
    assert shown["encryptionCipherMode"] == "AES256-GCM"
    assert shown["encryptionKeyId"] == {"kmip": {"keyId": key}}
    assert shown["masterKeyGeneration"] == 1
    assert shown["dataKeys"] >= 1
    kmip = shown["kmip"]
    assert kmip["servers"] == [where]
    assert kmip["server"] == where and kmip["address"] == where
    assert kmip["protocolVersion"] in ("1.0", "1.1", "1.2", "1.3", "1.4", "2.0", "2.1")
    assert kmip["keyState"] == "Active"
    assert kmip["keyName"].startswith("strongroom/")
    assert kmip["onKeyStateLoss"] == "shutdown"
    assert kmip["keyStateGraceSeconds"] == 0
    assert kmip["inEffect"] == "none"
    assert kmip["polling"]["enabled"] is True and kmip["polling"]["seconds"] == 1
    assert kmip["polling"]["last"] == {"at": kmip["polling"]["last"]["at"], "ok": True, "keyState": "Active"}
    for date in (kmip["keyStateSeen"], kmip["polling"]["last"]["at"], kmip["polling"]["next"]):
        assert isinstance(date, datetime.datetime)
    assert 360 <= kmip["clientCertificateDaysLeft"] <= 365
    end = kmip["clientCertificateNotAfter"]
    assert end > datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)


@pytest.mark.parametrize("off", [["--kmipActivateKeys", "false"], ["--kmipKeyStatePollingSeconds", "0"]])
def test_polling_is_off(make_server, own_access, off):
    key = own_access.server.create_key(own_access.client)
    server = make_server(own_access.options(key) + off).start()
    own_access.server.revoke(own_access.client, key)
    with server.client() as client:
        polling = section(client)["kmip"]["polling"]
        assert polling == {"enabled": False, "failedInARow": 0}
    assert server.stop() == 0


def test_polling_is_on_by_default(make_server, own_access):
    server = make_server(own_access.options()).start()
    with server.client() as client:
        polling = section(client)["kmip"]["polling"]
        assert polling["enabled"] is True and polling["seconds"] == 900
        assert polling["next"] > datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)


def test_a_key_file_has_no_kmip_section(make_server, tmp_path):
    key = tmp_path / "key"
    key.write_text("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n")
    key.chmod(0o600)
    server = make_server(["--enableEncryption", "--encryptionKeyFile", str(key)]).start()
    with server.client() as client:
        shown = section(client)
        assert shown["encryptionEnabled"] is True and shown["encryptionKeyId"] == {"local": True}
        assert "kmip" not in shown


def test_without_encryption(make_server):
    server = make_server().start()
    with server.client() as client:
        assert section(client) == {"encryptionEnabled": False}


@pytest.mark.parametrize("days, warned", [(20, True), (5, True), (60, False)])
def test_a_certificate_that_runs_out(make_server, own_access, days, warned):
    """Also with polling off."""
    own_access.client = own_access.ca.issue(f"{days}-days-{own_access.client.name}", days=days)
    server = make_server(own_access.options() + ["--kmipKeyStatePollingSeconds", "0"]).start()
    lines = server.logged(CLIENT_CERTIFICATE_EXPIRES)
    assert len(lines) == warned
    if warned:
        assert lines[0]["s"] == "W" and lines[0]["attr"]["daysLeft"] in (days - 1, days)
    with server.client() as client:
        assert section(client)["kmip"]["clientCertificateDaysLeft"] in (days - 1, days)
        startup_warnings = client.admin.command("getLog", "startupWarnings")["log"]
        assert any("certificate" in line and "expires" in line for line in startup_warnings) == warned


def test_a_certificate_that_has_run_out(make_server, own_access):
    expired = own_access.ca.issue("run-out", days=-1, start_days=-10)
    own_access.client = expired
    server = make_server(own_access.options())
    assert server.spawn().wait(60) == statuses()["KmipClientRefused"]
    assert str(expired.both) in server.output() and "expired" in server.output()


def test_a_certificate_that_is_renewed_while_the_server_runs(make_server, own_access, tmp_path):
    name = f"renewed-{own_access.client.name}"
    file = tmp_path / "client.pem"
    shutil.copy(own_access.ca.issue(name, days=5).both, file)
    own_access.client.both = file
    server = make_server(own_access.options() + OFTEN).start()
    with server.client() as client:
        assert section(client)["kmip"]["clientCertificateDaysLeft"] <= 5
        shutil.copy(own_access.ca.issue(name, days=300).both, file)
        wait_for(client, "the new one", lambda kmip: kmip["clientCertificateDaysLeft"] > 200)
        wait_until(lambda: server.logged(CLIENT_CERTIFICATE_RENEWED), "the log line")
        # And it is the one that is used.
        before = section(client)["kmip"]["polling"]["last"]["at"]
        wait_for(client, "a look", lambda kmip: kmip["polling"]["last"]["at"] > before)
        assert section(client)["kmip"]["polling"]["last"]["ok"] is True


def test_a_driver_sees_a_writable_server_when_read_only(running, own_access):
    """Drivers choose servers by `isWritablePrimary`: reads must find this one."""
    server, key = running("--kmipOnKeyStateLoss", "readOnly")
    with server.client() as client:
        own_access.server.set_state(key, State.DEACTIVATED)
        wait_for(client, "read-only", lambda kmip: kmip["inEffect"] == "readOnly")
    with pymongo.MongoClient(server.uri, serverSelectionTimeoutMS=20_000) as client:
        assert client["shop"]["orders"].find_one() is None
