"""`strongroom kmip`: the operator's tool, against a KMIP server that is not ours and against the playground's."""

import json
import os
import re
import signal
import socket
import subprocess
import uuid

import pytest

from support.certificates import Authority
from support.exit_status import statuses
from support.paths import STRONGROOM
from support.process import Process, wait_until

STATUS = statuses()
KEY = b"~swordfish-swordfish-swordfish~!"


class Tool:
    """The tool with a connection."""

    def __init__(self, connection: list[str], env: dict | None = None):
        self.connection = connection
        self.env = {**os.environ, **(env or {})}

    def run(self, *arguments, stdin: bytes = b"") -> subprocess.CompletedProcess:
        command = [STRONGROOM, "kmip", *map(str, arguments), *self.connection]
        return subprocess.run(
            command, input=stdin, capture_output=True, env=self.env, timeout=120, check=False
        )

    def text(self, *arguments, stdin: bytes = b"") -> str:
        ran = self.run(*arguments, stdin=stdin)
        assert ran.returncode == 0, (arguments, ran.stderr)
        return ran.stdout.decode()

    def json(self, *arguments, stdin: bytes = b""):
        ran = self.run(*arguments, "--json", stdin=stdin)
        assert ran.returncode == 0, (arguments, ran.stderr)
        assert ran.stderr == b"", ran.stderr
        return json.loads(ran.stdout)

    def error(self, *arguments, stdin: bytes = b"") -> dict:
        """What a run that must fail says as JSON; the number in it is the exit status."""
        ran = self.run(*arguments, "--json", stdin=stdin)
        error = json.loads(ran.stderr)["error"]
        assert ran.returncode == error["exitStatus"] == STATUS[error["status"]] != 0
        return error


def options(access) -> list[str]:
    return [option for option in access.options() if option != "--enableEncryption"]


@pytest.fixture
def access(own_access):
    return own_access


@pytest.fixture
def tool(access) -> Tool:
    return Tool(options(access))


def test_life_of_a_key(tool, access):
    name = f"key-{uuid.uuid4()}"
    made = tool.json("create", "--name", name, "--activate")
    uid = made["uniqueIdentifier"]
    assert made["activated"] is True
    assert made["server"] == f"127.0.0.1:{access.server.port}"
    assert access.server.state(access.client, uid) == "ACTIVE"

    found = tool.json("locate", "--name", name)["objects"]
    assert [(o["uniqueIdentifier"], o["state"], o["cryptographicLength"], o["names"]) for o in found] == [
        (uid, "Active", 256, [name])
    ]
    got = tool.json("get", name, "--show-material")
    assert bytes.fromhex(got["material"]) == access.server.key_bytes(access.client, uid)
    attributes = tool.json("attributes", name)["attributes"]
    assert attributes["State"] == ["Active"]
    assert attributes["Name"][0]["NameValue"] == name
    assert tool.json("attributes", uid, "Cryptographic Length")["attributes"] == {
        "CryptographicLength": [256]
    }

    refused = tool.error("destroy", name)
    assert refused["status"] == "KmipRefused" and "revoke" in refused["advice"]
    assert refused["operation"] == "Destroy" and refused["uniqueIdentifier"] == uid
    revoked = tool.json("revoke", name, "--reason", "KeyCompromise", "--message", "left in a taxi")
    assert revoked["state"] == "Compromised"
    tool.json("destroy", name, "--yes")
    missing = tool.error("get", uid)
    assert missing["status"] == "KeyNotFound"
    assert uid in missing["message"]


def test_register_and_get_back(tool, access, tmp_path):
    (tmp_path / "key").write_bytes(KEY)
    raw = tool.json("register", "--file", tmp_path / "key")["uniqueIdentifier"]
    from_stdin = tool.json("register", "--encoding", "hex", stdin=KEY.hex().encode() + b"\n")
    assert access.server.key_bytes(access.client, raw) == KEY
    out = tmp_path / "out"
    tool.text("get", from_stdin["uniqueIdentifier"], "--out", out, "--encoding", "base64")
    assert out.stat().st_mode & 0o777 == 0o600
    import base64

    assert base64.b64decode(out.read_text()) == KEY
    assert "not overwritten" in tool.error("get", raw, "--out", out)["message"]
    assert base64.b64decode(out.read_text()) == KEY
    # Other types of objects.
    secret = tool.json("register", "--type", "secret-data", "--name", "s", stdin=b"a password")
    assert tool.json("get", secret["uniqueIdentifier"])["objectType"] == "SecretData"
    opaque = tool.json("register", "--type", "opaque", stdin=b"anything")["uniqueIdentifier"]
    assert tool.json("get", opaque)["materialBytes"] == 8
    certificate = tool.json("register", stdin=access.ca.file.read_bytes())["uniqueIdentifier"]
    pem = tool.json("get", certificate)["material"]
    assert pem.strip() == access.ca.file.read_text().strip()


