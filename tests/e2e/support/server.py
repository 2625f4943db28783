"""`strongroomd` in a directory of its own, started, stopped, killed and asked."""

import contextlib
import json
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

import pymongo
from pymongo.errors import PyMongoError

from .certificates import Authority, Issued
from .kmip import PyKmip
from .paths import STRONGROOMD
from .process import Process, free_port, wait_until

# A backtrace in the output helps more than it hides.
ENVIRONMENT = {**os.environ, "RUST_BACKTRACE": "1"}


@dataclass
class KmipAccess:
    """What the server needs to know of a KMIP server."""

    server: PyKmip
    ca: Authority
    client: Issued

    def options(self, key_identifier: str | None = None) -> list[str]:
        options = [
            "--enableEncryption",
            "--kmipServerName", "127.0.0.1",
            "--kmipPort", str(self.server.port),
            "--kmipServerCAFile", str(self.ca.file),
            "--kmipClientCertificateFile", str(self.client.both),
        ]  # fmt: skip
        if key_identifier is not None:
            options += ["--kmipKeyIdentifier", key_identifier]
        return options


@dataclass
class Strongroomd:
    """A server with its dbpath; the same object can be started again and again."""

    directory: Path
    options: list[str] = field(default_factory=list)
    port: int = field(default_factory=free_port)
    process: Process | None = None
    starts: int = 0
    environment: dict = field(default_factory=dict)
    # What starts the program, if not we ourselves: it has to `exec` the arguments that it is given.
    launcher: list = field(default_factory=list)

    @property
    def dbpath(self) -> Path:
        return self.directory / "db"

    @property
    def uri(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/?directConnection=true"

    def spawn(self, extra: list[str] | None = None, *, own_options: bool = True) -> Process:
        """Starts the program and does not wait for anything."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.dbpath.mkdir(exist_ok=True)
        args = [*self.launcher, STRONGROOMD]
        if own_options:
            args += ["--dbpath", self.dbpath, "--port", self.port, *self.options]
        args += extra or []
        self.starts += 1
        output = self.directory / f"output-{self.starts}.txt"
        self.process = Process("strongroomd", args, output, env={**ENVIRONMENT, **self.environment})
        return self.process

    def start(self, extra: list[str] | None = None) -> "Strongroomd":
        """Starts the server and waits until it answers."""
        process = self.spawn(extra)
        with contextlib.closing(self._raw_client(server_selection_ms=500)) as client:

            def answers():
                if process.status() is not None:
                    raise RuntimeError(f"strongroomd ended ({process.status()}):\n{process.tail()}")
                with contextlib.suppress(PyMongoError):
                    return client.admin.command("ping")
                return None

            wait_until(answers, "strongroomd")
        return self

    def stop(self) -> int:
        """A clean stop; the exit status."""
        assert self.process is not None
        status = self.process.end(signal.SIGTERM)
        self.process = None
        return status

    def kill(self):
        """kill -9"""
        assert self.process is not None
        self.process.end(signal.SIGKILL)
        self.process = None

    def close(self):
        """Whatever state it is in, it ends."""
        if self.process is not None:
            self.process.end(signal.SIGKILL)
            self.process = None

    def is_running(self) -> bool:
        return self.process is not None and self.process.status() is None

    def client(self, **options) -> pymongo.MongoClient:
        return self._raw_client(server_selection_ms=20_000, **options)

    def _raw_client(self, server_selection_ms: int, **options) -> pymongo.MongoClient:
        return pymongo.MongoClient(
            "127.0.0.1",
            self.port,
            directConnection=True,
            serverSelectionTimeoutMS=server_selection_ms,
            **options,
        )

    def output(self) -> str:
        """What the last start printed."""
        return (self.directory / f"output-{self.starts}.txt").read_text(errors="replace")

    def log(self) -> list[dict]:
        """The log lines of the last start."""
        lines = []
        for line in self.output().splitlines():
            with contextlib.suppress(ValueError):
                lines.append(json.loads(line))
        return lines

    def logged(self, log_id: int) -> list[dict]:
        """The log lines of the last start with this identifier."""
        return [line for line in self.log() if line.get("id") == log_id]

    def memory_kib(self) -> int:
        """The largest resident size of the process so far."""
        assert self.process is not None
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
        raise AssertionError("no VmHWM")
