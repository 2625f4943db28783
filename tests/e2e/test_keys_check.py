"""`strongroom keys check`: what a start would find, without starting."""

import json
import subprocess

import pytest

from support import disk
from support.certificates import Authority
from support.exit_status import statuses
from support.paths import STRONGROOM
from support.process import free_port


def check(*args, environment=None) -> subprocess.CompletedProcess:
    return subprocess.run(
        [STRONGROOM, "keys", "check", *(str(arg) for arg in args)],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
    )


def report(*args) -> dict:
    """The JSON of a check, whose exit status is the one that it names."""
    result = check("--json", *args)
    parsed = json.loads(result.stdout)
    assert result.returncode == parsed["exitStatus"], result.stdout + result.stderr
    assert result.stderr == ""
    return parsed


def outcomes(parsed: dict) -> dict[str, str]:
    return {row["name"]: row["outcome"] for row in parsed["checks"]}


@pytest.fixture
def config(own_access, tmp_path):
    """A mongod.conf for an empty dbpath."""
    dbpath = tmp_path / "db"
    dbpath.mkdir()
    file = tmp_path / "mongod.conf"
    file.write_text(
        f"storage:\n  dbPath: {dbpath}\n"
        "security:\n  enableEncryption: true\n  kmip:\n"
        f"    serverName: 127.0.0.1\n    port: {own_access.server.port}\n"
        f"    serverCAFile: {own_access.ca.file}\n"
        f"    clientCertificateFile: {own_access.client.both}\n"
    )
    return file


def test_all_is_well(config, own_access):
    before = own_access.server.object_count()
    result = check("--config", config)
    assert result.returncode == 0, result.stdout + result.stderr
    for part in ("throw-away key", "Create", "Destroy", "CN=kmip-server", "would succeed"):
        assert part in result.stdout
    assert "FAILED" not in result.stdout
    assert own_access.server.object_count() == before, "the throw-away key is gone"
    assert disk.snapshot(config.parent / "db") == {}


def test_read_only_creates_nothing(config, own_access):
    parsed = report("--read-only", "--config", config)
    assert parsed["ok"] is True
    assert outcomes(parsed)["throw-away key"] == "skipped"
    log = (own_access.server.directory / "server.log").read_text()
    assert "Creating" not in log.splitlines()[-1]


def test_a_running_server(make_server, own_access):
    server = make_server(own_access.options()).start()
    (key,) = own_access.server.identifiers(own_access.client)
    before = disk.snapshot(server.dbpath)
    keystore = before["keystore"]
    result = check(*own_access.options(), "--dbpath", server.dbpath)
    assert result.returncode == 0, result.stdout
    for part in ("a running server uses it", f"{key} ", "is Active", "generation 1", "with the master key"):
        assert part in result.stdout
    assert (server.dbpath / "keystore").read_bytes() == keystore
    assert server.stop() == 0


def replaced(config, old: str, new) -> str:
    file = config.parent / "changed.conf"
    file.write_text(config.read_text().replace(old, str(new)))
    return file


def test_each_failure_has_the_status_of_the_start(config, own_access, tmp_path):
    stranger = Authority(tmp_path / "stranger", "Another CA")
    expired = own_access.ca.issue("check-expired", days=-1, start_days=-10)
    name = own_access.client.both
    before = own_access.server.object_count()
    for old, new, status, failed in [
        (f"port: {own_access.server.port}", f"port: {free_port()}", "KmipUnreachable", "connection"),
        ("serverName: 127.0.0.1", "serverName: no-such-host.invalid", "KmipUnresolved", "name"),
        (str(own_access.ca.file), stranger.file, "KmipServerUntrusted", "TLS"),
        (str(name), stranger.issue("nobody").both, "KmipClientRefused", "TLS"),
        (str(name), expired.both, "KmipClientRefused", "client certificate"),
        (str(name), tmp_path / "nowhere.pem", "TlsFileMissing", "client certificate"),
        ("clientCertificateFile", "keyIdentifier: nobody\n    clientCertificateFile", "KeyNotFound", "master key"),
        ("dbPath: ", "dbPath: /nowhere", "DbpathUnusable", "dbpath"),
        ("serverName", "servername", "BadOptions", "options"),
    ]:  # fmt: skip
        parsed = report("--config", replaced(config, old, new))
        assert parsed["exitStatusName"] == status, parsed
        assert parsed["exitStatus"] == statuses()[status]
        assert outcomes(parsed)[failed] == "failed", parsed
        assert all(row["advice"] for row in parsed["checks"] if row["outcome"] == "failed")
        assert outcomes(parsed).get("throw-away key", "skipped") == "skipped"
    assert own_access.server.object_count() == before, "no key was created"