def test_locate_dismisses_what_does_not_fit(tool):
    """PyKMIP returns every object for attributes that it does not store, and for some that it does."""
    group = f"group-{uuid.uuid4()}"
    uids = {tool.json("create", "--length", str(n))["uniqueIdentifier"] for n in (128, 192, 256)}
    # Certificates of others are everybody's there.
    keys = tool.json("locate", "--type", "SymmetricKey")["objects"]
    assert {o["uniqueIdentifier"] for o in keys} == uids
    long = tool.json("locate", "--length", "256")["objects"]
    assert [o["cryptographicLength"] for o in long] == [256]
    nothing = tool.json("locate", "--group", group)
    assert nothing["objects"] == []
    pages = ["locate", "--type", "SymmetricKey", "--max", "2"]
    first = tool.json(*pages)
    assert len(first["objects"]) == 2 and first["more"] is True
    second = tool.json(*pages, "--offset", "2")
    assert len(second["objects"]) == 1 and second["more"] is False


@pytest.mark.parametrize("version", ["1.2", "2.0"])
def test_attributes_are_changed(tool, version):
    pinned = ["--kmipProtocolVersion", version]
    uid = tool.json("create", "--name", "before", "--group", "g", *pinned)["uniqueIdentifier"]
    told = tool.json("attributes", uid, "Name", "--set", f"Name=after-{uid}", *pinned)
    assert [name["NameValue"] for name in told["attributes"]["Name"]] == [f"after-{uid}"]
    assert tool.json("get", f"after-{uid}")["uniqueIdentifier"] == uid
    told = tool.json("attributes", uid, "--delete", "ObjectGroup=g", *pinned)
    assert "ObjectGroup" not in told["attributes"]
    error = tool.error("attributes", uid, "--delete", "ObjectGroup=g", *pinned)
    assert error["status"] == "KeyNotFound" and error["uniqueIdentifier"] == uid
    # What it does not have, it says.
    error = tool.error("attributes", uid, "--add", "ContactInformation=ops", *pinned)
    assert error["status"] == "KmipRefused" and error["operation"] == "AddAttribute"


def test_names_are_ambiguous(tool):
    name = f"twice-{uuid.uuid4()}"
    first = tool.json("create", "--name", name)["uniqueIdentifier"]
    again = tool.run("create", "--name", name)
    assert again.returncode == 0 and first.encode() in again.stderr, again.stderr
    error = tool.error("get", name)
    assert error["status"] == "KeyAmbiguous"
    assert first in error["message"]


def test_what_the_server_is(tool):
    offered = tool.json("query")
    assert {"Create", "Get", "Locate"} <= set(offered["operations"])
    assert "PyKMIP" in offered["vendorIdentification"]
    assert "PyKMIP" in tool.text("query")
    versions = tool.json("versions")
    assert versions["negotiated"] == "2.0"
    assert versions["serverVersions"] == ["2.0", "1.4", "1.3", "1.2", "1.1", "1.0"]


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.3", "1.4", "2.0"])
def test_every_version(tool, version):
    pinned = ["--kmipProtocolVersion", version]
    made = tool.json("create", "--name", f"v-{uuid.uuid4()}", "--activate", *pinned)
    assert made["protocolVersion"] == version
    uid = made["uniqueIdentifier"]
    assert tool.json("attributes", uid, *pinned)["attributes"]["State"] == ["Active"]
    assert tool.json("get", uid, *pinned)["materialBytes"] == 32
    tool.json("query", *pinned)
    assert tool.json("versions", *pinned)["negotiated"] == version
    assert tool.json("revoke", uid, *pinned)["state"] == "Deactivated"


def test_a_version_that_it_does_not_speak(tool):
    error = tool.error("locate", "--kmipProtocolVersion", "2.1")
    assert error["status"] == "KmipProtocol"
    assert "2.1" in error["message"]


def test_rekey_is_not_offered(tool):
    uid = tool.json("create")["uniqueIdentifier"]
    error = tool.error("rekey", uid)
    assert error["status"] == "KmipRefused"
    assert error["resultReason"] == "OperationNotSupported"
    assert error["operation"] == "ReKey"
    assert "query" in error["advice"]


