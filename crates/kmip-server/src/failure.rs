//! What an operation answers when it does not succeed.

use kmip::registry::{Enumeration, ResultReason};
use kmip::{ProtocolVersion, ResponseBatchItem};

use crate::store::StoreError;

/// The reason and the message of a failed batch item.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) reason: ResultReason,
    pub(crate) message: String,
    /// What 1.x answers, where its tables name something else than the nearest word for `reason`.
    pub(crate) in_1_x: Option<ResultReason>,
}

impl Failure {
    pub(crate) fn new(reason: ResultReason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            in_1_x: None,
        }
    }

    /// With the reason that 1.x answers.
    pub(crate) fn in_1_x(self, reason: ResultReason) -> Self {
        Self {
            in_1_x: Some(reason),
            ..self
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

    /// Somebody changes the object at this moment, and there is no time to wait for that.
    pub(crate) fn being_changed() -> Self {
        Self::new(
            ResultReason::GeneralFailure,
            "the object is being changed: try again",
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

    /// The answer in the place of that of an item that was done, and that must not be told as done.
    pub(crate) fn instead_of(self, answer: ResponseBatchItem) -> ResponseBatchItem {
        ResponseBatchItem::failure(answer.operation, self.reason, self.message)
            .answering(answer.unique_batch_item_id)
    }

    /// The reason as the version knows it: most are of 2.0, and say more precisely what 1.x said in other words.
    pub(crate) fn reason_in(&self, version: ProtocolVersion) -> ResultReason {
        use ResultReason as R;
        let own = match self.in_1_x {
            Some(reason) if !version.has_typed_attributes() => reason,
            _ => self.reason,
        };
        if own.exists_in(version) {
            return own;
        }
        match own {
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
