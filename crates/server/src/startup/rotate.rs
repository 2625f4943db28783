//! `security.kmip.rotateMasterKey`: the keystore is put under another master key, and the process ends.
//!
//! | saved | given | result |
//! |---|---|---|
//! | X | none | X is read, whatever its state; a new key is created; the keystore is put under it |
//! | X | Y | Y must exist, and be Active if `activateKeys`; the keystore is put under it |
//! | X | X | refused: nothing to rotate to |
//! | key file | | refused: `strongroom keys migrate` |
//! | nothing | | refused: there is no keystore yet |
//!
//! The data is not read. With `wrapOnServer` on or off, the new key is used in that way, whatever the
//! old one was: this is how that option is changed.

use std::path::Path;
use std::sync::Arc;

use keystore::rotation::{self, NotNeeded, Origin, Rotated, Target};
use keystore::{Header, Keystore, MasterKeyRef};

use super::encrypted::{client, connect};
use super::fits::{check_existing, check_fresh, saved};
use super::{
    DbpathLock, DbpathState, EncryptionOptions, KmipOptions, MasterKeySource, StartupError, fits,
    inspect, no_core_dumps,
};
use crate::emit;
use crate::log::events;

/// Whether the options ask for it.
pub fn is_rotation(options: Option<&EncryptionOptions>) -> bool {
    asked_for(options).is_some()
}

/// The options that ask for a rotation.
fn asked_for(options: Option<&EncryptionOptions>) -> Option<(&EncryptionOptions, &KmipOptions)> {
    let options = options?;
    match &options.master_key {
        MasterKeySource::Kmip(kmip) if kmip.rotate_master_key => Some((options, kmip)),
        _ => None,
    }
}

/// Puts the keystore of `dbpath` under another master key, if the options ask for it.
///
/// # Errors
/// See [`StartupError`]. Unless the message says otherwise, nothing was changed, here or on the KMIP
/// server.
pub async fn rotate(
    dbpath: &Path,
    options: Option<&EncryptionOptions>,
) -> Result<Option<Rotated>, StartupError> {
    let Some((options, kmip)) = asked_for(options) else {
        return Ok(None);
    };
    let _lock = DbpathLock::take(dbpath)?;
    let state = inspect(dbpath)?;
    fits(dbpath, &state, true)?;
    no_core_dumps();
    let header = match state {
        DbpathState::Encrypted(header) => header,
        _ => {
            check_fresh(dbpath, None, options)?;
            return Ok(None);
        }
    };
    check_existing(dbpath, &header, options)?;
    let rotated = to_next(dbpath, &header, kmip).await?;
    log_rotation(&rotated);
    Ok(Some(rotated))
}

async fn to_next(
    dbpath: &Path,
    header: &Header,
    kmip: &KmipOptions,
) -> Result<Rotated, StartupError> {
    let saved = saved(dbpath, header)?;
    let mut keys = connect(client(kmip)?, kmip).await?;
    let old = keys
        .open_key_in_any_state(saved, header.dbpath_id(), None)
        .await?;
    let keystore = Arc::new(Keystore::open(dbpath, &old.key)?);
    drop(old);
    let keys = &mut keys;
    let target = match kmip.key_identifier.as_deref() {
        None => Target::NewKmipKey(keys),
        Some(key) => Target::KmipKey { keys, key },
    };
    Ok(rotation::rotate(&keystore, target).await?)
}

/// Tells what became of it.
pub(crate) fn log_rotation(rotated: &Rotated) {
    log_origin(rotated.origin, &rotated.new);
    emit!(
        events::MASTER_KEY_ROTATED,
        oldKeyId = identifier(&rotated.old),
        newKeyId = identifier(&rotated.new),
        oldMasterKey = %rotated.old,
        newMasterKey = %rotated.new,
        generation = rotated.new.generation,
        reason = %rotated.reason
    );
    if let Some(left) = &rotated.not_needed {
        log_not_needed(left);
    }
}

/// Tells how a key came about that was not there before.
pub(crate) fn log_origin(origin: Origin, key: &MasterKeyRef) {
    let name = key.name.as_deref().unwrap_or_default();
    match origin {
        Origin::Created => emit!(events::KEY_CREATED, keyId = identifier(key), name),
        Origin::FoundAgain => emit!(events::KEY_FOUND_AGAIN, keyId = identifier(key), name),
        _ => {}
    }
}

/// Tells of a key that an interrupted change left.
pub(crate) fn log_not_needed(left: &NotNeeded) {
    emit!(
        events::KEY_NOT_NEEDED,
        keyId = left.identifier.as_deref().unwrap_or("not found"),
        name = left.name.as_str(),
        notAsked = left.perhaps_on.join(", ")
    );
}

fn identifier(key: &MasterKeyRef) -> String {
    match &key.identifier {
        Some(identifier) => identifier.clone(),
        None => key.provider.to_string(),
    }
}
