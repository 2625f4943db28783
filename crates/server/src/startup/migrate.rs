//! `strongroom keys migrate`: the keystore is put under a master key of another provider, of another KMIP
//! server, or used in another way (`wrapOnServer`), while the server is stopped.
//!
//! May be repeated: whatever an interruption left, the next attempt goes on, and one that finds it done says
//! so. The keystore is under the old key or the new one at every moment, never under neither.

use std::path::Path;
use std::sync::Arc;

use keystore::provider::key_file;
use keystore::provider::kmip::KmipKeys;
use keystore::rotation::{self, Rotated, RotationError, Target};
use keystore::{Header, Keystore, MasterKeyRef, Provider};

use super::encrypted::{client, connect};
use super::fits::{check_provider, saved};
use super::{
    DbpathLock, DbpathState, EncryptionOptions, KmipOptions, MasterKeySource, StartupError, fits,
    inspect, no_core_dumps,
};

/// What a migration came to.
#[derive(Debug)]
#[non_exhaustive]
pub enum Migrated {
    /// The keystore is under another master key now.
    Done(Box<Rotated>),
    /// It was already: an attempt before this one came that far.
    Already(MasterKeyRef),
}

/// Puts the keystore of `dbpath` from the master key of one set of options under that of another.
///
/// # Errors
/// See [`StartupError`]. Unless the message says otherwise, nothing was changed, here or on a KMIP server.
pub async fn migrate(
    dbpath: &Path,
    from: &EncryptionOptions,
    to: &EncryptionOptions,
) -> Result<Migrated, StartupError> {
    let _lock = DbpathLock::take(dbpath)?;
    let state = inspect(dbpath)?;
    fits(dbpath, &state, true)?;
    no_core_dumps();
    let DbpathState::Encrypted(header) = state else {
        return Err(StartupError::NothingToMigrate {
            dbpath: dbpath.to_path_buf(),
        });
    };
    let saved = saved(dbpath, &header)?;
    check_differ(&from.master_key, &to.master_key)?;
    if is_way(saved, &to.master_key) && !is_way(saved, &from.master_key) {
        open(dbpath, &header, saved, to).await?;
        return Ok(Migrated::Already(saved.clone()));
    }
    let keystore = match open(dbpath, &header, saved, from).await {
        Ok(keystore) => Arc::new(keystore),
        // The same way before and after: whether it is done, only the keys can tell.
        Err(error) => {
            return match is_way(saved, &to.master_key) {
                true if open(dbpath, &header, saved, to).await.is_ok() => {
                    Ok(Migrated::Already(saved.clone()))
                }
                _ => Err(error),
            };
        }
    };
    let changed = match &to.master_key {
        MasterKeySource::KeyFile(path) => {
            check_no_own_keys(&keystore)?;
            rotation::migrate(&keystore, Target::KeyFile(path)).await
        }
        MasterKeySource::Kmip(kmip) => {
            let mut keys = connect(client(kmip)?, kmip).await?;
            check_own_keys(&keystore, &mut keys).await?;
            rotation::migrate(&keystore, target(kmip, &mut keys)).await
        }
    };
    match changed {
        Ok(rotated) => {
            super::log_rotation(&rotated);
            Ok(Migrated::Done(Box::new(rotated)))
        }
        Err(RotationError::NothingToRotate { .. }) => Ok(Migrated::Already(saved.clone())),
        Err(error) => Err(error.into()),
    }
}

fn target<'a>(kmip: &'a KmipOptions, keys: &'a mut KmipKeys) -> Target<'a> {
    match kmip.key_identifier.as_deref() {
        None => Target::NewKmipKey(keys),
        Some(key) => Target::KmipKey { keys, key },
    }
}

/// Opens the keystore with the master key that it names, from where these options say.
async fn open(
    dbpath: &Path,
    header: &Header,
    saved: &MasterKeyRef,
    options: &EncryptionOptions,
) -> Result<Keystore, StartupError> {
    match &options.master_key {
        MasterKeySource::KeyFile(path) => {
            check_provider(dbpath, saved, Provider::KeyFile)?;
            Ok(Keystore::open(dbpath, &key_file::read(path)?)?)
        }
        MasterKeySource::Kmip(kmip) => {
            check_provider(dbpath, saved, Provider::Kmip)?;
            let mut keys = connect(client(kmip)?, kmip).await?;
            let fetched = keys
                .open_key_in_any_state(saved, header.dbpath_id(), None)
                .await?;
            Ok(Keystore::open(dbpath, &fetched.key)?)
        }
    }
}

/// Whether the keystore could be under a master key from there, as far as it says without the key.
fn is_way(saved: &MasterKeyRef, source: &MasterKeySource) -> bool {
    match source {
        MasterKeySource::KeyFile(_) => saved.provider == Provider::KeyFile,
        MasterKeySource::Kmip(kmip) => {
            saved.provider == Provider::Kmip && saved.is_wrapped_on_server() == kmip.wrap_on_server
        }
    }
}

/// A migration from a place to itself is a rotation.
fn check_differ(from: &MasterKeySource, to: &MasterKeySource) -> Result<(), StartupError> {
    let is_same = match (from, to) {
        (MasterKeySource::KeyFile(from), MasterKeySource::KeyFile(to)) => from == to,
        (MasterKeySource::Kmip(from), MasterKeySource::Kmip(to)) => {
            from.servers == to.servers && from.wrap_on_server == to.wrap_on_server
        }
        _ => false,
    };
    match is_same {
        true => Err(StartupError::NothingToMigrateTo),
        false => Ok(()),
    }
}

/// Databases with keys of their own need a KMIP server.
fn check_no_own_keys(keystore: &Keystore) -> Result<(), StartupError> {
    match keystore.tree_master_keys().len() {
        0 => Ok(()),
        databases => Err(StartupError::OwnKeysLeftBehind {
            databases,
            problem: "a key file has no room for them".to_owned(),
        }),
    }
}

/// The new server must have the keys that databases have of their own, or they would be locked.
async fn check_own_keys(keystore: &Keystore, keys: &mut KmipKeys) -> Result<(), StartupError> {
    let dbpath_id = keystore.info().dbpath_id;
    let (mut databases, mut problem) = (0, String::new());
    for own in keystore.tree_master_keys() {
        let opened = keys
            .open_key_in_any_state(&own.key, dbpath_id, Some(own.tree))
            .await;
        let unlocked = match opened {
            Ok(fetched) => keystore
                .unlock_tree(own.tree, &fetched.key)
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = unlocked {
            databases += 1;
            problem = error;
        }
    }
    match databases {
        0 => Ok(()),
        databases => Err(StartupError::OwnKeysLeftBehind { databases, problem }),
    }
}
