//! Certificates for both sides.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kmip_client::{Client, ClientConfig, ServerAddress, Session};
use kmip_peer::{Certificates, Peer};
use tempfile::TempDir;
use tls::dev_pki::{CertificateAuthority, Request};
use tls::{ClientTls, IdentityFiles, Trust};

/// A certificate authority, a client's certificate, and a directory for them.
pub(crate) struct Rig {
    directory: TempDir,
    pub(crate) authority: CertificateAuthority,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(
            CertificateAuthority::new("test CA").unwrap(),
            &Request::client("db-1"),
        )
    }

    pub(crate) fn with(authority: CertificateAuthority, client: &Request) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("ca.pem"), authority.certificate_pem()).unwrap();
        authority
            .issue(client)
            .unwrap()
            .write_combined(&directory.path().join("client.pem"))
            .unwrap();
        Self {
            directory,
            authority,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn client_file(&self) -> PathBuf {
        self.path().join("client.pem")
    }

    /// A client with generous time-outs: they must not be what a test ends by unless it is about them.
    pub(crate) fn config(&self, server: &str) -> ClientConfig {
        let tls = ClientTls {
            trust: Trust::only(self.ca()),
            identity: Some(IdentityFiles::combined(self.client_file())),
        };
        ClientConfig {
            connect_timeout: Duration::from_secs(300),
            operation_timeout: Duration::from_secs(300),
            max_backoff: Duration::from_millis(10),
            ..ClientConfig::new(vec![ServerAddress::parse(server, 1).unwrap()], tls)
        }
    }

    /// The same for several servers.
    pub(crate) fn config_of(&self, servers: &[SocketAddr]) -> ClientConfig {
        let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
        ClientConfig {
            servers: ServerAddress::parse_list(&servers.join(","), 1).unwrap(),
            ..self.config("localhost:1")
        }
    }

    /// A session with this peer.
    pub(crate) async fn session(&self, peer: &Peer) -> Session {
        let client = self.client(&peer.address.to_string());
        client.connect().await.unwrap()
    }

    pub(crate) fn client(&self, server: &str) -> Client {
        Client::new(self.config(server)).unwrap()
    }
}

impl Certificates for Rig {
    fn server_file(&self, request: &Request) -> PathBuf {
        let path = self.path().join("server.pem");
        self.authority
            .issue(request)
            .unwrap()
            .write_combined(&path)
            .unwrap();
        path
    }

    fn ca(&self) -> PathBuf {
        self.path().join("ca.pem")
    }
}

/// Runs to its end what must end by itself, long before this. It is no measurement: it only keeps a test that hangs from
/// hanging for ever.
pub(crate) async fn ends<T>(future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(240), future).await {
        Ok(result) => result,
        Err(_) => panic!("the client hangs"),
    }
}