REQUEST = """<RequestMessage>
  <RequestHeader>
    <ProtocolVersion>
      <ProtocolVersionMajor type="Integer" value="1"/>
      <ProtocolVersionMinor type="Integer" value="2"/>
    </ProtocolVersion>
    <BatchCount type="Integer" value="1"/>
  </RequestHeader>
  <BatchItem>
    <Operation type="Enumeration" value="Get"/>
    <RequestPayload><UniqueIdentifier type="TextString" value="%s"/></RequestPayload>
  </BatchItem>
</RequestMessage>
"""


def test_raw(tool, tmp_path):
    uid = tool.json("register", stdin=KEY)["uniqueIdentifier"]
    file = tmp_path / "request.xml"
    file.write_text(REQUEST % uid)
    tree = tool.text("raw", "--file", file)
    assert "KeyMaterial: (32 bytes, hidden)" in tree and KEY.hex() not in tree
    assert KEY.hex() in tool.text("raw", "--file", file, "--show-material")
    document = tool.json("raw", stdin=(REQUEST % uid).encode())
    assert document["protocolVersion"] == "1.2"
    assert document["response"]["tag"] == "ResponseMessage"
    refused = tool.run("raw", stdin=(REQUEST % "987654").encode())
    assert refused.returncode == STATUS["KeyNotFound"]
    assert b"ResultReason: ItemNotFound" in refused.stdout
    assert tool.error("raw", stdin=b"not a request")["status"] == "BadOptions"


def test_nothing_shows_the_key_unasked(tool, tmp_path):
    (tmp_path / "key").write_bytes(KEY)
    uid = tool.json("register", "--file", tmp_path / "key")["uniqueIdentifier"]
    for arguments, stdin in [
        (["get", uid], b""),
        (["get", uid, "--json"], b""),
        (["attributes", uid], b""),
        (["get", uid, "--out", tmp_path / "out"], b""),
        (["raw", "--output", "xml"], (REQUEST % uid).encode()),
        (["raw", "--json"], (REQUEST % uid).encode()),
        (["register", "--encoding", "hex", "--file", tmp_path / "key"], b""),
        (["raw", "--file", tmp_path / "key"], b""),
    ]:
        ran = tool.run(*arguments, "-vv", stdin=stdin)
        seen = ran.stdout + ran.stderr
        assert b"connected" in seen or ran.returncode == 2, seen
        for form in (KEY, KEY[:9], KEY.hex().encode(), KEY.hex().upper().encode()):
            assert form not in seen, (arguments, seen)


def test_wrong_certificates(access, tmp_path):
    other = Authority(tmp_path / "other", "Another CA")
    stranger = other.issue("stranger")
    expired = access.ca.issue(f"expired-{uuid.uuid4()}", start_days=-10, days=-1)
    good = options(access)
    for extra, status in [
        (["--kmipClientCertificateFile", stranger.both], "KmipClientRefused"),
        (["--kmipClientCertificateFile", expired.both], "KmipClientRefused"),
        (["--kmipClientCertificateFile", access.client.certificate], "TlsKeyMissing"),
        (["--kmipClientCertificateFile", tmp_path / "absent.pem"], "TlsFileMissing"),
        (["--kmipServerCAFile", other.file], "KmipServerUntrusted"),
        (["--kmipServerName", "127.0.0.2"], "KmipUnreachable"),
    ]:
        name, value = extra
        connection = good.copy()
        connection[connection.index(name) + 1] = str(value)
        error = Tool(connection).error("locate")
        if status == "KmipClientRefused":
            # PyKMIP hangs up without an alert where TLS 1.2 lets it.
            assert error["status"] in (status, "KmipUnreachable"), error
        else:
            assert error["status"] == status, error


def test_an_encrypted_key_and_its_password(access, tmp_path):
    issued = access.ca.issue(f"locked-{uuid.uuid4()}", password=b"open sesame")
    connection = options(access)
    connection[connection.index("--kmipClientCertificateFile") + 1] = str(issued.both)
    error = Tool(connection).error("versions")
    assert error["status"] == "TlsKeyPassword"
    file = tmp_path / "password"
    file.write_text("open sesame\n")
    file.chmod(0o600)
    wrong = Tool([*connection, "--kmipClientCertificatePassword", "open seseme"]).error("versions")
    assert wrong["status"] == "TlsKeyPassword" and "seseme" not in wrong["message"]
    for right in (
        Tool([*connection, "--kmipClientCertificatePassword", "open sesame"]),
        Tool([*connection, "--kmipClientCertificatePasswordFile", str(file)]),
        Tool(connection, {"STRONGROOM_KMIP_CLIENT_CERTIFICATE_PASSWORD": "open sesame"}),
    ):
        assert right.json("versions")["negotiated"] == "2.0"


