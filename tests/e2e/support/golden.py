"""Texts that users read, kept as files: `UPDATE_GOLDEN=1` writes them anew."""

import os
import re
from pathlib import Path

DIRECTORY = Path(__file__).resolve().parents[1] / "golden"

_MASKS = [
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:<port>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"), "<time>"),
    (re.compile(r"\b\d{10} \(UNIX\)"), "<time>"),
    (re.compile(r"not valid after \d{10} \(\d+ seconds ago\)"), "not valid after <time>"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<tree>"),
    (re.compile(r"\bclient-\d+"), "<client>"),
    (re.compile(r"\bserver-\d+/db"), "<dbpath>"),
]


def mask(text: str, temporary: Path, words: dict[str, str]) -> str:
    """Takes out what differs from run to run: `words` as given, and paths, ports, times, identifiers."""
    text = re.sub(re.escape(str(temporary)) + r"/[^/\s]+", "<tmp>", text)
    for pattern, name in _MASKS:
        text = pattern.sub(name, text)
    for word, name in words.items():
        # PyKMIP numbers its keys from 1, as we do generations.
        text = re.sub(rf"(?<!generation )(?<![\w./-]){re.escape(word)}(?![\w/-])", name, text)
    return text


def check(name: str, text: str):
    """Compares with the file, or writes it."""
    path = DIRECTORY / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    expected = path.read_text() if path.exists() else ""
    assert text == expected, f"not what {path.name} says; UPDATE_GOLDEN=1 if that is meant"


def refusal(name: str, status: int, output: str, temporary: Path, words: dict[str, str]):
    """The exit status and message of a program that refused to start."""
    at = ("\n" + output).rfind("\nstrongroomd: ")
    assert at >= 0, f"no message in:\n{output}"
    message = mask(output[at:], temporary, words)
    check(f"start/{name}", f"exit status {status}\n{message}")
