"""A dbpath and the configuration files of its server."""

import base64

from .exit_status import statuses


class Place:
    """A dbpath, and configuration files that say where its master key is."""

    def __init__(self, server, directory):
        self.server = server
        self.directory = directory
        directory.mkdir(exist_ok=True)

    def _write(self, name, security) -> str:
        path = self.directory / f"{name}.conf"
        path.write_text(
            f"storage:\n  dbPath: {self.server.dbpath}\n"
            f"net:\n  port: {self.server.port}\n  bindIp: 127.0.0.1\n"
            f"security:\n  enableEncryption: true\n{security}"
        )
        return str(path)

    def kmip(self, name, access, **options) -> str:
        lines = {
            "serverName": "127.0.0.1",
            "port": access.server.port,
            "serverCAFile": access.ca.file,
            "clientCertificateFile": access.client.both,
            **options,
        }
        text = "".join(f"    {key}: {value}\n" for key, value in lines.items())
        return self._write(name, "  kmip:\n" + text)

    def key_file(self, name, key: bytes) -> str:
        path = self.directory / f"{name}.key"
        path.write_text(base64.b64encode(key).decode())
        path.chmod(0o600)
        return self._write(name, f"  encryptionKeyFile: {path}\n")

    def start(self, config):
        self.server.dbpath.mkdir(parents=True, exist_ok=True)
        self.server.spawn(["--config", config], own_options=False)
        return self.server

    def run(self, config):
        """Starts it and waits until it answers."""
        self.start(config)
        with self.server.client() as client:
            client.admin.command("ping")

    def fill(self, config):
        self.start(config)
        with self.server.client() as client:
            client["shop"]["orders"].insert_many([{"_id": i, "v": f"v{i}"} for i in range(50)])
        assert self.server.stop() == 0

    def check(self, config):
        self.start(config)
        with self.server.client() as client:
            assert client["shop"]["orders"].count_documents({}) == 50
        assert self.server.stop() == 0

    def refused(self, config, status: str):
        self.start(config)
        assert self.server.process.wait(60) == statuses()[status], self.server.output()
        self.server.process = None
