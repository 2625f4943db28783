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

use keystore::rotation::{self, NotNeeded, Origin, Rotated, RotationError, Target};
use keystore::{Header, Keystore, Provider};

use super::encrypted::{check_cipher, check_provider, client, connect};
use super::{
    DbpathLock, DbpathState, EncryptionOptions, KmipOptions, MasterKeySource, StartupError, dbpath,
    harden,
};
use crate::emit;
use crate::log::events;

/// Whether the options ask for it.
pub fn is_rotation(options: Option<&EncryptionOptions>) -> bool {
    matches!(
        options.map(|options| &options.master_key),
        Some(MasterKeySource::Kmip(kmip)) if kmip.rotate_master_key
    )
}

/// Puts the keystore of `dbpath` under another master key, as the options ask for.
///
/// # Errors
/// See [`StartupError`]. Unless the message says otherwise, nothing was changed, here or on the KMIP
/// server.
pub async fn rotate(
    dbpath: &Path,
    options: &EncryptionOptions,
    kmip: &KmipOptions,
) -> Result<Rotated, StartupError> {
    let _lock = DbpathLock::take(dbpath)?;
    harden::no_core_dumps();
    let header = match dbpath::inspect(dbpath)? {
        DbpathState::Encrypted(header) => header,
        DbpathState::Plain => {
            return Err(StartupError::NotEncrypted {
                dbpath: dbpath.to_path_buf(),
            });
        }
        DbpathState::Empty | DbpathState::Announced(_) => {
            return Err(StartupError::NothingToRotate {
                dbpath: dbpath.to_path_buf(),
            });
        }
    };
    check_cipher(dbpath, &header, options)?;
    let rotated = to_next(dbpath, &header, kmip).await?;
    log(&rotated);
    Ok(rotated)
}

async fn to_next(
    dbpath: &Path,
    header: &Header,
    kmip: &KmipOptions,
) -> Result<Rotated, StartupError> {
    let Some(saved) = header.master_key() else {
        return Err(StartupError::KeystoreMissing {
            dbpath: dbpath.to_path_buf(),
        });
    };
    check_provider(dbpath, saved, Provider::Kmip)?;
    let given = kmip.key_identifier.as_deref();
    // Known without asking the server. The same key used in the other way is another matter.
    if given.is_some()
        && (given == saved.identifier.as_deref() || given == saved.name.as_deref())
        && saved.is_wrapped_on_server() == kmip.wrap_on_server
    {
        return Err(StartupError::Rotation(RotationError::NothingToRotate {
            key: saved.to_string(),
        }));
    }
    let mut keys = connect(client(kmip)?, kmip).await?;
    let old = keys
        .open_key_in_any_state(saved, header.dbpath_id(), None)
        .await?;
    let keystore = Arc::new(Keystore::open(dbpath, &old.key)?);
    drop(old);
    let keys = &mut keys;
    let target = match given {
        None => Target::NewKmipKey(keys),
        Some(key) => Target::KmipKey { keys, key },
    };
    Ok(rotation::rotate(&keystore, target).await?)
}

/// Tells what became of it.
pub(crate) fn log(rotated: &Rotated) {
    let identifier = |key: &keystore::MasterKeyRef| match &key.identifier {
        Some(identifier) => identifier.clone(),
        None => key.provider.to_string(),
    };
    match rotated.origin {
        Origin::Created => emit!(
            events::KEY_CREATED,
            keyId = identifier(&rotated.new),
            name = rotated.new.name.as_deref().unwrap_or_default()
        ),
        Origin::FoundAgain => emit!(
            events::KEY_FOUND_AGAIN,
            keyId = identifier(&rotated.new),
            name = rotated.new.name.as_deref().unwrap_or_default()
        ),
        _ => {}
    }
    emit!(
        events::MASTER_KEY_ROTATED,
        oldKeyId = identifier(&rotated.old),
        newKeyId = identifier(&rotated.new),
        oldMasterKey = %rotated.old,
        newMasterKey = %rotated.new,
        generation = rotated.new.generation,
        reason = %rotated.reason
    );
    if let Some(NotNeeded {
        name, identifier, ..
    }) = &rotated.not_needed
    {
        emit!(
            events::KEY_NOT_NEEDED,
            keyId = identifier.as_deref().unwrap_or("not found"),
            name
        );
    }
}
