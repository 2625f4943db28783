//! Changing the master key: rotation and migration, from "rotate" to "done".
//!
//! Start-up (`rotateMasterKey`), the online command and the migration between providers all come here. The data is not
//! touched: only the data keys are wrapped again, so the time does not depend on the amount of data, and a keystore may
//! be in use meanwhile.
//!
//! **Steps** to a key that is created for it, and what a crash after each leaves:
//!
//! | step | afterwards |
//! |---|---|
//! | the Name of the next generation is announced in the keystore | the old master key opens it; there is no new key |
//! | the key is created on the KMIP server under that Name | the same; the next rotation finds the key by its Name |
//! | it is activated, fetched (or wraps a new key) | the same |
//! | `keystore.previous` is written | the same |
//! | the keystore is replaced by one under the new key | the new master key opens it; nothing is announced any more |
//!
//! A key that was announced is looked for on every server of the list. If it is nowhere to be found and some server does
//! not answer, where it may have been created, another Name is announced, and the first is told in
//! [`Rotated::not_needed`]: no two keys get one Name.
//!
//! To a key that is there (a given KMIP key, a key file) there are the last two steps only. An announcement
//! that is left from an interrupted rotation is picked up by the next one to a new key on that server; one to another
//! key clears it and says so in [`Rotated::not_needed`].
//!
//! Fail points, in this order: `rotate.announced`, `kmip.before_create`, `kmip.created`, `kmip.activated`,
//! `rotate.fetched`, `keystore.previous_kept`, `rotate.done`; those of each write of the keystore; `kmip.before_revoke`,
//! `kmip.revoked` and `revoke.previous_removed`.

mod error;
mod new_key;
mod revoke;
mod slot;
mod tree;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kmip_client::ObjectAttributes;
use tokio::sync::OwnedMutexGuard;

pub use error::RotationError;
pub use new_key::free_name;
pub use revoke::{Revoked, revoke, revoke_old};
pub use tree::{TreeRotated, TreeTarget, set_tree_key, unlock_tree};

use crate::error::Error;
use crate::failpoint;
use crate::format::{HistoryReason, MasterKeyRef, Provider};
use crate::handle::{Info, Keystore};
use crate::memory::MasterKey;
use crate::provider::key_file;
use crate::provider::kmip::KmipKeys;
use crate::tree_id::TreeId;
use slot::Slot;

/// The master key to change to.
///
/// With [`KmipKeys::with_wrap_on_server`] a key on a KMIP server wraps a new key and stays there.
pub enum Target<'a> {
    /// A key that is created on the KMIP server.
    NewKmipKey(&'a mut KmipKeys),
    /// A key that is on the KMIP server.
    KmipKey {
        /// The connection.
        keys: &'a mut KmipKeys,
        /// Its unique identifier, or a Name that only one (Active) key has.
        key: &'a str,
    },
    /// The key in a file (`security.encryptionKeyFile`).
    KeyFile(&'a Path),
}

/// How the new master key came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// It was created now.
    Created,
    /// An interrupted rotation had created it; it was found by its Name.
    FoundAgain,
    /// It was there, on the KMIP server or in a file.
    Given,
}

/// A key that an interrupted rotation announced and that nothing needs now: it may be destroyed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotNeeded {
    /// Its Name, by which it can be found.
    pub name: String,
    /// Its unique identifier if it was found on the KMIP server in use; `None` if it was not looked for, or is not
    /// there.
    pub identifier: Option<String>,
    /// The servers that could not be asked, and why: it may have been created on one of them.
    pub perhaps_on: Vec<String>,
}

/// A rotation that is done: durable, and in use.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rotated {
    /// The master key before. It still opens `keystore.previous` and backups from before.
    pub old: MasterKeyRef,
    /// The master key now.
    pub new: MasterKeyRef,
    /// Whether it was a rotation or a migration.
    pub reason: HistoryReason,
    /// How the new key came about.
    pub origin: Origin,
    /// What the KMIP server says about the new key; `None` for a key file.
    pub attributes: Option<ObjectAttributes>,
    /// A key that is left over.
    pub not_needed: Option<NotNeeded>,
    /// The trees that have a master key of their own: they stay under it.
    pub untouched_trees: Vec<TreeId>,
}

/// Changes the master key of the dbpath. It is a migration if the provider changes.
///
/// The future may be dropped: what was begun is finished by the next rotation.
///
/// # Errors
/// [`RotationError`]; the keystore is unchanged then, but for an announcement in the case of
/// [`RotationError::Interrupted`].
pub async fn rotate(
    keystore: &Arc<Keystore>,
    target: Target<'_>,
) -> Result<Rotated, RotationError> {
    change(keystore, target, HistoryReason::Rotated).await
}

/// Changes the master key of the dbpath to one of another provider or of another KMIP server.
///
/// As [`rotate`], but a key of the same material under another unique identifier is no objection: a server may have
/// been given the key of another.
///
/// # Errors
/// As [`rotate`].
pub async fn migrate(
    keystore: &Arc<Keystore>,
    target: Target<'_>,
) -> Result<Rotated, RotationError> {
    change(keystore, target, HistoryReason::Migrated).await
}

