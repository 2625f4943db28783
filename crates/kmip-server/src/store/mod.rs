//! Where objects are kept: a small trait, and a directory of sealed files behind it.

mod files;
mod key_file;
mod seal;

pub use files::FileStore;
pub use key_file::KeyEncryptionKey;

use std::path::PathBuf;

use thiserror::Error;
use zeroize::Zeroizing;

/// A record in clear; wiped when dropped.
pub type Record = Zeroizing<Vec<u8>>;

/// Durable records, one for each object. A record is opaque here; it holds key material, so a store
/// must encrypt it.
pub trait RecordStore: Send + Sync + 'static {
    /// Every record with its identifier, in no particular order. Called once, at the start.
    ///
    /// # Errors
    /// What cannot be read or decrypted: a server that has lost an object must not go on as if it
    /// had never been.
    fn load(&self) -> Result<Vec<(String, Record)>, StoreError>;

    /// Makes the changes, in order. When it returns, they survive a power failure; when it fails, what was there
    /// before is still there. Whether several changes are made together or not at all is the store's business: a
    /// crash between two of them leaves objects that are each whole.
    ///
    /// # Errors
    /// What the operating system says.
    fn apply(&self, changes: &[Change<'_>]) -> Result<(), StoreError>;
}

/// A change of one record.
#[derive(Clone, Copy)]
pub enum Change<'a> {
    /// Writes a record, a new one or in the place of the one before.
    Put {
        /// The object.
        identifier: &'a str,
        /// Its record.
        record: &'a [u8],
    },
    /// Forgets a record: the creation of the object is undone.
    Remove {
        /// The object.
        identifier: &'a str,
    },
}

/// Why objects cannot be kept or found again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Another process uses the directory.
    #[error("{} is in use by another KMIP server", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The key-encryption key is missing although there are objects under it.
    #[error(
        "{} is missing, but there are objects encrypted with it in {}: put it back from a backup",
        key.display(), objects.display()
    )]
    KeyMissing {
        /// The key file.
        key: PathBuf,
        /// The directory of the objects.
        objects: PathBuf,
    },
    /// The key file is not what this server writes.
    #[error("{} is not a key file: expected 32 bytes in base64", path.display())]
    KeyMalformed {
        /// The key file.
        path: PathBuf,
    },
    /// A record does not open: another key, or damage.
    #[error("{} cannot be decrypted: it is damaged, or the key file belongs to other objects", path.display())]
    Sealed {
        /// The file.
        path: PathBuf,
    },
    /// A record opens, but its contents make no sense.
    #[error("the object {identifier} is damaged: {detail}")]
    Record {
        /// The object.
        identifier: String,
        /// What is wrong.
        detail: String,
    },
    /// No random numbers, no encryption.
    #[error("encryption failed")]
    Crypto,
}
