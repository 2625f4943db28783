"""The shell, as people use it."""

import pytest

from support.node import mongosh, mongosh_typed
from support.paths import ROOT


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("mongosh-home")


def test_a_whole_session(server, home):
    output = mongosh(server.uri, home, file=ROOT / "tests" / "mongosh" / "session.js")
    assert "session complete" in output


def test_show_databases_and_collections(server, client, home):
    client["shown_database"]["shown_collection"].insert_one({"_id": 1, "v": "shown value"})
    output = mongosh(server.uri, home, script="show dbs")
    assert "shown_database" in output
    uri = server.uri.replace("/?", "/shown_database?")
    output = mongosh(uri, home, script="show collections")
    assert "shown_collection" in output
    output = mongosh(uri, home, script="db.shown_collection.find()")
    assert "shown value" in output
    client.drop_database("shown_database")


def test_what_the_shell_asks_at_its_start(server, home):
    output = mongosh_typed(server.uri, home, "db.version()\nshow dbs\nexit\n")
    assert "Using MongoDB" in output
    assert "Access control is not enabled" in output, "the warnings of the server's start"


def test_helpers(server, home):
    script = """
        const assert = require('node:assert/strict');
        assert.equal(db.runCommand({ ping: 1 }).ok, 1);
        assert.equal(db.hello().isWritablePrimary, true);
        assert.equal(typeof db.serverBuildInfo().version, 'string');
        assert.equal(db.stats().ok, 1);
        assert.equal(db.serverStatus().ok, 1);
        assert.equal(db.serverCmdLineOpts().ok, 1);
        assert.equal(typeof db.adminCommand({ listCommands: 1 }).commands.find, 'object');
    """
    script += "try { db.runCommand({noSuchCommand: 1}); } catch (e) { assert.equal(e.code, 59); print('refused'); }"
    assert "refused" in mongosh(server.uri, home, script=script)


def test_errors_are_shown(server, home):
    script = "db.getSiblingDB('x').c.find({a: {$nonsense: 1}}).toArray()"
    with pytest.raises(AssertionError) as error:
        mongosh(server.uri, home, script=script)
    assert "$nonsense" in str(error.value)
