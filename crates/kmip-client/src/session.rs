//! One server in use: a connection that is made again when it breaks.

use std::net::SocketAddr;

use kmip::ProtocolVersion;

use crate::client::Established;
use crate::{Client, ServerAddress};

/// One server in use, for a sequence of operations over one connection.
///
/// Methods take `&mut self`: KMIP answers in order, one at a time. Every operation ends within
/// `operation_timeout` (twice that, plus a connection attempt, when it has to be repeated). A future that is
/// dropped half-way costs the connection, not the session: the next operation connects again, to the same server.
pub struct Session {
    pub(crate) client: Client,
    pub(crate) server: ServerAddress,
    pub(crate) address: SocketAddr,
    pub(crate) version: ProtocolVersion,
    /// `None` while an exchange is under way and after one that failed.
    pub(crate) established: Option<Established>,
}

impl Session {
    pub(crate) fn new(client: Client, server: ServerAddress, established: Established) -> Self {
        Self {
            client,
            server,
            address: established.connection.address(),
            version: established.version,
            established: Some(established),
        }
    }

    /// The server that is in use, as configured.
    pub fn server(&self) -> &ServerAddress {
        &self.server
    }

    /// The address of that server that is in use.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The protocol version that both sides agreed on.
    pub fn negotiated_version(&self) -> ProtocolVersion {
        self.version
    }

    /// The client that made the session.
    pub fn client(&self) -> &Client {
        &self.client
    }
}
