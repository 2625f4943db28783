"""KMIP servers of ours in the place of the one that is not: the same tests on each."""

from pathlib import Path

import pytest

from .certificates import Issued
from .embedded import EmbeddedKmip, _Ca
from .kmip import PyKmip
from .kmipd import Kmipd
from .server import KmipAccess

# Of tests that have `own_access`: on the server that is not ours, on the one of `strongroom dev`, and on `kmipd` with
# the role that it gives to databases.
ON_EACH_KMIP_SERVER = pytest.mark.parametrize(
    "own_access", ["PyKMIP", "embedded", "kmipd"], indirect=True
)
ON_KMIPD_TOO = pytest.mark.parametrize("own_access", ["PyKMIP", "kmipd"], indirect=True)


class KmipdServer(PyKmip):
    """`kmipd`, asked as the other KMIP servers of the tests are: with PyKMIP's client, as the client with the
    certificate. What needs the server's database is not there."""

    def __init__(self, directory: Path, role: str = "database"):
        self.directory = directory
        self.kmipd = Kmipd(directory)
        self.client_config = self.kmipd.client_config
        self.ca = _Ca(self.kmipd.ca)
        self.kmipd.add_client("operator", "--role", "admin")
        self.operator = self.issued("operator")
        name = "strongroom"
        if role != "database":
            name = f"strongroom-{role}"
            self.kmipd.add_client(name, "--role", role)
        self.access = KmipAccess(self, self.ca, self.issued(name))

    def issued(self, name: str) -> Issued:
        both = self.kmipd.certificate(name)
        return Issued(certificate=both, key=both, both=both)

    @property
    def port(self) -> int:
        return self.kmipd.port

    def start(self) -> "KmipdServer":
        self.kmipd.start()
        return self

    def stop(self):
        self.kmipd.close()

    def object_count(self) -> int:
        """As the operator sees them, who is of the same tenant; destroyed ones are not found."""
        with self.client(self.operator) as client:
            return len(client.locate())

    def done(self, *operations: str) -> list[dict]:
        """The audit's lines of successful operations, after the proof that it is whole; of all operations, or of
        some."""
        return [
            event
            for event in self.kmipd.audit()
            if event["event"] == "operation"
            and event["status"] == "Success"
            and (not operations or event["operation"] in operations)
        ]


def start(kind: str, directory: Path) -> KmipAccess:
    """A server of ours and access to it; end it with `access.server.stop()`."""
    if kind == "embedded":
        kmip = EmbeddedKmip(directory).start()
        return KmipAccess(kmip, kmip.ca, kmip.issued)
    role = "admin" if kind == "kmipd-admin" else "database"
    return KmipdServer(directory, role).start().access
