"""`kmipd` as operators run it: strongroomd on it, and clients that are not ours."""

import pytest
from kmip import enums
from kmip.pie.exceptions import KmipOperationFailure
from kmip.pie.objects import SymmetricKey

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
