//! The server's settings.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kmip::Limits;
use tls::ServerTls;

use crate::audit::{AuditSink, NoAudit};
use crate::clients::RequestRate;
use crate::clock::Clock;
use crate::costs::CryptoLimits;
use crate::identity::{Authority, CommonNameAuthority};
use crate::store::KeySource;

/// Everything that a [`crate::Server`] needs to know.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where to listen; port 0 takes a free one ([`crate::Server::local_addr`]).
    pub listen: SocketAddr,
    /// The certificate, and whose clients to admit. A client's certificate says who it is, so
    /// [`tls::ClientAuth::Required`] it should be, or [`tls::ClientAuth::Unrevoked`].
    pub tls: ServerTls,
    /// Where objects are kept: a directory of the server's own.
    pub directory: PathBuf,
    /// Where the key-encryption key comes from. Default: the file `kek` in `directory`.
    pub key: KeySource,
    /// Who clients are and what they may do. Default: [`CommonNameAuthority`].
    pub authority: Arc<dyn Authority>,
    /// What is told of every batch item. Default: [`NoAudit`].
    pub audit: Arc<dyn AuditSink>,
    /// Bounds on what a client may send.
    pub limits: Limits,
    /// Which cryptography clients may ask for, and how much of it.
    pub crypto: CryptoLimits,
    /// A clock of its own, for tests. Default: the operating system's. (TLS and the audit go by the latter always.)
    pub clock: Option<Arc<dyn Clock>>,
    /// How many connections there may be at once, after their handshake. For one more, the one that has been idle
    /// for the longest is closed; if none is idle, the new one. Default 256.
    pub max_connections: usize,
    /// How many of them one client may have. Default 256.
    pub max_connections_per_client: usize,
    /// How many handshakes may be under way at once. One more ends the oldest: a client that means it
    /// takes milliseconds. Default 128.
    pub max_handshakes: usize,
    /// How many batch items one client may send; requests beyond are refused. Default: no bound.
    pub request_rate: Option<RequestRate>,
    /// For the TLS handshake. Default 5 s.
    pub handshake_timeout: Duration,
    /// How long a connection may be silent between two requests. Default 10 min.
    pub idle_timeout: Duration,
    /// For a whole message once it has begun, and for each answer to be taken. Default 10 s.
    pub message_timeout: Duration,
    /// For the items of one request together: when it is over, those that have not begun are answered with a
    /// failure. Default 30 s.
    pub request_timeout: Duration,
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
            key: KeySource::default(),
            authority: Arc::new(CommonNameAuthority),
            audit: Arc::new(NoAudit),
            limits: Limits::DEFAULT,
            crypto: CryptoLimits::default(),
            clock: None,
            max_connections: 256,
            max_connections_per_client: 256,
            max_handshakes: 128,
            request_rate: None,
            handshake_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(600),
            message_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(5),
        }
    }
}
