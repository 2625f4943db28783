"""mongosh and scripts for Node."""

import os
import subprocess
from pathlib import Path

from .paths import MONGOSH, NODE_DIR


def _run(args: list, seconds: float, home: Path, typed: str = "") -> subprocess.CompletedProcess:
    # A home of its own: the shell writes its history and settings there.
    environment = {**os.environ, "HOME": str(home), "NO_COLOR": "1", "MONGOSH_NO_TELEMETRY": "1"}
    return subprocess.run(
        [str(arg) for arg in args],
        input=typed,
        capture_output=True,
        text=True,
        timeout=seconds,
        env=environment,
        cwd=NODE_DIR,
    )


def mongosh(uri: str, home: Path, *, script: str | None = None, file: Path | None = None) -> str:
    """Runs the shell over a script, and returns what it printed; fails with its output if it does."""
    what = ["--eval", script] if script is not None else ["--file", file]
    result = _run([MONGOSH, uri, "--quiet", "--norc", *what], 300, home)
    assert result.returncode == 0, f"mongosh: {result.returncode}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def mongosh_typed(uri: str, home: Path, typed: str) -> str:
    """The shell with its greeting and prompt, and lines as somebody types them."""
    result = _run([MONGOSH, uri, "--norc"], 300, home, typed)
    assert result.returncode == 0, f"mongosh: {result.returncode}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def node(script: Path, home: Path, *args: str) -> str:
    """Runs a script; fails with its output if it does."""
    result = _run(["node", script, *args], 300, home)
    assert result.returncode == 0, f"{script.name}: {result.returncode}\n{result.stdout}\n{result.stderr}"
    return result.stdout
