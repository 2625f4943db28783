//! Why a key was not changed while the server runs, with MongoDB's code for it.

use document::ErrorCode;
use keystore::provider::kmip::KmipKeyError;
use keystore::rotation::RotationError;
use kmip_client::ErrorKind;

use crate::emit;
use crate::error::CommandError;
use crate::log::events;

/// Why a key was not changed. Unless it says otherwise, nothing was changed, here or on the KMIP server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyChangeError {
    /// There is no KMIP server to have keys on.
    #[error(
        "the server has its master key from a key file (security.encryptionKeyFile) and knows no KMIP server: stop \
         it, and put the data under a key on a KMIP server with `strongroom keys migrate`"
    )]
    NoKmipServer,
    /// The database has no key of its own that could be rotated.
    #[error(
        "the database has no master key of its own: its data key is under that of the server; give it one with \
         setDatabaseMasterKey"
    )]
    NoOwnKey,
    /// The database is under that key already.
    #[error("the database is under that master key already ({key})")]
    SameKey {
        /// The key.
        key: String,
    },
    /// Something else needs the key that was to be revoked afterwards.
    #[error(
        "the master key {key} is not rotated, because it could not be revoked afterwards (revokeOldKey): {by} it as \
         well; put that under another key first, or leave revokeOldKey out"
    )]
    StillNeeded {
        /// The key's unique identifier.
        key: String,
        /// What needs it, with its verb.
        by: String,
    },
    /// The change of the key, of the dbpath or of a database.
    #[error(transparent)]
    Rotation(#[from] RotationError),
    /// The KMIP server, or the key on it.
    #[error(transparent)]
    Kmip(#[from] KmipKeyError),
    /// The keystore.
    #[error(transparent)]
    Keystore(#[from] keystore::Error),
}

impl KeyChangeError {
    /// The code that a client sees.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NoKmipServer
            | Self::NoOwnKey
            | Self::SameKey { .. }
            | Self::StillNeeded { .. } => ErrorCode::IllegalOperation,
            Self::Rotation(error) => of_rotation(error),
            Self::Kmip(error) => of_kmip(error),
            Self::Keystore(error) => of_keystore(error),
        }
    }
}

impl From<KeyChangeError> for CommandError {
    fn from(error: KeyChangeError) -> Self {
        let code = error.code();
        if code == ErrorCode::InternalError {
            emit!(events::STORAGE_FAILED, %error);
        }
        CommandError::new(code, error.to_string())
    }
}

fn of_rotation(error: &RotationError) -> ErrorCode {
    match error {
        RotationError::Keystore(error) | RotationError::RevokedOnly { source: error, .. } => {
            of_keystore(error)
        }
        RotationError::Kmip(error) | RotationError::Interrupted { source: error, .. } => {
            of_kmip(error)
        }
        RotationError::UnderWay => ErrorCode::ConflictingOperationInProgress,
        RotationError::NothingToRotate { .. }
        | RotationError::StillNeeded { .. }
        | RotationError::NotOfThisDbpath { .. }
        | RotationError::NotOnServer { .. } => ErrorCode::IllegalOperation,
        _ => ErrorCode::OperationFailed,
    }
}

fn of_keystore(error: &keystore::Error) -> ErrorCode {
    match error {
        keystore::Error::Locked { .. } => ErrorCode::KeyNotFound,
        keystore::Error::UnknownTree(_) => ErrorCode::NamespaceNotFound,
        keystore::Error::NoTreeMasterKey(_) => ErrorCode::IllegalOperation,
        keystore::Error::TooLong { .. } => ErrorCode::BadValue,
        _ => ErrorCode::InternalError,
    }
}

pub(crate) fn of_kmip(error: &KmipKeyError) -> ErrorCode {
    match error {
        KmipKeyError::Client(error) => match error.kind() {
            ErrorKind::Configuration => ErrorCode::InvalidOptions,
            ErrorKind::Resolve => ErrorCode::HostNotFound,
            ErrorKind::Timeout => ErrorCode::NetworkTimeout,
            ErrorKind::Protocol | ErrorKind::NoCommonVersion => ErrorCode::ProtocolError,
            ErrorKind::NotFound => ErrorCode::KeyNotFound,
            kind if is_of_connection(kind) => ErrorCode::HostUnreachable,
            _ => ErrorCode::OperationFailed,
        },
        KmipKeyError::NotFound { .. } => ErrorCode::KeyNotFound,
        KmipKeyError::Ambiguous { .. } => ErrorCode::BadValue,
        KmipKeyError::NotOffered { .. } => ErrorCode::CommandNotSupported,
        KmipKeyError::NotActive { .. }
        | KmipKeyError::Unusable { .. }
        | KmipKeyError::CannotWrap { .. } => ErrorCode::IllegalOperation,
        _ => ErrorCode::OperationFailed,
    }
}

/// Whether the connection is of no use any more.
pub(crate) fn is_connection_lost(error: &KmipKeyError) -> bool {
    matches!(error, KmipKeyError::Client(error) if is_of_connection(error.kind()))
}

fn is_of_connection(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Resolve
            | ErrorKind::Connect
            | ErrorKind::ConnectionLost
            | ErrorKind::TlsUntrusted
            | ErrorKind::TlsWrongName
            | ErrorKind::TlsClientRefused
            | ErrorKind::TlsOther
            | ErrorKind::Timeout
            | ErrorKind::Protocol
            | ErrorKind::NoCommonVersion
    )
}
