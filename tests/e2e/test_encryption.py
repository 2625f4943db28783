"""The main path: keys on a KMIP server that is not ours, data encrypted, start after start."""

import stat

import pytest

from support import disk, own_kmip
from support.exit_status import statuses


def fill(server, n=100):
    with server.client() as client:
        client["shop"]["orders"].insert_many([{"_id": i, "customer": f"c{i}"} for i in range(n)])
        client["shop"]["orders"].create_index("customer", unique=True)


def check(server, n=100):
    with server.client() as client:
        orders = client["shop"]["orders"]
        assert orders.count_documents({}) == n
        assert orders.find_one({"customer": "c7"}) == {"_id": 7, "customer": "c7"}
        assert "customer_1" in orders.index_information()


@own_kmip.ON_KMIPD_TOO
def test_a_fresh_dbpath_creates_and_activates_one_key(make_server, own_access):
    server = make_server(own_access.options())
    server.start()
    fill(server)
    kmip, client = own_access.server, own_access.client
    keys = kmip.identifiers(client)
    assert len(keys) == 1, "one key, created by the server"
    assert kmip.state(client, keys[0]) == "ACTIVE"
    assert len(kmip.key_bytes(client, keys[0])) == 32
    assert server.stop() == 0
    # And it is found again, without a second one.
    server.start()
    check(server)
    assert server.stop() == 0
    assert kmip.identifiers(client) == keys


def test_a_restart_with_the_remembered_identifier_given(make_server, own_access):
    server = make_server(own_access.options()).start()
    fill(server)
    server.stop()
    (key,) = own_access.server.identifiers(own_access.client)
    server.options = own_access.options(key)
    server.start()
    check(server)


@own_kmip.ON_KMIPD_TOO
def test_an_existing_key_by_identifier_and_by_name(make_server, own_access):
    kmip, client = own_access.server, own_access.client
    by_id = kmip.create_key(client, name=f"name of {client.certificate.name}")
    for given in (by_id, f"name of {client.certificate.name}"):
        server = make_server(own_access.options(given)).start()
        fill(server)
        server.stop()
        # The identifier is not needed any more.
        server.options = own_access.options()
        server.start()
        check(server)
        server.stop()
    assert kmip.identifiers(client) == [by_id], "no key was created"


NEWER = """
security:
  enableEncryption: true
  kmip:
    serverName: 127.0.0.1
    port: {port}
    clientCertificateFile: {both}
    serverCAFile: {ca}
    keyIdentifier: {key}
"""

OLDER = """
security:
  enableEncryption: true
  kmip:
    serverName: localhost
    port: {port}
    clientCertificateFile: {certificate}
    clientKeyFile: {private}
    serverCAFile: {ca}
    keyIdentifier: {key}
"""

STOCK = """
storage:
  dbPath: {dbpath}
systemLog:
  destination: file
  logAppend: true
  path: {log}
net:
  port: {listen}
  bindIp: 127.0.0.1
"""


@pytest.mark.parametrize("security", [NEWER, OLDER], ids=["newer document", "older document"])
def test_a_configuration_file_in_the_shape_of_the_documents(make_server, own_access, tmp_path, security):
    key = own_access.server.create_key(own_access.client)
    server = make_server()
    log = tmp_path / "strongroomd.log"
    config = tmp_path / "mongod.conf"
    config.write_text(
        (STOCK + security).format(
            dbpath=server.dbpath,
            log=log,
            listen=server.port,
            port=own_access.server.port,
            both=own_access.client.both,
            certificate=own_access.client.certificate,
            private=own_access.client.key,
            ca=own_access.ca.file,
            key=key,
        )
    )
    server.spawn(["--config", str(config)], own_options=False)
    with server.client() as client:
        client.admin.command("ping")
        options = client.admin.command("getCmdLineOpts")["parsed"]
        assert options["config"] == str(config)
        assert options["security"]["kmip"]["keyIdentifier"] == key
    fill(server)
    assert server.stop() == 0
    assert '"msg":' in log.read_text()


