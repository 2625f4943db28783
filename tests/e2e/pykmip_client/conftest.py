"""`kmipd`, for PyKMIP's client in each version that it speaks."""

import itertools

import pytest

from support.kmipd import Kmipd
from support.pykmip import VERSIONS


@pytest.fixture(scope="session")
def kmipd_for_pykmip(tmp_path_factory):
    """The program as `kmipd init` sets it up, with a tenant for each version."""
    kmipd = Kmipd(tmp_path_factory.mktemp("kmipd") / "kmipd")
    config = kmipd.directory / "kmipd.yaml"
    tenants = "".join(f"  - {version.name}\n" for version in VERSIONS)
    config.write_text(config.read_text().replace("  - default\n", "  - default\n" + tenants))
    for version in VERSIONS:
        kmipd.add_client(version.name, "--tenant", version.name, "--role", "admin")
    kmipd.start()
    yield kmipd
    # After all of it, the same process stops cleanly, and its audit is whole.
    assert kmipd.starts == 1
    assert kmipd.stop() == 0
    assert kmipd.audit()[-1]["event"] == "stop"


def by_version(*versions):
    """A fixture: a connection of a version's own tenant, in each of the versions."""

    @pytest.fixture(params=versions, ids=lambda version: version.name)
    def connection(kmipd_for_pykmip, request):
        with kmipd_for_pykmip.pykmip(request.param.name, request.param) as client:
            yield client

    return connection


client = by_version(*VERSIONS)
until_1_1 = by_version(*(version for version in VERSIONS if version.value < 1.2))
since_1_2 = by_version(*(version for version in VERSIONS if version.value >= 1.2))
until_1_4 = by_version(*(version for version in VERSIONS if version.value < 2.0))

_names = itertools.count(1)


@pytest.fixture
def unique():
    """A name that no other object has."""
    return f"name-{next(_names)}"
