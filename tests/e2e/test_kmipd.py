"""`kmipd` as operators run it: strongroomd on it, and clients that are not ours."""

import pytest
from kmip import enums
from kmip.pie.exceptions import KmipOperationFailure
from kmip.pie.objects import SymmetricKey

from support import keys
from support.kmipd import Kmipd, run

AES = enums.CryptographicAlgorithm.AES
USAGE = [enums.CryptographicUsageMask.ENCRYPT, enums.CryptographicUsageMask.DECRYPT]


@pytest.fixture
def kmipd(tmp_path):
    server = Kmipd(tmp_path / "kmipd").start()
    yield server
    server.close()


def fill(server, n=100):
    with server.client() as client:
        client["shop"]["orders"].insert_many([{"_id": i, "customer": f"c{i}"} for i in range(n)])


def check(server, n=100):
    with server.client() as client:
        assert client["shop"]["orders"].count_documents({}) == n


def test_strongroomd_from_a_fresh_dbpath_on(kmipd, make_server):
    server = make_server(kmipd.options()).start()
    fill(server)
    assert server.stop() == 0
    # The KMIP server may be killed in between; the key is there.
    kmipd.kill()
    kmipd.start()
    server.options = kmipd.options()
    server.start()
    check(server)
    assert server.stop() == 0
    assert kmipd.stop() == 0
    done = [event for event in kmipd.audit() if event["event"] == "operation"]
    assert {event["client"] for event in done} == {"strongroom"}
    succeeded = [event["operation"] for event in done if event["status"] == "Success"]
    assert succeeded.count("Create") + succeeded.count("Register") == 1, succeeded
    assert "Activate" in succeeded and succeeded.count("Get") >= 2, succeeded


@pytest.mark.parametrize("own_access", ["kmipd", "kmipd-admin"], indirect=True)
def test_a_database_with_the_default_role_and_with_all_rights(make_server, own_access):
    """All that a database ever asks for is allowed by the role that it gets; what more a role allows changes nothing
    but the check beforehand."""
    kmip, client = own_access.server, own_access.client
    is_admin = client.both.stem.endswith("admin")
    server = make_server(own_access.options())
    server.dbpath.mkdir(parents=True)

    def preflight(*options):
        parsed = keys.tool_json("check", *own_access.options(), "--dbpath", server.dbpath, *options)
        assert parsed["ok"] is True, parsed
        return {row["name"]: row for row in parsed["checks"]}

    rows = preflight()
    throw_away = rows["throw-away key"]
    # What could not be removed again is not created.
    assert throw_away["outcome"] == ("passed" if is_admin else "skipped"), throw_away
    assert ("Destroy" in rows["operations"]["detail"]) or is_admin, rows["operations"]
    assert kmip.object_count() == 0
    assert preflight("--read-only")["throw-away key"]["outcome"] == "skipped"

    server.start()
    fill(server)
    with server.client() as mongo:
        first = keys.key_id(mongo)
        answer = mongo.admin.command("rotateMasterKey", revokeOldKey=True)
    second = answer["newKeyId"]
    assert answer["oldKeyId"] == first != second
    assert (kmip.state(client, first), kmip.state(client, second)) == ("DEACTIVATED", "ACTIVE")
    rows = preflight()
    assert second in rows["master key"]["detail"], rows["master key"]
    # Both are killed, and start again: the KMIP server first.
    server.kill()
    kmip.kmipd.kill()
    kmip.start()
    server.options = own_access.options()
    status, output = keys.start_rotating(server, own_access.options())
    assert status == 0, output
    third = keys.saved(server)["masterKey"]["keyId"]
    assert len({first, second, third}) == 3
    server.start()
    check(server)
    with server.client() as mongo:
        shown = keys.encryption(mongo)["kmip"]
    assert (shown["keyState"], shown["protocolVersion"]) == ("Active", "2.1")
    assert server.stop() == 0
    assert kmip.kmipd.stop() == 0

    events = [event for event in kmip.kmipd.audit() if event["event"] == "operation"]
    ours = [event for event in events if event["commonName"] == client.both.stem]
    assert len(ours) > 20
    refused = [event for event in ours if event["status"] != "Success"]
    assert not refused, refused
    made = {identifier for event in kmip.done("Create") for identifier in event["objects"]}
    assert {first, second, third} <= made and len(made) == (5 if is_admin else 3), made


def test_what_init_prints_is_a_configuration(kmipd, make_server, tmp_path):
    section = kmipd.printed[kmipd.printed.index("security:") :].split("\n\n")[0]
    config = tmp_path / "mongod.conf"
    config.write_text(section.replace("port: 0", f"port: {kmipd.port}") + "\n")
    server = make_server(["--config", str(config)]).start()
    fill(server)
    assert server.stop() == 0


def test_a_revoked_database_does_not_start(kmipd, make_server):
    server = make_server(kmipd.options()).start()
    fill(server)
    assert server.stop() == 0
    kept = kmipd.certificate("strongroom").read_bytes()
    run("client", "revoke", "strongroom", "--dir", kmipd.directory)
    kmipd.certificate("strongroom").write_bytes(kept)
    kmipd.reload()
    process = server.spawn()
    assert process.wait() == 89, server.output()
    server.process = None


def test_pykmips_client(kmipd):
    kmipd.add_client("admin", "--role", "admin")
    kmipd.reload()
    with kmipd.pykmip("admin") as client:
        uid = client.create(AES, 256, name="one", cryptographic_usage_mask=USAGE)
        client.activate(uid)
        assert len(client.get(uid).value) == 32
        registered = client.register(SymmetricKey(AES, 128, b"\x07" * 16, masks=USAGE, name="two"))
        assert client.get(registered).value == b"\x07" * 16
        assert sorted(client.locate()) == sorted([uid, registered])
        assert "State" in client.get_attribute_list(uid)
        client.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, uid)
        client.destroy(uid)
        client.destroy(registered)


def test_pykmips_client_is_held_to_its_role_and_tenant(kmipd):
    config = kmipd.directory / "kmipd.yaml"
    config.write_text(config.read_text().replace("  - default\n", "  - default\n  - other\n"))
    kmipd.add_client("stranger", "--role", "admin", "--tenant", "other")
    kmipd.reload()
    with kmipd.pykmip() as ours, kmipd.pykmip("stranger") as theirs:
        uid = ours.create(AES, 256, cryptographic_usage_mask=USAGE)
        with pytest.raises(KmipOperationFailure) as denied:
            ours.destroy(uid)
        assert denied.value.reason == enums.ResultReason.PERMISSION_DENIED
        assert theirs.locate() == []
        with pytest.raises(KmipOperationFailure) as missing:
            theirs.destroy(uid)
        assert missing.value.reason == enums.ResultReason.ITEM_NOT_FOUND
        assert len(ours.get(uid).value) == 32
