//! Why a server cannot start or go on.

use std::net::SocketAddr;

use thiserror::Error;

use crate::store::StoreError;

/// Why a server cannot start or go on. What a client does wrong is answered to the client instead.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A certificate or key file cannot be used.
    #[error("KMIP server: {0}")]
    Tls(#[from] tls::Error),
    /// The objects cannot be opened.
    #[error("KMIP server: {0}")]
    Store(#[from] StoreError),
    /// The address cannot be listened on.
    #[error("KMIP server: cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The thread that answers changes cannot be started.
    #[error("KMIP server: cannot start a thread: {source}")]
    Thread {
        /// What the operating system said.
        source: std::io::Error,
    },
}
