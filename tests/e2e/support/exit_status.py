"""The exit statuses by name, from the page that operators read."""

import re

from .paths import ROOT

_ROW = re.compile(r"^\| (\d+) \| (\w+) \|")


def statuses() -> dict[str, int]:
    page = (ROOT / "docs" / "exit-statuses.md").read_text()
    rows = (_ROW.match(line) for line in page.splitlines())
    return {row[2]: int(row[1]) for row in rows if row}
