//! One server in use: a connection that is made again when it breaks.

use std::fmt;
use std::net::SocketAddr;

use kmip::ProtocolVersion;
use kmip::operations::Request;
use tracing::debug;

use crate::client::Established;
use crate::exchange::exchange;
use crate::{Client, Error, ErrorKind, Result, ServerAddress};

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

    /// Sends any operation of the `kmip` crate, once. Nothing is looked at beyond what KMIP asks for, and nothing is
    /// repeated: where a method of its own exists, it knows more about its operation.
    ///
    /// # Errors
    /// Those of the connection and the server's refusal. [`Error::outcome_is_unknown`] tells whether what was asked may
    /// have been done nevertheless.
    pub async fn request<Q: Request>(&mut self, request: Q) -> Result<Q::Response> {
        self.call_once(request).await
    }

    /// Sends an operation once. When the answer is missing, what was asked may have been done.
    pub(crate) async fn call_once<Q: Request>(&mut self, request: Q) -> Result<Q::Response> {
        // Taken, and put back after a complete exchange: if this future is dropped in the middle, the connection is
        // closed, and nobody takes a late answer for that to another question.
        let mut established = match self.established.take() {
            Some(established) => established,
            None => self.reconnect().await?,
        };
        let config = self.client.config();
        let answer = exchange(
            &mut established.connection,
            established.version,
            &config.limits,
            request,
            config.operation_timeout,
        )
        .await
        .map_err(|error| self.at_here(error, Q::OPERATION))?;
        self.established = Some(established);
        answer
            .outcome
            .map_err(|refusal| self.at_here(refusal.into_error(), Q::OPERATION))
    }

    /// Sends an operation that may be done twice without harm: again, once, on a new connection, when the one in use
    /// turns out to be broken (servers close connections that were idle).
    pub(crate) async fn call<Q: Request + Clone>(&mut self, request: Q) -> Result<Q::Response> {
        let was_connected = self.established.is_some();
        match self.call_once(request.clone()).await {
            Err(error) if was_connected && *error.kind() == ErrorKind::ConnectionLost => {
                debug!(%error, "asking again on a new connection");
                self.call_once(request).await
            }
            answer => answer,
        }
    }

    async fn reconnect(&mut self) -> Result<Established> {
        let established = self.client.attempt(&self.server).await?;
        self.address = established.connection.address();
        self.version = established.version;
        Ok(established)
    }

    pub(crate) fn at_here(&self, error: Error, operation: kmip::registry::Operation) -> Error {
        error
            .at_server(&self.server)
            .at_address(self.address)
            .in_operation(operation)
    }

    /// The identifier of an object that the server has made.
    pub(crate) fn identifier(
        &self,
        identifier: kmip::UniqueIdentifier,
        operation: kmip::registry::Operation,
    ) -> Result<String> {
        match identifier {
            kmip::UniqueIdentifier::Text(text) => Ok(text),
            other => Err(self.at_here(
                Error::new(ErrorKind::Protocol, format!("{other} is no identifier")),
                operation,
            )),
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("server", &self.server)
            .field("address", &self.address)
            .field("version", &self.version)
            .field("is_connected", &self.established.is_some())
            .finish_non_exhaustive()
    }
}
