//! KMIP servers with an authority of their own, in a directory that holds the dbpaths, too.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keystore::provider::key_file;
use keystore::provider::kmip::KmipKeys;
use keystore::{Cipher, Keystore, MasterKey, MasterKeyRef, Provider, key_name};
use kmip_client::{Client, ClientConfig, NewSymmetricKey, ServerAddress, Session, VersionPolicy};
use kmip_peer::Certificates;
use kmip_server::{Server, ServerConfig};
use tempfile::TempDir;
use tls::dev_pki::{CertificateAuthority, Request};
use tls::{ClientAuth, ClientTls, IdentityFiles, ServerTls, Trust};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Long enough for a machine that is busy; nothing waits for it to pass.
const TIMEOUT: Duration = Duration::from_secs(300);

/// A directory with certificates, in which KMIP servers run.
pub(crate) struct World {
    directory: TempDir,
    authority: CertificateAuthority,
    servers: Vec<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

impl World {
    /// Certificates, and one KMIP server; its port.
    pub(crate) async fn new() -> (World, u16) {
        let directory = tempfile::tempdir().unwrap();
        let authority = CertificateAuthority::new("Test CA").unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("ca.pem"), authority.certificate_pem()).unwrap();
        let issue = |request: &Request, name: &str| {
            let issued = authority.issue(request).unwrap();
            issued.write_combined(&path(name)).unwrap();
        };
        let server = authority.issue(&Request::server(&["localhost", "127.0.0.1"]));
        let server = server.unwrap();
        server.write_combined(&path("server.pem")).unwrap();
        // PyKMIP wants them in two files.
        std::fs::write(path("server.crt"), &server.certificate_pem).unwrap();
        std::fs::write(path("server.key"), server.key_pem.as_bytes()).unwrap();
        issue(&Request::client("strongroomd"), "client.pem");
        let mut world = World {
            directory,
            authority,
            servers: Vec::new(),
        };
        let port = world.another_server().await;
        (world, port)
    }

    /// One more KMIP server; its port.
    pub(crate) async fn another_server(&mut self) -> u16 {
        let directory = self.path(&format!("kmip-{}", self.servers.len()));
        std::fs::create_dir(&directory).unwrap();
        let config =
            ServerConfig::new("127.0.0.1:0".parse().unwrap(), self.server_tls(), directory);
        let server = Server::bind(config).await.unwrap();
        let port = server.local_addr().port();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        self.servers.push(Some((stop, task)));
        port
    }

    /// Stops the KMIP server of that number, from 0: its port refuses connections from then on.
    pub(crate) async fn stop(&mut self, number: usize) {
        let (stop, task) = self.servers[number].take().unwrap();
        stop.send(()).unwrap();
        task.await.unwrap();
    }

    pub(crate) fn server_tls(&self) -> ServerTls {
        ServerTls {
            identity: IdentityFiles::combined(self.path("server.pem")),
            client_auth: ClientAuth::Required(Trust::only(self.path("ca.pem"))),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn site(&self, port: u16) -> Site {
        Site {
            directory: self.directory.path().to_path_buf(),
            port,
            version: VersionPolicy::default(),
            others: Vec::new(),
        }
    }

    /// A new directory.
    pub(crate) fn dbpath(&self) -> PathBuf {
        let dbpath = self.path(&Uuid::new_v4().to_string());
        std::fs::create_dir(&dbpath).unwrap();
        dbpath
    }

    /// A key file of this byte.
    pub(crate) fn key_file(&self, byte: u8) -> PathBuf {
        use base64::Engine as _;
        let path = self.path(&format!("key-{byte}"));
        let text = base64::engine::general_purpose::STANDARD.encode([byte; 32]);
        tls::write_private(&path, text.as_bytes()).unwrap();
        path
    }
}

/// How to get to a KMIP server of a world, from any process.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) directory: PathBuf,
    pub(crate) port: u16,
    pub(crate) version: VersionPolicy,
    /// The ports of servers that come after it in the list.
    pub(crate) others: Vec<u16>,
}

impl Site {
    pub(crate) fn tls(&self) -> ClientTls {
        ClientTls {
            trust: Trust::only(self.directory.join("ca.pem")),
            identity: Some(IdentityFiles::combined(self.directory.join("client.pem"))),
        }
    }

