//! Start-up: from the options to an open keystore, or to a refusal that changed nothing.
//!
//! [`open`] decides by what the dbpath holds and by what is asked for:
//!
//! | dbpath | encryption asked for | identifier given | result |
//! |---|---|---|---|
//! | empty | no | | plain |
//! | plain | no | | plain |
//! | encrypted | no | | refused |
//! | plain | yes | | refused |
//! | empty | KMIP | no | announce a Name, create and activate a key under it, write the keystore |
//! | empty | KMIP | Y | Y must exist: unique identifier, or Name with exactly one Active match (or is created, with `createKeyIfMissing`); write the keystore |
//! | empty | key file | | read the key, write the keystore |
//! | announced (a start was interrupted) | KMIP | | find the key by its Name, or create it; go on as above |
//! | encrypted under X | KMIP | no, or X | fetch X |
//! | encrypted under X | KMIP | Y | refused |
//! | encrypted | another provider | | refused |
//!
//! Everything that can be refused is looked at before a key is created on a KMIP server and before a
//! byte is written in the dbpath, in this order: dbpath, keystore, options against it, certificate
//! files, connection, key.

mod dbpath;
mod encrypted;
mod error;
mod harden;
mod key_ring;
mod options;
mod polling;
mod status;

use std::path::Path;
use std::sync::Arc;

use keystore::{Info, Keystore};

pub use dbpath::{DbpathLock, DbpathState};
pub use error::{StartupError, storage_exit_status};
pub(crate) use error::{of_kmip_client, of_tls};
pub use key_ring::storage_encryption;
pub use options::{EncryptionOptions, KmipOptions, MasterKeySource};
pub use polling::{KeyLost, Polling};

/// A dbpath that may be used: what the data is encrypted with, if it is.
#[derive(Debug)]
#[non_exhaustive]
pub struct Opened {
    /// The keystore; `None` if the dbpath is not encrypted.
    pub keystore: Option<Arc<Keystore>>,
    /// What `serverStatus` shows of it; `None` if the dbpath is not encrypted.
    pub encryption: Option<EncryptionStatus>,
    /// Whether nothing was ever stored in the dbpath before.
    pub fresh: bool,
    /// Keeps other processes out of the dbpath for as long as it lives.
    pub lock: DbpathLock,
}

/// What is known about the encryption of the dbpath, for `serverStatus` and the log. Nothing secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EncryptionStatus {
    /// What the keystore says: provider, identifier, Name, generation, cipher.
    pub keystore: Info,
    /// The KMIP server that the master key came from; `None` for a key file.
    pub kmip: Option<KmipStatus>,
}

/// How the master key was fetched.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KmipStatus {
    /// The server that was used, as configured: `host:port`.
    pub server: String,
    /// The protocol version that was agreed on.
    pub version: String,
    /// The key's state on the server.
    pub key_state: String,
    /// The end of the client certificate's validity, in seconds since 1970.
    pub client_certificate_not_after_unix_secs: Option<i64>,
}

/// Decides whether the dbpath may be used as asked, and opens its keystore.
///
/// # Errors
/// See [`StartupError`]; each has an exit status of its own.
pub async fn open(
    dbpath: &Path,
    encryption: Option<&EncryptionOptions>,
) -> Result<Opened, StartupError> {
    let lock = DbpathLock::take(dbpath)?;
    let state = dbpath::inspect(dbpath)?;
    match encryption {
        Some(options) => {
            harden::no_core_dumps();
            encrypted::open(dbpath, state, options, lock).await
        }
        None => match state {
            DbpathState::Empty | DbpathState::Plain => Ok(Opened {
                keystore: None,
                encryption: None,
                fresh: state == DbpathState::Empty,
                lock,
            }),
            DbpathState::Announced(_) => Err(StartupError::PreparedForEncryption {
                dbpath: dbpath.to_path_buf(),
            }),
            DbpathState::Encrypted(header) => Err(StartupError::Encrypted {
                dbpath: dbpath.to_path_buf(),
                master_key: error::describe(header.master_key()),
            }),
        },
    }
}

#[cfg(test)]
mod tests;
