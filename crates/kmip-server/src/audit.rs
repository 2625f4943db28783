//! What is told to an audit log: the seam between the server and whoever keeps one.

use std::fmt;

use kmip::ProtocolVersion;
use kmip::registry::{Operation, ResultReason, ResultStatus};
use time::OffsetDateTime;

use crate::identity::{Identity, Peer, Refusal};

/// How many identifiers of one item are told; Locate may find thousands.
pub const MAX_AUDITED_OBJECTS: usize = 64;

/// One batch item, done or refused. Never holds key material or the value of an attribute. Identifiers and
/// correlation values are the client's text: whoever writes them must escape them, and bound them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuditEvent<'a> {
    /// When the item was done.
    pub time: OffsetDateTime,
    /// The client's address and certificate.
    pub peer: &'a Peer,
    /// Who it is, or why it was refused.
    pub identity: Result<&'a Identity, Refusal>,
    /// The version of the request; `None` if the message could not be read.
    pub version: Option<ProtocolVersion>,
    /// The client's name for the request (1.4).
    pub client_correlation_value: Option<&'a str>,
    /// The server's name for an earlier request that the client mentions (1.4).
    pub server_correlation_value: Option<&'a str>,
    /// The item's place in the batch, from 1, and how many there are.
    pub batch_item: (usize, usize),
    /// The operation; `None` if the request does not say, or could not be read.
    pub operation: Option<Operation>,
    /// The objects that the item named, made or found; at most [`MAX_AUDITED_OBJECTS`].
    pub objects: &'a [String],
    /// How many objects there were.
    pub objects_total: usize,
    /// How many requests it stands for: more than 1 if they were refused without being looked at, since there were
    /// too many or none could be read.
    pub count: u64,
    /// How it went.
    pub status: ResultStatus,
    /// Why it failed.
    pub reason: Option<ResultReason>,
    /// Whether it has changed an object or made one, also if it failed afterwards. Get does when it hands out a fresh
    /// object, Encrypt when the key has Usage Limits.
    pub changes: bool,
}

/// The audit log cannot take an event. The sink has logged why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the audit log cannot be written")]
pub struct AuditError;

/// Takes what is to be audited. What it refuses is not done, or not answered: every method that fails makes the
/// request fail.
pub trait AuditSink: fmt::Debug + Send + Sync + 'static {
    /// Asked before an operation is performed: a log that is known to be broken stops it here. With `changes`
    /// asked before an object is changed as well, also by an operation that mostly only reads.
    ///
    /// # Errors
    /// The operation must not be performed.
    fn ready(&self, changes: bool) -> Result<(), AuditError>;

    /// Takes one event, in the order in which things happened. Its place is for [`AuditSink::settle`]: places grow, from
    /// 1; a sink that waits for nothing there may say 0.
    ///
    /// # Errors
    /// The event is not kept, and the client must not be told that the operation succeeded.
    fn record(&self, event: &AuditEvent<'_>) -> Result<u64, AuditError>;

    /// Whether [`AuditSink::record`], and [`AuditSink::settle`] for a request that has changed nothing, can be
    /// expected to return at once: then a request that takes microseconds is performed where many others wait for
    /// their turn. Default: no.
    fn is_quick(&self) -> bool {
        false
    }

    /// Called before [`AuditSink::settle`] when the request has to wait for something else first: what takes long may
    /// begin. `changes` as there. Returns at once.
    fn begin_settling(&self, _changes: bool) {}

    /// Called once for each request, after its last event and before its answer. `changes`: one of the
    /// events has changed an object. Returns when all events up to the place `last` are as durable as the sink
    /// promises: later ones are not waited for.
    ///
    /// # Errors
    /// The request is answered with a failure.
    fn settle(&self, changes: bool, last: u64) -> Result<(), AuditError>;
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAudit;

impl AuditSink for NoAudit {
    fn ready(&self, _: bool) -> Result<(), AuditError> {
        Ok(())
    }

    fn record(&self, _: &AuditEvent<'_>) -> Result<u64, AuditError> {
        Ok(0)
    }

    fn settle(&self, _: bool, _: u64) -> Result<(), AuditError> {
        Ok(())
    }

    fn is_quick(&self) -> bool {
        true
    }
}

/// Whether it is the purpose of an operation to change an object or to make one. Those that are not known are taken
/// to. Whether one did, [`AuditEvent::changes`] says.
pub fn changes(operation: Operation) -> bool {
    use Operation as O;
    !matches!(
        operation,
        O::Locate
            | O::Check
            | O::Get
            | O::GetAttributes
            | O::GetAttributeList
            | O::Export
            | O::Validate
            | O::Query
            | O::DiscoverVersions
            | O::Ping
            | O::Poll
            | O::Encrypt
            | O::Decrypt
            | O::Sign
            | O::SignatureVerify
            | O::MAC
            | O::MACVerify
            | O::Hash
            | O::RNGRetrieve
            | O::RNGSeed
            | O::Log
            | O::Interop
            | O::GetConstraints
            | O::QueryAsynchronousRequests
    )
}
