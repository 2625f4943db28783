//! Why a rotation did not happen.

use crate::error::Error;
use crate::provider::key_file::KeyFileError;
use crate::provider::kmip::KmipKeyError;

/// Why the master key was not changed, or not revoked. Unless it says otherwise, nothing was changed, here or at the
/// provider, and the keystore is under the master key that it was under.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RotationError {
    /// The keystore cannot be written.
    #[error(transparent)]
    Keystore(#[from] Error),
    /// The KMIP server refused, or cannot be reached, before a key was created.
    #[error(transparent)]
    Kmip(#[from] KmipKeyError),
    /// The key file cannot be used.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// The key that was given is the one in use.
    #[error(
        "there is nothing to rotate to: that is the master key in use already ({key}). Give another key"
    )]
    NothingToRotate {
        /// The key.
        key: String,
    },
    /// Another change of a master key is under way in this process.
    #[error("another change of a master key is under way: wait until that is done")]
    UnderWay,
    /// A key was or may have been created, and then something failed. The keystore announces its Name.
    #[error(
        "the rotation was interrupted after the key named {name} was announced: {source}. The keystore is unchanged \
         and still under its present master key; rotate again, and the key is found by its Name"
    )]
    Interrupted {
        /// The Name of the key.
        name: String,
        /// What failed.
        source: KmipKeyError,
    },
    /// All Names that might be given to the next key are taken.
    #[error(
        "the Names {name} to {name}-{limit} are all taken on the KMIP server: destroy the keys that are not needed"
    )]
    NoFreeName {
        /// The first of them.
        name: String,
        /// The number of the last.
        limit: u32,
    },
    /// Something still needs the key that was to be revoked.
    #[error("the key {key} is not revoked: {by} still needs it")]
    StillNeeded {
        /// The key's unique identifier.
        key: String,
        /// What needs it.
        by: String,
    },
    /// The key has never been a master key of this dbpath.
    #[error(
        "the key {key} is not revoked: it has never been a master key of this dbpath, as far as its history and the \
         key's Names tell. If it is to be revoked nevertheless, do that on the KMIP server (strongroom kmip revoke)"
    )]
    NotOfThisDbpath {
        /// The key's unique identifier.
        key: String,
    },
    /// The key is revoked, and what belongs to that here failed.
    #[error("the key {key} is revoked on the KMIP server, but then: {source}. Do it again")]
    RevokedOnly {
        /// The key's unique identifier.
        key: String,
        /// What failed.
        source: Error,
    },
    /// The key is not on a KMIP server.
    #[error("the master key is no key on a KMIP server ({key})")]
    NotOnServer {
        /// The key.
        key: String,
    },
}
