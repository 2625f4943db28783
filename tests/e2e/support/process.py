"""Child processes that are always ended, by their own id, and whose output can be shown."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

# Children that are alive, for the report of a failed test.
RUNNING: list["Process"] = []


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on right now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(condition, what: str, seconds: float = 60.0, pause: float = 0.05):
    """Polls until the condition gives something true, and returns it. The limit is there to end
    a broken run, not to measure anything."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(pause)


class Process:
    """A child process with its output in a file."""

    def __init__(
        self, name: str, args: list, output: Path, env: dict | None = None, cwd=None, group=False
    ):
        """With `group`, the process has children of its own, and is ended together with them."""
        self.name = name
        self.group = group
        self.output = output
        with open(output, "ab") as out:
            self.popen = subprocess.Popen(
                [str(arg) for arg in args],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=cwd,
                start_new_session=group,
            )
        RUNNING.append(self)

    @property
    def pid(self) -> int:
        return self.popen.pid

    def status(self) -> int | None:
        """The exit status, or None while it runs."""
        return self.popen.poll()

    def wait(self, seconds: float = 60.0) -> int:
        """Waits for the end and returns the exit status."""
        try:
            return self.popen.wait(seconds)
        finally:
            if self.popen.poll() is not None and self in RUNNING:
                RUNNING.remove(self)

    def end(self, sig: int = signal.SIGTERM, seconds: float = 60.0) -> int:
        """Sends the signal and waits; kills a process that does not obey."""
        if self.popen.poll() is None:
            self.send(sig)
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.send(signal.SIGKILL)
                self.popen.wait()
                raise
            finally:
                if self in RUNNING:
                    RUNNING.remove(self)
        return self.wait()

    def send(self, sig: int):
        """Sends the signal, to its children as well if it has some."""
        if self.group:
            os.killpg(self.pid, sig)
        else:
            self.popen.send_signal(sig)

    def text(self) -> str:
        """All output so far."""
        return self.output.read_text(errors="replace")

    def tail(self, lines: int = 20) -> str:
        """The end of the output, without the comings and goings of clients."""
        telling = [
            line[:2000]
            for line in self.text().splitlines()
            if '"msg":"Connection ' not in line
        ]
        return "\n".join(telling[-lines:])
