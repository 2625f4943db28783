//! What failed, at which server, at which attempt.

use std::fmt;
use std::net::SocketAddr;

use kmip::registry::{Operation, ResultReason, ResultStatus};

use crate::ServerAddress;

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What failed. Callers choose exit codes, retries and policies by it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Our own files or options cannot be used; nothing was sent. See [`tls::Error`].
    Configuration,
    /// The host name has no address.
    Resolve,
    /// No TCP connection: refused, unreachable.
    Connect,
    /// The server's certificate is not issued by an authority that is trusted here, or it has
    /// expired or is otherwise not valid.
    TlsUntrusted,
    /// The server's certificate is for another name or address.
    TlsWrongName,
    /// The server refuses our certificate, or wants one and got none.
    TlsClientRefused,
    /// The TLS handshake failed in another way: no common version or cipher suite, not TLS at all.
    TlsOther,
    /// No answer in time. What was asked may have been done, or not.
    Timeout,
    /// The connection broke before the answer was complete. What was asked may have been done.
    ConnectionLost,
    /// The answer is not KMIP, or not an answer to what was asked.
    Protocol,
    /// There is no protocol version that both sides speak.
    NoCommonVersion,
    /// The server does not accept who we are ([`ResultReason::AuthenticationNotSuccessful`]).
    AuthenticationFailed,
    /// There is no object with that identifier, or none that we may see.
    NotFound,
    /// The server refused an operation.
    Refused {
        /// Its status; hardly ever other than Operation Failed.
        status: ResultStatus,
        /// Its reason, if it gave one.
        reason: Option<ResultReason>,
    },
    /// The object is there but is not a symmetric key that can be used: another object type, algorithm
    /// or length, wrapped, or in another format than raw.
    UnusableKey,
    /// The server was still at work when the time was over, and has cancelled the operation: it was not done.
    Cancelled,
    /// An item of a batch that was not done, or was undone, because another item failed.
    NotDone,
    /// Several objects have the name, so that it does not say which one is meant.
    AmbiguousName,
}

impl ErrorKind {
    /// Whether the same attempt may succeed later without anybody changing a setting.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Resolve | Self::Connect | Self::Timeout | Self::ConnectionLost
        )
    }

    /// Which of several servers' failures says most: a certificate problem is somebody's to fix,
    /// while one host of a list may well be down.
    pub(crate) fn weight(&self) -> u8 {
        match self {
            Self::Resolve => 0,
            Self::Connect => 1,
            Self::ConnectionLost => 2,
            Self::Timeout => 3,
            Self::TlsOther => 4,
            Self::Protocol | Self::NoCommonVersion => 5,
            _ => 6,
        }
    }
}

/// Which of how many attempts at a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// `connect_retries` + 1.
    pub of: u32,
}

