//! The server's settings.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use kmip::Limits;
use tls::ServerTls;

/// Everything that a [`crate::Server`] needs to know.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where to listen; port 0 takes a free one ([`crate::Server::local_addr`]).
    pub listen: SocketAddr,
    /// The certificate, and whose clients to admit. The common name of a client's certificate is
    /// the owner of its objects, so [`tls::ClientAuth::Required`] it should be.
    pub tls: ServerTls,
    /// Where objects are kept ([`crate::FileStore`]).
    pub directory: PathBuf,
    /// The file of the key-encryption key; `None` is `kek` in `directory`.
    pub key_file: Option<PathBuf>,
    /// Bounds on what a client may send.
    pub limits: Limits,
    /// How many connections there may be at once; more are closed at once. Default 256.
    pub max_connections: usize,
    /// For the TLS handshake. Default 5 s.
    pub handshake_timeout: Duration,
    /// How long a connection may be silent between two requests. Default 10 min.
    pub idle_timeout: Duration,
    /// For a whole message once it has begun, and for each answer to be taken. Default 10 s.
    pub message_timeout: Duration,
    /// How long a shutdown waits for requests that are under way. Default 5 s.
    pub drain_timeout: Duration,
}

impl ServerConfig {
    /// Listens there, with this certificate, on this directory; the defaults otherwise.
    pub fn new(listen: SocketAddr, tls: ServerTls, directory: impl Into<PathBuf>) -> Self {
        Self {
            listen,
            tls,
            directory: directory.into(),
            key_file: None,
            limits: Limits::DEFAULT,
            max_connections: 256,
            handshake_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(600),
            message_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(5),
        }
    }
}
