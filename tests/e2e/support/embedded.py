"""The embedded KMIP server, as `strongroom dev` runs it, for databases of the tests' own."""

import re
import signal
from pathlib import Path

from .certificates import Authority, Issued
from .kmip import PyKmip
from .paths import STRONGROOM
from .process import Process, wait_until


class EmbeddedKmip(PyKmip):
    """The playground's KMIP server, seen through PyKMIP's client. The playground's own database runs
    beside it, with one key; nobody minds."""

    def __init__(self, directory: Path):
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.process: Process | None = None
        self.client_config = directory / "client.conf"
        self.client_config.write_text("[client]\n")

    def start(self) -> "EmbeddedKmip":
        playground = self.directory / "playground"
        args = [STRONGROOM, "dev", "--dir", playground, "--port", "0"]
        process = Process("strongroom dev", args, self.directory / "output.txt")
        self.process = process

        def ready():
            assert process.status() is None, process.tail()
            return "mongodb://" in process.text()

        wait_until(ready, "the playground")
        pki = playground / "pki"
        config = (playground / "strongroomd.conf").read_text()
        self.port = int(re.findall(r"port: (\d+)", config)[-1])
        self.ca = _Ca(pki / "ca.pem")
        both = pki / "kmip-client.pem"
        self.issued = Issued(certificate=both, key=both, both=both)
        return self

    def stop(self):
        if self.process is not None:
            self.process.end(signal.SIGKILL)
            self.process = None

    def object_count(self) -> int:
        return len(self.identifiers(self.issued))


class _Ca(Authority):
    """An authority of which there is the certificate only."""

    def __init__(self, file: Path):
        self.file = file