/// A master key that is ready to be used.
struct Next {
    key: MasterKeyRef,
    master: MasterKey,
    origin: Origin,
    attributes: Option<ObjectAttributes>,
    not_needed: Option<NotNeeded>,
}

async fn change(
    keystore: &Arc<Keystore>,
    target: Target<'_>,
    reason: HistoryReason,
) -> Result<Rotated, RotationError> {
    let rotating = begin(keystore)?;
    let info = keystore.info();
    let slot = Slot::of_dbpath(&info);
    let next = match target {
        Target::NewKmipKey(keys) => new_key::new_key(keystore, &slot, keys).await?,
        Target::KmipKey { keys, key } => {
            given_key(keystore, &info, &slot, keys, key, reason).await?
        }
        Target::KeyFile(path) => key_of_file(keystore, &info, &slot, path).await?,
    };
    failpoint::hit("rotate.fetched");
    let old = info.master_key;
    let reason = match old.provider == next.key.provider {
        true => reason,
        false => HistoryReason::Migrated,
    };
    let rotated = Rotated {
        untouched_trees: keystore
            .tree_master_keys()
            .iter()
            .map(|own| own.tree)
            .collect(),
        old,
        new: next.key.clone(),
        reason,
        origin: next.origin,
        attributes: next.attributes,
        not_needed: next.not_needed,
    };
    rewrap(keystore, next.key, next.master, reason, rotating).await?;
    failpoint::hit("rotate.done");
    Ok(rotated)
}

/// What keeps others from changing master keys, as long as it is held.
fn begin(keystore: &Keystore) -> Result<OwnedMutexGuard<()>, RotationError> {
    let rotating = Arc::clone(&keystore.rotating);
    rotating
        .try_lock_owned()
        .map_err(|_| RotationError::UnderWay)
}

/// Of a thread that may block. Goes on if the future is dropped, and lets no other rotation begin before its end.
async fn rewrap(
    keystore: &Arc<Keystore>,
    key: MasterKeyRef,
    master: MasterKey,
    reason: HistoryReason,
    rotating: OwnedMutexGuard<()>,
) -> Result<(), Error> {
    let keystore = Arc::clone(keystore);
    blocking(move || {
        let done = keystore.rewrap(key, &master, reason);
        drop(rotating);
        done
    })
    .await
}

/// Runs what waits for a disk where that is allowed.
async fn blocking<T: Send + 'static>(
    f: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(f).await {
        Ok(result) => result,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(stopped) => Err(Error::Io {
                operation: "write",
                path: PathBuf::from(crate::FILE_NAME),
                source: std::io::Error::other(stopped),
            }),
        },
    }
}

async fn given_key(
    keystore: &Keystore,
    info: &Info,
    slot: &Slot,
    keys: &mut KmipKeys,
    given: &str,
    reason: HistoryReason,
) -> Result<Next, RotationError> {
    let found = match keys.find(given).await? {
        Ok(found) => found,
        Err(not_there) => return Err(not_there.error(given).into()),
    };
    let identifier = found.unique_identifier.clone();
    let current = &info.master_key;
    let is_same_object = current.is_kmip_key(&identifier);
    let generation = slot.next_generation;
    let wrapped_now = current
        .wrapped()
        .filter(|_| is_same_object && keys.wraps_on_server());
    if let Some(wrapped) = wrapped_now {
        let context = slot.context(current.generation);
        // Another server may have another key of this identifier.
        if keys.unwrap(&identifier, wrapped, &context).await.is_ok() {
            return Err(nothing_to_rotate(current));
        }
    }
    let fetched = keys.take_into_use(found, &slot.context(generation)).await?;
    let is_same_way = current.provider == Provider::Kmip && current.wrapped().is_none();
    if is_same_way
        && (is_same_object || reason != HistoryReason::Migrated)
        && keystore.is_under(&fetched.key)?
    {
        return Err(nothing_to_rotate(current));
    }
    // Kept, so that either may be given later.
    let name = Some(given).filter(|given| *given != identifier);
    let key = fetched.reference(generation, name.map(str::to_owned))?;
    Ok(Next {
        not_needed: new_key::not_needed(slot, Some(keys), &identifier).await,
        key,
        master: fetched.key,
        origin: Origin::Given,
        attributes: Some(fetched.attributes),
    })
}

async fn key_of_file(
    keystore: &Keystore,
    info: &Info,
    slot: &Slot,
    path: &Path,
) -> Result<Next, RotationError> {
    let master = key_file::read(path)?;
    if info.master_key.provider == Provider::KeyFile && keystore.is_under(&master)? {
        return Err(nothing_to_rotate(&info.master_key));
    }
    Ok(Next {
        not_needed: new_key::not_needed(slot, None, "").await,
        key: MasterKeyRef::key_file(slot.next_generation),
        master,
        origin: Origin::Given,
        attributes: None,
    })
}

fn nothing_to_rotate(key: &MasterKeyRef) -> RotationError {
    RotationError::NothingToRotate {
        key: key.to_string(),
    }
}
