//! Messages that were written elsewhere, sent as they are.

use std::net::SocketAddr;

use zeroize::Zeroizing;

use crate::connection::Connection;
use crate::session::after;
use crate::{Client, Error, ErrorKind, Result, ServerAddress};

/// What answered a message.
pub struct RawAnswer {
    /// Who answered.
    pub server: ServerAddress,
    /// The whole message, within the limits of the configuration. Nothing else about it was looked at; it may hold keys,
    /// and is wiped when dropped.
    pub bytes: Zeroizing<Vec<u8>>,
}

impl Client {
    /// Sends a message as it is, once, over a connection of its own, and reads what answers it, within
    /// `operation_timeout`.
    ///
    /// The server is the first one that [`Client::connect`] can use; and one whose TLS works, if it is the only one, even
    /// if there is no talking to it otherwise: this is for finding out why.
    ///
    /// # Errors
    /// Those of [`Client::connect`]; `Protocol` for an answer that does not begin as a message of KMIP, or is beyond the
    /// limits; what can happen to a connection. [`Error::outcome_is_unknown`] is true for whatever happens after the
    /// message has been sent.
    pub async fn exchange_message(&self, message: &[u8]) -> Result<RawAnswer> {
        let (server, address) = match self.connect().await {
            Ok(session) => (session.server().clone(), session.address()),
            Err(error) => match (error.server(), error.address()) {
                (Some(server), Some(address)) if speaks_tls(error.kind()) => {
                    (server.clone(), address)
                }
                _ => return Err(error),
            },
        };
        let at_it = |error: Error| error.at_server(&server).at_address(address);
        let bytes = self
            .exchange_with(&server, address, message)
            .await
            .map_err(at_it)?;
        Ok(RawAnswer { server, bytes })
    }

    async fn exchange_with(
        &self,
        server: &ServerAddress,
        address: SocketAddr,
        message: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        let end = after(self.config().operation_timeout);
        let target = self.host(server, end).await?.at(address);
        let mut connection = Connection::open(target, end).await?;
        connection
            .exchange(message, end)
            .await
            .map_err(Error::after_sending)
    }
}

/// Whether TLS had succeeded on both sides before this happened.
fn speaks_tls(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Protocol
            | ErrorKind::NoCommonVersion
            | ErrorKind::AuthenticationFailed
            | ErrorKind::Refused { .. }
    )
}
