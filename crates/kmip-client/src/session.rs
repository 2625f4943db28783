//! One server in use: a connection that is made again when it breaks.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use kmip::operations::{Request, ResponsePayload};
use kmip::registry::Operation;
use kmip::{ProtocolVersion, RequestMessage, ResponseMessage};
use tokio::time::{Instant, timeout_at};
use tracing::debug;

use crate::client::Established;
use crate::exchange::{Outcome, encode, exchange, only_item, outcome, typed};
use crate::{Client, Error, ErrorKind, Result, ServerAddress};

/// One server in use, for a sequence of operations over one connection.
///
/// Methods take `&mut self`: KMIP answers in order, one at a time. Every operation ends within
/// `operation_timeout`; twice that, and an attempt to connect, when it has to be repeated; when the answer to something
/// that may not be repeated is lost, and it has to be looked for before and behind the repetition, four times that, and
/// three attempts to connect. A future that is dropped half-way costs the connection, not the session: the next
/// operation connects again, to the same server.
///
/// A server may answer Pending where nothing asynchronous was asked for: the result is then polled for within the
/// operation's time, and what is not done by then is cancelled. For operations that are known to take long, see
/// [`Session::submit`].
pub struct Session {
    pub(crate) client: Client,
    pub(crate) server: ServerAddress,
    pub(crate) address: SocketAddr,
    pub(crate) version: ProtocolVersion,
    /// `None` while an exchange is under way and after one that failed.
    pub(crate) established: Option<Established>,
}

/// What a message asks for, as errors say it.
#[derive(Clone, Copy)]
pub(crate) enum Asked {
    One(Operation),
    Batch,
}

impl From<Operation> for Asked {
    fn from(operation: Operation) -> Self {
        Self::One(operation)
    }
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
        self.ensure_connected().await?;
        let time = Time::of(self.client.config().operation_timeout);
        let message = |version| RequestMessage::new(version, request);
        let answer = self.ask(Q::OPERATION, message, time.end).await?;
        let payload = self.settle(Q::OPERATION, answer, time).await?;
        typed::<Q>(payload).map_err(|error| self.at_here(error, Q::OPERATION).after_sending())
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

    /// Sends one operation and reads what became of it.
    pub(crate) async fn ask(
        &mut self,
        operation: Operation,
        message: impl FnOnce(ProtocolVersion) -> RequestMessage,
        deadline: Instant,
    ) -> Result<Outcome<ResponsePayload>> {
        let read = |response| outcome(only_item(response)?, operation);
        self.transact(operation.into(), message, read, deadline)
            .await
    }

    /// The result of an operation, waited for if it is pending.
    pub(crate) async fn settle(
        &mut self,
        operation: Operation,
        outcome: Outcome<ResponsePayload>,
        time: Time,
    ) -> Result<ResponsePayload> {
        match outcome {
            Outcome::Done(payload) => Ok(payload),
            Outcome::Refused(refusal) => Err(self.at_here(refusal.into_error(), operation)),
            Outcome::Pending(value) => self.follow(operation, &value, time).await,
        }
    }

    /// Sends a message and reads its answer, before the deadline. When `read` finds that it is none, the connection is
    /// dropped, as after any failure.
    pub(crate) async fn transact<T>(
        &mut self,
        asked: Asked,
        message: impl FnOnce(ProtocolVersion) -> RequestMessage,
        read: impl FnOnce(ResponseMessage) -> Result<T>,
        deadline: Instant,
    ) -> Result<T> {
        // Taken, and put back after a complete exchange: if this future is dropped in the middle, the connection is
        // closed, and nobody takes a late answer for that to another question.
        let mut established = match self.established.take() {
            Some(established) => established,
            None => timeout_at(deadline, self.reconnect())
                .await
                .unwrap_or_else(|_| {
                    let error = Error::new(ErrorKind::Timeout, "not connected again in time");
                    Err(error.at_server(&self.server))
                })?,
        };
        let request = match encode(&message(established.version)) {
            Ok(request) => request,
            Err(error) => {
                self.established = Some(established);
                return Err(self.at_here(error, asked));
            }
        };
        let limits = self.client.config().limits;
        let answer = exchange(
            &mut established.connection,
            request.as_slice(),
            &limits,
            deadline,
        )
        .await
        .and_then(read)
        .map_err(|error| self.at_here(error, asked).after_sending())?;
        self.established = Some(established);
        Ok(answer)
    }

    /// Connects again if the connection is gone, in the time of an attempt to connect.
    pub(crate) async fn ensure_connected(&mut self) -> Result<()> {
        if self.established.is_none() {
            self.established = Some(self.reconnect().await?);
        }
        Ok(())
    }

    async fn reconnect(&mut self) -> Result<Established> {
        let established = self.client.attempt(&self.server).await?;
        self.address = established.connection.address();
        self.version = established.version;
        Ok(established)
    }

    pub(crate) fn at_here(&self, error: Error, asked: impl Into<Asked>) -> Error {
        let error = error.at_server(&self.server).at_address(self.address);
        match asked.into() {
            Asked::One(operation) => error.in_operation(operation),
            Asked::Batch => error.in_batch(),
        }
    }

    /// The identifier of an object that the server has made.
    pub(crate) fn identifier(
        &self,
        identifier: kmip::UniqueIdentifier,
        operation: Operation,
    ) -> Result<String> {
        match identifier {
            kmip::UniqueIdentifier::Text(text) => Ok(text),
            other => Err(self
                .at_here(
                    Error::new(ErrorKind::Protocol, format!("{other} is no identifier")),
                    operation,
                )
                .after_sending()),
        }
    }

    /// Fails unless the answer is about the object that was asked about.
    pub(crate) fn same_object(
        &self,
        answered: &kmip::UniqueIdentifier,
        asked_for: &str,
        operation: Operation,
    ) -> Result<()> {
        if answered.as_str() == Some(asked_for) {
            return Ok(());
        }
        let message = format!("asked for {asked_for}, got {answered}");
        Err(self
            .at_here(Error::new(ErrorKind::Protocol, message), operation)
            .after_sending())
    }
}

/// The time that an operation may take: polls until a quarter of it is left, which is for cancelling.
#[derive(Clone, Copy)]
pub(crate) struct Time {
    pub(crate) poll_until: Instant,
    pub(crate) end: Instant,
}

impl Time {
    pub(crate) fn of(limit: Duration) -> Self {
        Self {
            poll_until: after(limit / 4 * 3),
            end: after(limit),
        }
    }
}

/// That much later; as late as makes no difference, for a limit that is meant to be none.
pub(crate) fn after(limit: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    Instant::now() + limit.min(YEAR)
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
