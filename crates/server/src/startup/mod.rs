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
//! | encrypted under a key file | KMIP | Y | fetch Y; if it is that key, the keystore names it from now on |
//! | encrypted | another provider | | refused |
//!
//! With `rotateMasterKey`, [`rotate`] has its own table. The master keys that databases have of their own
//! are fetched last; one that cannot be had locks its database and is no reason not to start.
//!
//! Everything that can be refused is looked at before a key is created on a KMIP server and before a
//! byte is written in the dbpath, in this order: dbpath, keystore, options against it, certificate
//! files, connection, key.

mod dbpath;
mod encrypted;
mod error;
mod fits;
mod fresh;
mod harden;
mod key_ring;
mod migrate;
mod options;
mod revoke;
mod rotate;

use std::path::Path;
use std::sync::Arc;

use keystore::Keystore;

pub use dbpath::{DbpathLock, DbpathState};
pub use error::{StartupError, storage_exit_status};
pub(crate) use error::{of_kmip_client, of_tls};
pub use key_ring::storage_encryption;
pub use migrate::{Migrated, migrate};
pub use options::{EncryptionOptions, KmipOptions, MasterKeySource};

pub use revoke::revoke;
pub use rotate::{is_rotation, rotate};

pub(crate) use dbpath::inspect;
pub(crate) use encrypted::client as kmip_client;
pub(crate) use error::{describe, in_tls_file};
pub(crate) use fits::{check_existing, check_fresh};
pub(crate) use harden::no_core_dumps;
pub(crate) use rotate::{log_not_needed, log_origin, log_rotation};

use crate::encryption::Encryption;

/// A dbpath that may be used: what the data is encrypted with, if it is.
#[derive(Debug)]
#[non_exhaustive]
pub struct Opened {
    /// The keystore; `None` if the dbpath is not encrypted.
    pub keystore: Option<Arc<Keystore>>,
    /// What the running server knows about its keys; `None` if the dbpath is not encrypted.
    pub encryption: Option<Arc<Encryption>>,
    /// Whether nothing was ever stored in the dbpath before.
    pub fresh: bool,
    /// Keeps other processes out of the dbpath for as long as it lives.
    pub lock: DbpathLock,
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
    let state = inspect(dbpath)?;
    fits(dbpath, &state, encryption.is_some())?;
    match encryption {
        Some(options) => {
            no_core_dumps();
            encrypted::open(dbpath, state, options, lock).await
        }
        None => Ok(Opened {
            keystore: None,
            encryption: None,
            fresh: state == DbpathState::Empty,
            lock,
        }),
    }
}

/// Whether what the dbpath holds and whether encryption is asked for go together.
///
/// # Errors
/// [`StartupError::Encrypted`], [`StartupError::PreparedForEncryption`], [`StartupError::NotEncrypted`].
pub(crate) fn fits(
    dbpath: &Path,
    state: &DbpathState,
    encryption_asked_for: bool,
) -> Result<(), StartupError> {
    let dbpath = dbpath.to_path_buf();
    match (state, encryption_asked_for) {
        (DbpathState::Plain, true) => Err(StartupError::NotEncrypted { dbpath }),
        (DbpathState::Announced(_), false) => Err(StartupError::PreparedForEncryption { dbpath }),
        (DbpathState::Encrypted(header), false) => Err(StartupError::Encrypted {
            dbpath,
            master_key: describe(header.master_key()),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
