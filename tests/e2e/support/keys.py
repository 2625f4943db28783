"""What the tests of rotation and migration have in common."""

import json
import subprocess

import pymongo
import pytest

from .paths import STRONGROOM
from .server import ENVIRONMENT


def tool(*args, check: bool = True, env: dict | None = None) -> subprocess.CompletedProcess:
    """Runs `strongroom keys …`."""
    done = subprocess.run(
        [str(STRONGROOM), "keys", *(str(arg) for arg in args)],
        capture_output=True,
        text=True,
        timeout=120,
        env=env or ENVIRONMENT,
    )
    if check:
        assert done.returncode == 0, done.stdout + done.stderr
    return done


def tool_json(*args) -> dict:
    return json.loads(tool(*args, "--json").stdout)


def host(server) -> list[str]:
    return ["--host", f"127.0.0.1:{server.port}"]


def encryption(client) -> dict:
    return client.admin.command("serverStatus")["encryptionAtRest"]


def key_id(client) -> str:
    return encryption(client)["encryptionKeyId"]["kmip"]["keyId"]


def saved(server) -> dict:
    """What the keystore of a server says, without any key."""
    return tool_json("status", "--dbpath", server.dbpath)


def start_rotating(server, options: list[str]) -> tuple[int, str]:
    """A start with --kmipRotateMasterKey, which ends by itself: status and output."""
    before = server.options
    server.options = options + ["--kmipRotateMasterKey", "true"]
    process = server.spawn()
    status = process.wait(90)
    server.process = None
    server.options = before
    return status, server.output()


def log_lines(server, message: str) -> list[dict]:
    return [line.get("attr", {}) for line in server.log() if line.get("msg") == message]


def reset_environment(variables: dict) -> dict:
    return {**ENVIRONMENT, **variables}


def own_keys(client) -> dict[str, dict]:
    return {entry["name"]: entry for entry in encryption(client).get("databases", [])}


def locked(client, name: str) -> bool:
    return own_keys(client)[name]["locked"]


def refused_with_key_not_found(client, name: str):
    with pytest.raises(pymongo.errors.OperationFailure) as refused:
        client[name]["orders"].find_one()
    assert refused.value.code == 211, refused.value
    return str(refused.value)
