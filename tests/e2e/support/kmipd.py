"""`kmipd`, in a directory that `kmipd init` makes."""

import json
import re
import signal
import subprocess
from pathlib import Path

from kmip.pie.client import ProxyKmipClient

from .paths import KMIPD
from .process import Process, wait_until


def run(*args) -> str:
    """A command that must succeed; what it prints."""
    done = subprocess.run(
        [str(KMIPD), *map(str, args)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"{args}: {done.stdout}{done.stderr}"
    return done.stdout


class Kmipd:
    """A server with the client "strongroom"; the same object can be started again and again."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.printed = run(
            "init", directory, "--san", "127.0.0.1", "--san", "localhost", "--listen", "127.0.0.1:0"
        )
        self.ca = directory / "pki" / "ca.pem"
        self.audit_log = directory / "audit" / "audit.log"
        self.client_config = directory / "pykmip-client.conf"
        self.client_config.write_text("[client]\n")
        self.port = 0
        self.starts = 0
        self.process: Process | None = None

    def start(self) -> "Kmipd":
        self.starts += 1
        output = self.directory / f"output-{self.starts}.txt"
        self.process = Process("kmipd", [KMIPD, "--config", self.directory / "kmipd.yaml"], output)

        def listens():
            assert self.process.status() is None, self.process.tail()
            for line in output.read_text().splitlines():
                event = json.loads(line)
                if event.get("message") == "KMIP server listening":
                    return int(re.search(r":(\d+)$", event["address"]).group(1))
            return None

        self.port = wait_until(listens, "kmipd")
        return self

    def stop(self) -> int:
        status = self.process.end(signal.SIGTERM)
        self.process = None
        return status

    def kill(self):
        self.process.end(signal.SIGKILL)
        self.process = None

    def close(self):
        if self.process is not None:
            self.kill()

    def certificate(self, name: str) -> Path:
        return self.directory / "issued" / f"{name}.pem"

    def add_client(self, name: str, *options):
        run("client", "add", name, "--dir", self.directory, *options)

    def reload(self):
        before = self.process.text().count("policy and certificates")
        self.process.popen.send_signal(signal.SIGHUP)
        wait_until(
            lambda: self.process.text().count("policy and certificates") > before, "the reload"
        )

    def options(self, name: str = "strongroom") -> list[str]:
        """strongroomd's."""
        return [
            "--enableEncryption",
            "--kmipServerName", "127.0.0.1",
            "--kmipPort", str(self.port),
            "--kmipServerCAFile", str(self.ca),
            "--kmipClientCertificateFile", str(self.certificate(name)),
        ]  # fmt: skip

    def pykmip(self, name: str = "strongroom", version=None) -> ProxyKmipClient:
        """PyKMIP's client, with the very file that kmipd has issued."""
        return ProxyKmipClient(
            hostname="127.0.0.1",
            port=self.port,
            cert=str(self.certificate(name)),
            key=str(self.certificate(name)),
            ca=str(self.ca),
            ssl_version="PROTOCOL_TLSv1_2",
            config_file=str(self.client_config),
            kmip_version=version,
        )

    def audit(self) -> list[dict]:
        """The events, after the proof that the log is whole."""
        assert "is whole" in run("audit", "verify", self.audit_log)
        return [json.loads(line) for line in self.audit_log.read_text().splitlines()]
