//! What can be wrong with the bytes of a keystore.

use super::{MAX_DATA_KEYS, VERSION};

/// Why bytes are not a keystore. Says where and what, never a value that might be secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The file is longer than a keystore can be.
    #[error("it is {got} bytes long, and a keystore is at most {limit}")]
    TooLong {
        /// The file's length in bytes.
        got: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// The file is shorter than the shortest keystore.
    #[error("it is {got} bytes long, and a keystore is at least {expected}")]
    TooShort {
        /// The file's length in bytes.
        got: usize,
        /// The least length in bytes.
        expected: usize,
    },
    /// The first eight bytes are others.
    #[error("it does not begin as a keystore does")]
    Magic,
    /// The digest at the end does not match the content.
    #[error("its SHA-256 digest does not match its content")]
    Digest,
    /// The format version is newer than this program.
    #[error("it has format version {got}, and version {VERSION} is the newest that is known here")]
    NewerVersion {
        /// The file's format version.
        got: u16,
    },
    /// A record that must be understood is not known.
    #[error("its {place} has a record of the unknown kind {kind}")]
    UnknownRecord {
        /// Where the record is.
        place: &'static str,
        /// The record's kind.
        kind: u16,
    },
    /// Something ends too early.
    #[error("it ends in the middle of a field")]
    Truncated,
    /// There are bytes after the end.
    #[error("there are {0} bytes too many in it")]
    TrailingBytes(usize),
    /// A field that must be there is not.
    #[error("it has no {field}")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// A field occurs twice.
    #[error("it has {field} twice")]
    Duplicate {
        /// The field.
        field: &'static str,
    },
    /// A field has a value that it cannot have.
    #[error("its {field} is not valid")]
    Value {
        /// The field.
        field: &'static str,
    },
    /// There are more data keys than a keystore can have.
    #[error("it has more than {MAX_DATA_KEYS} data keys")]
    TooManyKeys,
}
