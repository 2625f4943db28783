"""Fixtures. One KMIP server and one encrypted database server serve the whole run; tests that stop,
kill or abuse a server start one of their own."""

import itertools
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from support import own_kmip, process  # noqa: E402
from support.certificates import Authority  # noqa: E402
from support.data import fill  # noqa: E402
from support.kmip import PyKmip  # noqa: E402
from support.paths import PYKMIP_SERVER, STRONGROOMD  # noqa: E402
from support.server import KmipAccess, Strongroomd  # noqa: E402


def pytest_sessionstart(session):
    for program in (STRONGROOMD, PYKMIP_SERVER):
        if not program.exists():
            pytest.exit(f"{program} is not there; ./scripts/test makes everything", returncode=3)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows the end of every child's output below a failure."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for child in list(process.RUNNING):
            report.sections.append((f"output of {child.name} ({child.pid})", child.tail()))


@pytest.fixture(scope="session")
def ca(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "Test CA")


@pytest.fixture(scope="session")
def pykmip(tmp_path_factory, ca):
    """A KMIP server for the whole run."""
    server = ca.issue("kmip-server", server_names=["127.0.0.1", "localhost"])
    kmip = PyKmip(tmp_path_factory.mktemp("pykmip"), ca, server).start()
    yield kmip
    kmip.stop()


@pytest.fixture(scope="session")
def kmip_access(pykmip, ca) -> KmipAccess:
    """The access of the session's server."""
    return KmipAccess(pykmip, ca, ca.issue("strongroom"))


_clients = itertools.count(1)


@pytest.fixture
def own_access(request, pykmip, ca, tmp_path) -> KmipAccess:
    """Access with a certificate of the test's own, so that it sees only keys of its own. The test may ask for a KMIP
    server of ours (`support.own_kmip`)."""
    kind = getattr(request, "param", "PyKMIP")
    if kind == "PyKMIP":
        yield KmipAccess(pykmip, ca, ca.issue(f"client-{next(_clients)}"))
        return
    access = own_kmip.start(kind, tmp_path / "kmip")
    yield access
    access.server.stop()


@pytest.fixture(params=["PyKMIP", "embedded", "kmipd"])
def access(request, own_access, tmp_path):
    """Access to a KMIP server: one that is not ours, and ours. For what must go with each."""
    if request.param == "PyKMIP":
        yield own_access
        return
    access = own_kmip.start(request.param, tmp_path / "kmip")
    yield access
    access.server.stop()


@pytest.fixture
def make_server(tmp_path):
    """Makes servers that end with the test."""
    servers = []

    def make(options: list[str] | None = None, name: str | None = None) -> Strongroomd:
        directory = tmp_path / (name or f"server-{len(servers)}")
        server = Strongroomd(directory, list(options or []))
        servers.append(server)
        return server

    yield make
    for server in servers:
        server.close()


@pytest.fixture
def running(make_server, own_access):
    """An encrypted server of the test's own, with a little data."""
    server = make_server(own_access.options()).start()
    fill(server)
    return server


@pytest.fixture(scope="session")
def server(tmp_path_factory, kmip_access):
    """The encrypted server that most tests use."""
    server = Strongroomd(tmp_path_factory.mktemp("strongroomd"), kmip_access.options()).start()
    yield server
    # After all that the tests have sent, it is still the same process, and stops cleanly.
    assert server.starts == 1 and server.is_running(), server.process and server.process.tail()
    assert server.stop() == 0, server.output()[-4000:]


@pytest.fixture(scope="session")
def client(server):
    with server.client() as client:
        yield client


_databases = itertools.count(1)


@pytest.fixture
def db(client):
    """An empty database of the test's own."""
    database = client[f"test_{next(_databases)}"]
    yield database
    client.drop_database(database.name)


@pytest.fixture
def coll(db):
    """An empty collection."""
    return db["things"]
