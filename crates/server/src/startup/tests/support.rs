//! A KMIP server, its certificates, and dbpaths.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kmip_client::{Client, ClientConfig, ServerAddress, Session};
use kmip_server::{Server, ServerConfig, Stats};
use tempfile::TempDir;
use tls::dev_pki::{CertificateAuthority, Request};
use tls::{ClientAuth, ClientTls, IdentityFiles, ServerTls, Trust};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::exit::ExitStatus;
use crate::startup::{EncryptionOptions, KmipOptions, MasterKeySource, Opened, StartupError, open};

/// Long enough for a machine that is busy; nothing waits for it to pass.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// A KMIP server with an authority of its own, in a directory that holds the dbpath, too.
pub(super) struct World {
    directory: TempDir,
    pub(super) authority: CertificateAuthority,
    pub(super) address: SocketAddr,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
    /// Of each time that the server was started.
    stats: Vec<Arc<Stats>>,
}

impl World {
    pub(super) async fn new() -> World {
        World::with_server_names(&["localhost", "127.0.0.1"]).await
    }

    /// The server's certificate is for these names.
    pub(super) async fn with_server_names(names: &[&str]) -> World {
        let directory = tempfile::tempdir().unwrap();
        let authority = CertificateAuthority::new("Test CA").unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("ca.pem"), authority.certificate_pem()).unwrap();
        let issue = |request: &Request, name: &str| {
            let issued = authority.issue(request).unwrap();
            issued.write_combined(&path(name)).unwrap();
        };
        issue(&Request::server(names), "server.pem");
        issue(&Request::client("strongroomd"), "client.pem");
        for name in ["kmip", "db"] {
            fs::create_dir(path(name)).unwrap();
        }
        let mut world = World {
            directory,
            authority,
            address: "127.0.0.1:0".parse().unwrap(),
            running: None,
            stats: Vec::new(),
        };
        world.start().await;
        world
    }

    /// Starts the server, again on the address that it had.
    pub(super) async fn start(&mut self) {
        let tls = ServerTls {
            identity: IdentityFiles::combined(self.path("server.pem")),
            client_auth: ClientAuth::Required(Trust::only(self.path("ca.pem"))),
        };
        let config = ServerConfig::new(self.address, tls, self.path("kmip"));
        let server = Server::bind(config).await.unwrap();
        self.address = server.local_addr();
        self.stats.push(server.handle().stats().clone());
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        self.running = Some((stop, task));
    }

    /// Another server of the same authority, with objects of its own; it runs until the test ends.
    pub(super) async fn add_server(&self, directory: &str) -> SocketAddr {
        let tls = ServerTls {
            identity: IdentityFiles::combined(self.path("server.pem")),
            client_auth: ClientAuth::Required(Trust::only(self.path("ca.pem"))),
        };
        fs::create_dir(self.path(directory)).unwrap();
        let listen = "127.0.0.1:0".parse().unwrap();
        let config = ServerConfig::new(listen, tls, self.path(directory));
        let server = Server::bind(config).await.unwrap();
        let address = server.local_addr();
        tokio::spawn(server.run(std::future::pending()));
        address
    }

    /// Stops the server; its port refuses connections from then on.
    pub(super) async fn stop_server(&mut self) {
        if let Some((stop, task)) = self.running.take() {
            let _ = stop.send(());
            task.await.unwrap();
        }
    }

    /// A file or directory beside the dbpath.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn dbpath(&self) -> PathBuf {
        self.path("db")
    }

    pub(super) fn tls(&self) -> ClientTls {
        ClientTls {
            trust: Trust::only(self.path("ca.pem")),
            identity: Some(IdentityFiles::combined(self.path("client.pem"))),
        }
    }

    pub(super) fn kmip(&self) -> KmipOptions {
        let server = ServerAddress::parse("127.0.0.1", self.address.port()).unwrap();
        let mut options = KmipOptions::new(vec![server], self.tls());
        options.connect_timeout = CONNECT_TIMEOUT;
        options
    }

    /// Another client of the server, of the same name: sees the same keys.
    pub(super) async fn session(&self) -> Session {
        let kmip = self.kmip();
        let mut config = ClientConfig::new(kmip.servers, kmip.tls);
        config.connect_timeout = CONNECT_TIMEOUT;
        Client::new(config).unwrap().connect().await.unwrap()
    }

    /// Starts with these options on the dbpath.
    pub(super) async fn open(&self, kmip: KmipOptions) -> Result<Opened, StartupError> {
        open(&self.dbpath(), Some(&encrypted(kmip))).await
    }

    /// The start is refused with this status, its message has all of `expected`, and nothing was changed:
    /// not in the dbpath, not on the KMIP server.
    pub(super) async fn refused(
        &self,
        options: Option<&EncryptionOptions>,
        status: ExitStatus,
        expected: &[&str],
    ) {
        let before = (snapshot(&self.dbpath()), self.kmip_changes());
        let error = open(&self.dbpath(), options).await.map(drop).unwrap_err();
        let message = error.to_string();
        assert_eq!(error.exit_status(), status, "{message}");
        for part in expected {
            assert!(message.contains(part), "{part} is not in: {message}");
        }
        let after = (snapshot(&self.dbpath()), self.kmip_changes());
        assert!(before == after, "changed something: {message}");
    }

    pub(super) async fn refused_kmip(
        &self,
        kmip: KmipOptions,
        status: ExitStatus,
        expected: &[&str],
    ) {
        self.refused(Some(&encrypted(kmip)), status, expected).await;
    }

    /// How many keys have been made on the KMIP server since the world began.
    pub(super) fn keys_made(&self) -> u64 {
        self.succeeded(|operation| matches!(operation, "Create" | "Register"))
    }

    /// How many operations that change something have succeeded on the KMIP server since the world began.
    pub(super) fn kmip_changes(&self) -> u64 {
        const LOOKS: [&str; 6] = [
            "Get",
            "GetAttributes",
            "GetAttributeList",
            "Locate",
            "Query",
            "DiscoverVersions",
        ];
        self.succeeded(|operation| !LOOKS.contains(&operation))
    }

    fn succeeded(&self, counts: impl Fn(&str) -> bool) -> u64 {
        let stats = self.stats.iter().flat_map(|stats| stats.operations());
        stats
            .filter(|count| counts(count.operation))
            .map(|count| count.succeeded)
            .sum()
    }
}

pub(super) fn encrypted(kmip: KmipOptions) -> EncryptionOptions {
    EncryptionOptions {
        cipher: None,
        master_key: MasterKeySource::Kmip(Box::new(kmip)),
    }
}

pub(super) fn key_file(path: PathBuf) -> EncryptionOptions {
    EncryptionOptions {
        cipher: None,
        master_key: MasterKeySource::KeyFile(path),
    }
}

/// The unique identifier of the master key.
pub(super) fn identifier(opened: &Opened) -> String {
    let keystore = opened.keystore.as_ref().unwrap();
    keystore.info().master_key.identifier.unwrap()
}

/// Makes a file its owner's only.
pub(super) fn set_private(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// All files below a directory and what is in them; nothing for a directory that is not there.
pub(super) fn snapshot(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut directories = vec![directory.to_path_buf()];
    while let Some(directory) = directories.pop() {
        let Ok(entries) = fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => directories.push(path),
                false => drop(files.insert(path.clone(), fs::read(&path).unwrap())),
            }
        }
    }
    files
}
