//! What an operation answers when it does not succeed.

use kmip::ProtocolVersion;
use kmip::registry::{Enumeration, ResultReason};

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

    /// The cryptography did not work out: wrong data, wrong tag, wrong length.
    pub(crate) fn cryptographic(message: impl Into<String>) -> Self {
        Self::new(ResultReason::CryptographicFailure, message)
    }

    /// The reason as the version knows it: most are of 2.0, and say more precisely what 1.x said in other words.
    pub(crate) fn reason_in(&self, version: ProtocolVersion) -> ResultReason {
        use ResultReason as R;
        if self
            .reason
            .since()
            .is_none_or(|since| version.at_least(since))
        {
            return self.reason;
        }
        match self.reason {
            R::IncompatibleCryptographicUsageMask
            | R::WrongKeyLifecycleState
            | R::NotAuthorised => R::PermissionDenied,
            R::UsageLimitExceeded | R::ReadOnlyAttribute | R::AttributeReadOnly => {
                R::PermissionDenied
            }
            R::ObjectNotFound | R::ObjectDestroyed | R::AttributeNotFound => R::ItemNotFound,
            R::AttributeInstanceNotFound | R::WrappingObjectNotFound => R::ItemNotFound,
            R::Sensitive | R::NotExtractable => R::PermissionDenied,
            R::MissingInitializationVector | R::InvalidMessage => R::InvalidMessage,
            R::ServerLimitExceeded | R::ObjectAlreadyExists | R::InternalServerError => {
                R::GeneralFailure
            }
            R::EncodingOptionError | R::KeyWrapTypeNotSupported => R::FeatureNotSupported,
            R::KeyValueNotPresent => R::ItemNotFound,
            _ => R::InvalidField,
        }
    }

    /// The object's state does not allow it. All published cases (1.0 to 2.0) answer Permission Denied.
    pub(crate) fn wrong_state(message: impl Into<String>) -> Self {
        Self::new(ResultReason::PermissionDenied, message)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store of the KMIP server fails");
        Self::new(
            ResultReason::GeneralFailure,
            "the server's store fails; its log says why",
        )
    }
}