def test_nobody_answers(access):
    connection = options(access)
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = str(reserved.getsockname()[1])
        connection[connection.index("--kmipPort") + 1] = port
        error = Tool([*connection, "--kmipConnectRetries", "1"]).error("locate")
    assert error["status"] == "KmipUnreachable"
    assert error["server"] == f"127.0.0.1:{port}"
    assert (error["attempt"], error["attempts"]) == (2, 2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        connection[connection.index("--kmipPort") + 1] = str(silent.getsockname()[1])
        error = Tool([*connection, "--kmipConnectTimeoutMS", "1000"]).error("locate")
    assert error["status"] == "KmipTimeout"


def test_the_servers_configuration_file(access, tmp_path):
    """`--config mongod.conf` takes the connection of the server; the command line wins."""
    config = tmp_path / "mongod.conf"
    config.write_text(
        f"""
storage:
  dbPath: {tmp_path}
security:
  enableEncryption: true
  kmip:
    serverName: 127.0.0.1
    port: {access.server.port}
    serverCAFile: {access.ca.file}
    clientCertificateFile: {access.client.both}
"""
    )
    from_file = Tool(["--config", str(config)])
    assert from_file.json("versions")["server"] == f"127.0.0.1:{access.server.port}"
    absent = tmp_path / "absent.pem"
    error = Tool(["--config", str(config), "--kmipServerCAFile", str(absent)]).error("versions")
    assert error["status"] == "TlsFileMissing" and str(absent) in error["message"]

    config.write_text("security:\n  kmip:\n    serverNam: kms1\n")
    error = from_file.error("versions")
    assert error["status"] == "BadOptions" and "security.kmip.serverNam" in error["message"]
    config.write_text("security:\n  kmip:\n    port: 5696\n")
    error = from_file.error("versions")
    assert error["status"] == "BadOptions"
    assert "--kmipServerName" in error["message"] and "--kmipClientCertificateFile" in error["message"]
    config.write_text('security: "\n')
    assert from_file.error("versions")["status"] == "ConfigFile"
    assert Tool(["--config", str(tmp_path / "none")]).error("versions")["status"] == "ConfigFile"


def test_wrong_arguments(tool):
    for arguments in [
        ["create", "--length", "many"],
        ["create", "--algorithm", "ROT13"],
        ["locate", "--state", "Lost"],
        ["get"],
        ["get", "1", "--kmipPort", "0"],
        ["get", "1", "--shrug"],
        ["attributes", "1", "--set", "State"],
        ["forge", "1"],
    ]:
        assert tool.error(*arguments)["status"] == "BadOptions", arguments
        people = tool.run(*arguments)
        assert people.returncode == 2 and b"{" not in people.stderr[:1], people.stderr
    assert b"revoke" in tool.run("--help").stdout
    assert tool.run("get", "--help").returncode == 0


def test_the_playgrounds_server(tmp_path):
    """The same tool on the KMIP server of `strongroom dev`, which speaks 2.1."""
    directory = tmp_path / "playground"
    args = [STRONGROOM, "dev", "--dir", directory, "--port", "0"]
    process = Process("strongroom dev", args, tmp_path / "dev.txt")
    try:

        def config_file():
            assert process.status() is None, process.tail()
            found = re.search(r"mongodb://", process.text())
            return found and next(iter(directory.rglob("*.conf")), None)

        config = wait_until(config_file, "the configuration file")
        tool = Tool(["--config", str(config)])
        objects = tool.json("locate", "--state", "Active")["objects"]
        assert [o["cryptographicLength"] for o in objects] == [256], "the database's master key"
        assert tool.json("versions")["negotiated"] == "2.1"
        assert "Strongroom" in tool.json("query")["vendorIdentification"]
        made = tool.json("create", "--name", "mine", "--attribute", "x-Purpose=a test")
        told = tool.json("attributes", "mine", "x-Purpose", "--set", "ContactInformation=ops")
        assert told["attributes"] == {"x-Purpose": ["a test"]}
        assert told["uniqueIdentifier"] == made["uniqueIdentifier"]
        assert re.search("Contact Information +ops", tool.text("attributes", "mine"))
        assert tool.json("destroy", "mine")["state"] == "Destroyed"
    finally:
        process.end(signal.SIGINT)