    /// A list of both servers, this one first.
    pub(crate) fn before(&self, other: &Site) -> Site {
        let mut both = self.clone();
        both.others.push(other.port);
        both
    }

    fn client(&self) -> Client {
        let ports = std::iter::once(&self.port).chain(&self.others);
        let servers = ports.map(|port| ServerAddress::parse("127.0.0.1", *port).unwrap());
        Client::new(ClientConfig {
            connect_timeout: TIMEOUT,
            operation_timeout: TIMEOUT,
            version: self.version,
            ..ClientConfig::new(servers.collect(), self.tls())
        })
        .unwrap()
    }

    /// With `activateKeys`.
    pub(crate) async fn keys(&self) -> KmipKeys {
        self.keys_with(true).await
    }

    pub(crate) async fn keys_with(&self, activate_keys: bool) -> KmipKeys {
        let keys = KmipKeys::connect(self.client(), activate_keys);
        keys.await.unwrap()
    }

    pub(crate) async fn session(&self) -> Session {
        self.client().connect().await.unwrap()
    }

    /// An Active key of this Name; its identifier.
    pub(crate) async fn active_key(&self, name: &str) -> String {
        let mut session = self.session().await;
        let key = NewSymmetricKey::aes256(name);
        let identifier = session.create_symmetric_key(&key).await.unwrap();
        session.activate(&identifier).await.unwrap();
        identifier
    }

    /// The keys with this Name.
    pub(crate) async fn count(&self, name: &str) -> usize {
        let mut session = self.session().await;
        session.locate_by_name(name).await.unwrap().len()
    }

    /// A keystore under a key that was created for it on this server.
    pub(crate) async fn created(&self, dbpath: &Path) -> Arc<Keystore> {
        let id = Uuid::new_v4();
        let name = key_name(id, 1);
        let identifier = self.active_key(&name).await;
        let fetched = self.keys().await.fetch(&identifier).await.unwrap();
        let key = fetched.reference(1, Some(name)).unwrap();
        let keystore = Keystore::create(dbpath, id, Cipher::default(), key, &fetched.key);
        Arc::new(keystore.unwrap())
    }

    /// The master key that the keystore in `dbpath` names.
    pub(crate) async fn master(&self, dbpath: &Path) -> MasterKey {
        let header = Keystore::inspect(dbpath).unwrap().unwrap();
        let key = header.master_key().unwrap();
        assert_eq!(key.provider, Provider::Kmip);
        let mut keys = self.keys().await;
        let opened = keys
            .open_key_in_any_state(key, header.dbpath_id(), None)
            .await;
        opened.unwrap().key
    }

    /// Opens the keystore in `dbpath`, which names a key on this server.
    pub(crate) async fn open(&self, dbpath: &Path) -> Arc<Keystore> {
        let master = self.master(dbpath).await;
        Arc::new(Keystore::open(dbpath, &master).unwrap())
    }
}

/// A keystore under the key in that file.
pub(crate) fn created_from_file(dbpath: &Path, key: &Path) -> Arc<Keystore> {
    let master = key_file::read(key).unwrap();
    let (id, cipher) = (Uuid::new_v4(), Cipher::default());
    let keystore = Keystore::create(dbpath, id, cipher, MasterKeyRef::key_file(1), &master);
    Arc::new(keystore.unwrap())
}

impl Certificates for World {
    fn server_file(&self, request: &Request) -> PathBuf {
        let path = self.path(&format!("peer-{}.pem", Uuid::new_v4()));
        let issued = self.authority.issue(request).unwrap();
        issued.write_combined(&path).unwrap();
        path
    }

    fn ca(&self) -> PathBuf {
        self.path("ca.pem")
    }
}
