//! What an operation answers when it does not succeed.

use kmip::registry::ResultReason;

use crate::store::StoreError;

/// The reason and the message of a failed batch item.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) reason: ResultReason,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(reason: ResultReason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }

    /// There is no such object; a foreign one is answered in the same words.
    pub(crate) fn not_found(identifier: &str) -> Self {
        let shown: String = identifier.chars().take(64).collect();
        Self::new(
            ResultReason::ItemNotFound,
            format!("no object has the identifier \"{shown}\""),
        )
    }

    /// A field or attribute has a value that it cannot have.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ResultReason::InvalidField, message)
    }

    /// A required field is absent.
    pub(crate) fn missing(what: &str) -> Self {
        Self::new(ResultReason::MissingData, format!("{what} is missing"))
    }

    /// The object's state does not allow it. All published cases (1.0 to 2.0) answer Permission Denied.
    pub(crate) fn wrong_state(message: impl Into<String>) -> Self {
        Self::new(ResultReason::PermissionDenied, message)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the KMIP server cannot keep an object");
        Self::new(ResultReason::GeneralFailure, "the object cannot be stored")
    }
}