def test_an_untrusted_certificate_is_shown(config, own_access, tmp_path):
    stranger = Authority(tmp_path / "stranger", "Another CA")
    parsed = report("--config", replaced(config, str(own_access.ca.file), stranger.file))
    (shown,) = [row for row in parsed["checks"] if row["name"] == "certificate"]
    assert "CN=kmip-server" in shown["detail"] and "CN=Test CA" in shown["detail"]


def test_a_key_that_is_not_active(config, own_access):
    key = own_access.server.create_key(own_access.client, activate=False)
    changed = replaced(config, "    serverCAFile", f"    keyIdentifier: {key}\n    serverCAFile")
    parsed = report("--config", changed)
    assert parsed["exitStatusName"] == "KeyNotActive"
    parsed = report("--config", changed, "--kmipActivateKeys", "false")
    assert parsed["ok"] is True


def test_the_list_of_servers(config, own_access):
    nobody = free_port()
    list_of_both = f"serverName: 127.0.0.1,127.0.0.1:{nobody}"
    parsed = report("--config", replaced(config, "serverName: 127.0.0.1", list_of_both))
    assert parsed["exitStatusName"] == "KmipUnreachable"
    by_server = {(row["server"], row["name"]): row["outcome"] for row in parsed["checks"]}
    assert by_server[(f"127.0.0.1:{own_access.server.port}", "KMIP")] == "passed"
    assert by_server[(f"127.0.0.1:{nobody}", "connection")] == "failed"


def test_warnings_do_not_fail(config, own_access):
    soon = own_access.ca.issue("check-soon", days=5)
    soon.both.chmod(0o644)
    parsed = report("--config", replaced(config, str(own_access.client.both), soon.both))
    assert parsed["ok"] is True and parsed["exitStatus"] == 0
    assert outcomes(parsed)["client certificate"] == "warning"
    assert outcomes(parsed)["private key file"] == "warning"


def test_a_wrong_key_file_and_a_right_one(make_server, tmp_path):
    key = tmp_path / "key"
    key.write_text("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n")
    key.chmod(0o600)
    options = ["--enableEncryption", "--encryptionKeyFile", str(key)]
    server = make_server(options).start()
    server.stop()
    options += ["--dbpath", str(server.dbpath)]
    parsed = report(*options)
    assert parsed["ok"] is True and outcomes(parsed)["keystore opens"] == "passed"
    key.chmod(0o600)
    key.write_text("YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=\n")
    assert report(*options)["exitStatusName"] == "WrongMasterKey"
    key.chmod(0o644)
    assert report(*options)["exitStatusName"] == "KeyFile"


def test_without_encryption(make_server, own_access, tmp_path):
    parsed = report("--dbpath", tmp_path)
    assert parsed["ok"] is True and outcomes(parsed)["encryption"] == "skipped"
    server = make_server(own_access.options()).start()
    server.stop()
    assert report("--dbpath", server.dbpath)["exitStatusName"] == "DbpathEncrypted"


def test_a_password_is_not_shown(config, own_access):
    locked = own_access.ca.issue("check-locked", password=b"hunter2")
    changed = replaced(config, str(own_access.client.both), locked.both)
    for password, status in (("hunter2", "Success"), ("hunter3", "TlsKeyPassword")):
        result = check("--json", "--config", changed, "--kmipClientCertificatePassword", password)
        assert json.loads(result.stdout)["exitStatusName"] == status
        assert "hunter" not in result.stdout + result.stderr


def test_with_wrap_on_server_the_key_is_used_and_not_fetched(config, own_access):
    before = own_access.server.object_count()
    result = check("--config", config, "--kmipWrapOnServer", "true")
    assert result.returncode == 0, result.stdout + result.stderr
    tried = "Create, Activate, GetAttributes, Encrypt, Decrypt, Locate, Revoke, Destroy: all work"
    assert tried in result.stdout, result.stdout
    assert own_access.server.object_count() == before
    # Of KMIP 1.4: a start would be refused with the same status.
    parsed = report("--config", config, "--kmipWrapOnServer", "true", "--kmipProtocolVersion", "1.2")
    assert parsed["exitStatusName"] == "KmipRefused"
    assert outcomes(parsed)["throw-away key"] == "failed"
    assert own_access.server.object_count() == before


def test_keys_of_databases(make_server, own_access):
    server = make_server(own_access.options()).start()
    key = own_access.server.create_key(own_access.client)
    with server.client() as client:
        client["north"]["c"].insert_one({})
        client.admin.command("setDatabaseMasterKey", database="north", keyIdentifier=key)
    arguments = [*own_access.options(), "--dbpath", server.dbpath]
    assert outcomes(report(*arguments))["keys of databases"] == "passed"
    own_access.server.revoke(own_access.client, key)
    parsed = report(*arguments)
    (row,) = [row for row in parsed["checks"] if row["name"] == "keys of databases"]
    assert row["outcome"] == "warning" and parsed["ok"] is True
    assert key in row["detail"] and "Deactivated" in row["detail"] and "north" not in row["detail"]
    assert server.stop() == 0
