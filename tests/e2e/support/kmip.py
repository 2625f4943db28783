"""PyKMIP: a KMIP server that is not ours, and its client to look over our shoulder."""

import contextlib
import os
import signal
import socket
import sqlite3
from pathlib import Path

from kmip import enums
from kmip.core.factories.attributes import AttributeFactory
from kmip.pie.client import ProxyKmipClient
from kmip.pie.objects import SymmetricKey

from .certificates import Authority, Issued
from .paths import PYKMIP_SERVER
from .process import Process, free_port, wait_until


class PyKmip:
    """A PyKMIP server in a directory of its own."""

    def __init__(self, directory: Path, ca: Authority, server: Issued, port: int | None = None):
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "policy").mkdir(exist_ok=True)
        self.directory = directory
        self.ca = ca
        self.port = port or free_port()
        self.database = directory / "pykmip.db"
        self.config = directory / "server.conf"
        self.config.write_text(
            "\n".join(
                [
                    "[server]",
                    "hostname=127.0.0.1",
                    f"port={self.port}",
                    f"certificate_path={server.certificate}",
                    f"key_path={server.key}",
                    f"ca_path={ca.file}",
                    "auth_suite=TLS1.2",
                    f"policy_path={directory / 'policy'}",
                    "enable_tls_client_auth=True",
                    "logging_level=INFO",
                    f"database_path={self.database}",
                    "",
                ]
            )
        )
        # Its client insists on a file of its own, too; all that it needs is given in the code.
        self.client_config = directory / "client.conf"
        self.client_config.write_text("[client]\n")
        self.process: Process | None = None

    def start(self) -> "PyKmip":
        args = [PYKMIP_SERVER, "-f", self.config, "-l", self.directory / "server.log"]
        # Its imports warn at length of what it will not survive.
        environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
        output = self.directory / "output.txt"
        # It has helpers, which outlive it when it is killed.
        process = Process(
            "pykmip-server", args, output, env=environment, cwd=self.directory, group=True
        )
        self.process = process

        def answers():
            if process.status() is not None:
                raise RuntimeError(f"pykmip-server ended:\n{process.tail()}")
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return True
            return False

        wait_until(answers, "pykmip-server")
        return self

    def stop(self):
        if self.process is not None:
            # It polls its sessions for up to ten seconds after a polite request; its database is
            # SQLite and takes no harm.
            self.process.end(signal.SIGKILL)
            self.process = None

    def client(self, issued: Issued) -> ProxyKmipClient:
        """PyKMIP's own client, as the owner of that certificate."""
        return ProxyKmipClient(
            hostname="127.0.0.1",
            port=self.port,
            cert=str(issued.certificate),
            key=str(issued.key),
            ca=str(self.ca.file),
            ssl_version="PROTOCOL_TLSv1_2",
            config_file=str(self.client_config),
        )

    def object_count(self) -> int:
        """How many objects of any owner the server holds."""
        if not self.database.exists():
            return 0
        with contextlib.closing(sqlite3.connect(self.database)) as database:
            return database.execute("select count(*) from managed_objects").fetchone()[0]

    def create_key(self, issued: Issued, *, name: str | None = None, activate: bool = True) -> str:
        """Creates a 256-bit AES key and returns its identifier."""
        usage = [enums.CryptographicUsageMask.ENCRYPT, enums.CryptographicUsageMask.DECRYPT]
        with self.client(issued) as client:
            uid = client.create(
                enums.CryptographicAlgorithm.AES, 256, name=name, cryptographic_usage_mask=usage
            )
            if activate:
                client.activate(uid)
            return uid

    def register_key(self, issued: Issued, material: bytes, *, activate: bool = True) -> str:
        """Registers the bytes as an AES key and returns its identifier."""
        key = SymmetricKey(
            enums.CryptographicAlgorithm.AES,
            len(material) * 8,
            material,
            masks=[enums.CryptographicUsageMask.ENCRYPT, enums.CryptographicUsageMask.DECRYPT],
        )
        with self.client(issued) as client:
            uid = client.register(key)
            if activate:
                client.activate(uid)
            return uid

    def revoke(self, issued: Issued, uid: str):
        with self.client(issued) as client:
            client.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, uid)

    def key_bytes(self, issued: Issued, uid: str) -> bytes:
        with self.client(issued) as client:
            return client.get(uid).value

    def state(self, issued: Issued, uid: str) -> str:
        with self.client(issued) as client:
            _, attributes = client.get_attributes(uid, ["State"])
            return attributes[0].attribute_value.value.name

    def identifiers(self, issued: Issued) -> list[str]:
        """The client's symmetric keys. (Certificates and public keys are shown to everybody, whoever made them.)"""
        kind = AttributeFactory().create_attribute(
            enums.AttributeType.OBJECT_TYPE, enums.ObjectType.SYMMETRIC_KEY
        )
        with self.client(issued) as client:
            return list(client.locate(attributes=[kind]))

    def _alter(self, statement: str, *values):
        with contextlib.closing(sqlite3.connect(self.database, timeout=30)) as database, database:
            changed = database.execute(statement, values).rowcount
        assert changed == 1, f"{statement}: {changed} rows"

    def set_state(self, uid: str, state: enums.State):
        """Changes a key's state behind the server's back: KMIP has no way back from Deactivated, but the
        administrators of key servers do."""
        self._alter("update crypto_objects set state = ? where uid = ?", state.value, int(uid))

    def give_to(self, uid: str, owner: str):
        """Makes a key somebody else's: to its former owner it does not exist any more."""
        self._alter("update managed_objects set owner = ? where uid = ?", owner, int(uid))

    def hide(self, uid: str):
        """Makes a key disappear, as if it had been destroyed, without losing it."""
        self._alter("update managed_objects set uid = uid + 1000000 where uid = ?", int(uid))

    def show(self, uid: str):
        """Takes [hide] back."""
        self._alter("update managed_objects set uid = ? where uid = ?", int(uid), int(uid) + 1000000)