/// A failure, with everything that is known about it. Never holds key material.
#[derive(Debug, Clone)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    server: Option<ServerAddress>,
    address: Option<SocketAddr>,
    attempt: Option<Attempt>,
    operation: Option<Operation>,
    is_batch: bool,
    outcome_is_unknown: bool,
    may_come_late: bool,
    others: Vec<Error>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            server: None,
            address: None,
            attempt: None,
            operation: None,
            is_batch: false,
            outcome_is_unknown: false,
            may_come_late: false,
            others: Vec::new(),
        }))
    }

    pub(crate) fn at_server(mut self, server: &ServerAddress) -> Self {
        self.0.server.get_or_insert_with(|| server.clone());
        self
    }

    pub(crate) fn at_address(mut self, address: SocketAddr) -> Self {
        self.0.address.get_or_insert(address);
        self
    }

    pub(crate) fn at_attempt(mut self, number: u32, of: u32) -> Self {
        self.0.attempt.get_or_insert(Attempt { number, of });
        self
    }

    pub(crate) fn in_operation(mut self, operation: Operation) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }

    pub(crate) fn in_batch(mut self) -> Self {
        self.0.is_batch = true;
        self
    }

    /// A failure of what was sent already: without an answer nobody knows what became of it.
    pub(crate) fn after_sending(mut self) -> Self {
        self.0.outcome_is_unknown |= matches!(
            self.0.kind,
            ErrorKind::Timeout | ErrorKind::ConnectionLost | ErrorKind::Protocol
        );
        self
    }

    /// A failure, of whatever kind, to find out what became of an operation that is pending.
    pub(crate) fn while_pending(mut self) -> Self {
        self.0.outcome_is_unknown = true;
        self.0.may_come_late = true;
        self
    }

    /// Whether the server may still be at work on the request.
    pub(crate) fn may_come_late(&self) -> bool {
        self.0.may_come_late || self.0.kind == ErrorKind::Timeout
    }

    pub(crate) fn with_hint(mut self, hint: &str) -> Self {
        self.0.message.push_str(hint);
        self
    }

    /// One error for the failures of several servers, in the servers' order. The kind is that
    /// of the failure that says most.
    pub(crate) fn of_all(mut failures: Vec<Self>) -> Self {
        if failures.len() == 1
            && let Some(only) = failures.pop()
        {
            return only;
        }
        let kind = failures
            .iter()
            .rev()
            .map(|error| error.kind())
            .max_by_key(|kind| kind.weight())
            .cloned()
            .unwrap_or(ErrorKind::Configuration);
        let mut error = Self::new(kind, "none of the KMIP servers can be used");
        error.0.others = failures;
        error
    }

    /// One error for a key that no server gave us. Only if all servers say that there is none is that what is
    /// known: a server that could not be asked may have it.
    pub(crate) fn of_no_server_with(identifier: &str, mut failures: Vec<Self>) -> Self {
        if failures.len() == 1
            && let Some(only) = failures.pop()
        {
            return only;
        }
        let kind = failures
            .iter()
            .map(Self::kind)
            .find(|kind| **kind != ErrorKind::NotFound)
            .cloned()
            .unwrap_or(ErrorKind::NotFound);
        let mut error = Self::new(kind, format!("no KMIP server gave us the key {identifier}"));
        error.0.others = failures;
        error
    }

    /// What failed.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The server, as configured. `None` if no single one is concerned.
    pub fn server(&self) -> Option<&ServerAddress> {
        self.0.server.as_ref()
    }

    /// The address of that server that was in use.
    pub fn address(&self) -> Option<SocketAddr> {
        self.0.address
    }

    /// Which attempt to connect it was; `None` for a failure on an established connection.
    pub fn attempt(&self) -> Option<Attempt> {
        self.0.attempt
    }

    /// The operation that failed; `None` for a failure to connect, and for one of a whole batch.
    pub fn operation(&self) -> Option<Operation> {
        self.0.operation
    }

    /// Each server's failure, when several servers were tried and all failed.
    pub fn failures(&self) -> &[Self] {
        &self.0.others
    }

    /// What was wrong, without server and attempt.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether the request may have been carried out although its answer is missing.
    pub fn outcome_is_unknown(&self) -> bool {
        self.0.outcome_is_unknown
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        if let Some(server) = &inner.server {
            write!(f, "KMIP server {server}")?;
            match inner.address {
                Some(address) if !server.is_literally(address) => write!(f, " ({})", address.ip())?,
                _ => {}
            }
            if let Some(Attempt { number, of }) = inner.attempt.filter(|attempt| attempt.of > 1) {
                write!(f, ", attempt {number} of {of}")?;
            }
            f.write_str(": ")?;
        }
        match inner.operation {
            Some(operation) => write!(f, "{operation}: ")?,
            None if inner.is_batch => f.write_str("batch: ")?,
            None => {}
        }
        f.write_str(&inner.message)?;
        for (n, failure) in inner.others.iter().enumerate() {
            write!(f, "{} {failure}", if n == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<tls::Error> for Error {
    fn from(error: tls::Error) -> Self {
        Self::new(ErrorKind::Configuration, error.to_string())
    }
}
