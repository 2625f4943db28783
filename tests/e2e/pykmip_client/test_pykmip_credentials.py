"""A user name and a password in each request, as PyKMIP's client can send them, and a rule of `kmipd` that asks for
them."""

import subprocess

import pytest
from kmip import enums
from kmip.pie.client import ProxyKmipClient

from support.kmipd import Kmipd
from support.paths import KMIPD
from support.pykmip import AES, REASON, VERSIONS


@pytest.fixture(scope="module")
def kmipd(tmp_path_factory):
    kmipd = Kmipd(tmp_path_factory.mktemp("credentials") / "kmipd")
    hashed = subprocess.run(
        [str(KMIPD), "password"], input=b"swordfish", capture_output=True, check=True, timeout=60
    )
    rule = kmipd.directory / "clients" / "strongroom.yaml"
    credential = f'credential:\n  username: db\n  passwordHash: "{hashed.stdout.decode().strip()}"\n'
    rule.write_text(rule.read_text() + credential)
    kmipd.start()
    yield kmipd
    assert kmipd.stop() == 0
    text = kmipd.audit_log.read_text() + kmipd.printed
    assert "swordfish" not in text and "catfish" not in text


def connect(kmipd, version, username, password) -> ProxyKmipClient:
    certificate = str(kmipd.certificate("strongroom"))
    return ProxyKmipClient(
        hostname="127.0.0.1",
        port=kmipd.port,
        cert=certificate,
        key=certificate,
        ca=str(kmipd.ca),
        ssl_version="PROTOCOL_TLSv1_2",
        username=username,
        password=password,
        config_file=str(kmipd.client_config),
        kmip_version=version,
    )


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
def test_credentials(kmipd, version):
    with connect(kmipd, version, "db", "swordfish") as client:
        uid = client.create(AES, 256)
        assert len(client.get(uid).value) == 32
    for username, password in (("db", "catfish"), ("another", "swordfish"), (None, None)):
        with connect(kmipd, version, username, password) as client:
            # The answer is one to the message, without an operation.
            result = client.proxy.get(uid)
            assert result.result_status.value == enums.ResultStatus.OPERATION_FAILED
            assert result.result_reason.value == REASON.AUTHENTICATION_NOT_SUCCESSFUL
            assert result.secret is None
