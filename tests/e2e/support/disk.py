"""Searching what lies on the disk."""

from pathlib import Path


def find(directory: Path, needles: dict[str, bytes]) -> dict[str, list[str]]:
    """The needles (by what they are) that occur in any file's content, name or folder's name below
    the directory, with the places."""
    found: dict[str, list[str]] = {}
    for path in sorted(directory.rglob("*")):
        name = bytes(path.relative_to(directory))
        content = path.read_bytes() if path.is_file() else b""
        for what, needle in needles.items():
            if needle in content or needle in name:
                found.setdefault(what, []).append(str(path.relative_to(directory)))
    return found


def snapshot(directory: Path) -> dict[str, bytes]:
    """All files below the directory with their content, to compare before and after."""
    return {
        str(path.relative_to(directory)): path.read_bytes() if path.is_file() else b"<dir>"
        for path in sorted(directory.rglob("*"))
    }