def test_an_encrypted_private_key_and_its_password(make_server, own_access):
    issued = own_access.ca.issue("with-password", password=b"hunter2 hunter2")
    own_access.client = issued
    options = own_access.options() + ["--kmipClientCertificatePassword", "hunter2 hunter2"]
    server = make_server(options).start()
    fill(server)
    with server.client() as client:
        shown = str(client.admin.command("getCmdLineOpts"))
    server.stop()
    assert "hunter2" not in shown
    assert "hunter2" not in server.output()


def test_servers_are_tried_in_order(make_server, own_access):
    from support.process import free_port

    nobody = free_port()
    options = own_access.options()
    at = options.index("--kmipServerName") + 1
    options[at] = f"127.0.0.1:{nobody} , 127.0.0.1"
    server = make_server(options).start()
    fill(server)


def test_the_keystore_is_for_its_owner_only(make_server, own_access):
    server = make_server(own_access.options()).start()
    fill(server)
    server.stop()
    assert stat.S_IMODE((server.dbpath / "keystore").stat().st_mode) == 0o600


def test_the_kmip_server_is_not_needed_once_started(make_server, ca, tmp_path):
    from support.kmip import PyKmip
    from support.server import KmipAccess

    kmip = PyKmip(tmp_path / "kmip", ca, ca.issue("own-kmip", server_names=["127.0.0.1"])).start()
    try:
        access = KmipAccess(kmip, ca, ca.issue("own-client"))
        server = make_server(access.options()).start()
        kmip.stop()
        fill(server)
        check(server)
        # A new database needs a new data key, not the master key's server.
        with server.client() as client:
            client["another"]["things"].insert_one({"_id": 1})
        assert server.stop() == 0
        kmip.start()
        server.start()
        check(server)
        server.stop()
    finally:
        kmip.stop()


def test_a_master_key_is_nowhere_in_the_output(make_server, own_access):
    server = make_server(own_access.options()).start(["-vvvvv"])
    fill(server)
    server.stop()
    (key,) = own_access.server.identifiers(own_access.client)
    material = own_access.server.key_bytes(own_access.client, key)
    output = (server.directory / f"output-{server.starts}.txt").read_bytes()
    for form in (material, material.hex().encode(), material.hex().upper().encode()):
        assert form not in output
    assert not disk.find(server.dbpath, {"the master key": material})


def test_the_other_cipher(make_server, own_access):
    """The dbpath keeps the cipher that it was made with; another one is refused."""
    options = own_access.options()
    cipher = ["--encryptionCipherMode", "XCHACHA20-POLY1305"]
    server = make_server(options + cipher).start()
    fill(server)
    with server.client() as client:
        shown = client.admin.command("serverStatus")["encryptionAtRest"]
    assert shown["encryptionCipherMode"] == "XCHACHA20-POLY1305"
    assert server.stop() == 0
    server.options = options
    server.start()
    check(server)
    server.stop()
    server.options = options + ["--encryptionCipherMode", "AES256-GCM"]
    process = server.spawn()
    assert process.wait(90) == statuses()["CipherMismatch"]
    assert "XCHACHA20-POLY1305" in server.output()


def test_a_master_key_that_never_leaves_its_server(make_server, own_access):
    """wrapOnServer: the server encrypts and decrypts; nobody gets its key."""
    server = make_server(own_access.options() + ["--kmipWrapOnServer"]).start()
    fill(server)
    with server.client() as client:
        section = client.admin.command("serverStatus")["encryptionAtRest"]
    assert section["kmip"]["wrapOnServer"] is True
    assert section["masterKeyHistory"][0]["reason"] == "created"
    server.stop()
    # How a key in use is opened is settled; the option is not needed for it.
    server.options = own_access.options()
    server.start()
    check(server)
    assert server.stop() == 0
    log = (own_access.server.directory / "server.log").read_text()
    (key,) = own_access.server.identifiers(own_access.client)
    assert "Encrypt" in log and "Decrypt" in log
    assert f"Getting a SymmetricKey with ID: {key}" not in log
    # Its client is given the same key, so that it is known what it would have looked like.
    assert not disk.find(server.dbpath, {"the master key": own_access.server.key_bytes(own_access.client, key)})
    log = (own_access.server.directory / "server.log").read_text()
    assert f"Getting a SymmetricKey with ID: {key}" in log, "it would be in the log"
