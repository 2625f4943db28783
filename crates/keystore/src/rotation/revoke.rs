//! Revoking master keys of before.

use std::sync::Arc;

use kmip_client::ObjectAttributes;

use super::{RotationError, blocking};
use crate::failpoint;
use crate::format::{MasterKeyRef, Provider};
use crate::handle::Keystore;
use crate::provider::kmip::KmipKeys;

/// A key that is revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revoked {
    /// Its unique identifier.
    pub identifier: String,
    /// Its Names.
    pub names: Vec<String>,
    /// Whether `keystore.previous` was removed, which only that key opened.
    pub previous_removed: bool,
    /// Whether it is in the keystore's history, which says from now on that it is revoked. The own keys of trees are
    /// not.
    pub in_history: bool,
}

/// Revokes a KMIP key that was the master key (reason Superseded: it is Deactivated, not destroyed), and notes that in the
/// history. A key that is revoked already is no error. A change of a master key that is under way is waited for.
///
/// What this dbpath's keystore needs is looked at; what else may need the key is not known here, and the caller
/// decides: `keystore.previous` and backups from before open with it only (servers may refuse to decrypt with
/// a key that is not Active, and most still let it be fetched), as do other dbpaths that were given the same key.
///
/// # Errors
/// [`RotationError::StillNeeded`] if the keystore, or a tree of it, is under a key of this unique identifier;
/// [`RotationError::NotOnServer`] for a key file; those of the KMIP server; [`RotationError::RevokedOnly`].
pub async fn revoke_old(
    keystore: &Arc<Keystore>,
    keys: &mut KmipKeys,
    old: &MasterKeyRef,
) -> Result<(), RotationError> {
    let identifier = match (old.provider, &old.identifier) {
        (Provider::Kmip, Some(identifier)) => identifier,
        _ => {
            return Err(RotationError::NotOnServer {
                key: old.to_string(),
            });
        }
    };
    // Nothing comes under the key between the look and the deed. What is under way may be waited for: it ends.
    let _rotating = keystore.rotating.lock().await;
    check_unused(keystore, identifier)?;
    // On the server that has it, which need not be the one in use.
    keys.locate_saved(old).await?;
    keys.revoke_superseded(identifier).await?;
    note(keystore, identifier).await?;
    Ok(())
}

/// Revokes a key that was a master key of this dbpath, of the dbpath itself or of a tree, at any later time. `key` is
/// its unique identifier, or a Name that only one (Active) key has. It is refused if the keystore or a tree is under the
/// key, if it was announced, and if `keystore.previous` is under it, unless that may be removed. Otherwise as
/// [`revoke_old`].
///
/// A key is of this dbpath if the history has it, or if its Name says so.
///
/// # Errors
/// [`RotationError::StillNeeded`], [`RotationError::NotOfThisDbpath`]; those of the KMIP server, and of
/// `keystore.previous`; [`RotationError::RevokedOnly`].
pub async fn revoke(
    keystore: &Arc<Keystore>,
    keys: &mut KmipKeys,
    key: &str,
    remove_previous: bool,
) -> Result<Revoked, RotationError> {
    let _rotating = keystore.rotating.lock().await;
    let found = match keys.find(key).await? {
        Ok(found) => found,
        Err(not_there) => return Err(not_there.error(key).into()),
    };
    let identifier = found.unique_identifier.clone();
    // In this order: what is in use need not be of our making.
    check_unused(keystore, &identifier)?;
    check_not_announced(keystore, &found)?;
    if !is_of_dbpath(keystore, &found) {
        return Err(RotationError::NotOfThisDbpath { key: identifier });
    }
    let previous_removed = keystore.is_previous_under(&identifier)?;
    if previous_removed && !remove_previous {
        return Err(still_needed(
            &identifier,
            "keystore.previous, the copy from before the last rotation, which may be removed with it (removePrevious, \
             --remove-previous),",
        ));
    }
    keys.revoke_superseded(&identifier).await?;
    if previous_removed {
        let (copy, key) = (Arc::clone(keystore), identifier.clone());
        blocking(move || copy.remove_previous())
            .await
            .map_err(|source| RotationError::RevokedOnly { key, source })?;
    }
    failpoint::hit("revoke.previous_removed");
    Ok(Revoked {
        in_history: note(keystore, &identifier).await?,
        identifier,
        names: found.names,
        previous_removed,
    })
}

/// Notes the revocation in the history.
async fn note(keystore: &Arc<Keystore>, identifier: &str) -> Result<bool, RotationError> {
    let (keystore, key) = (Arc::clone(keystore), identifier.to_owned());
    let noted = blocking(move || keystore.note_revoked(&key)).await;
    noted.map_err(|source| RotationError::RevokedOnly {
        key: identifier.to_owned(),
        source,
    })
}

fn still_needed(key: &str, by: impl Into<String>) -> RotationError {
    RotationError::StillNeeded {
        key: key.to_owned(),
        by: by.into(),
    }
}

/// Refuses if something in the keystore is under the KMIP key with this unique identifier.
fn check_unused(keystore: &Keystore, identifier: &str) -> Result<(), RotationError> {
    if keystore.master_key().is_kmip_key(identifier) {
        let by = "the keystore, whose master key it is,";
        return Err(still_needed(identifier, by));
    }
    let trees: Vec<_> = keystore
        .tree_master_keys()
        .into_iter()
        .filter(|own| own.key.is_kmip_key(identifier))
        .map(|own| own.tree.to_string())
        .collect();
    let by = match trees.as_slice() {
        [] => return Ok(()),
        [only] => format!("tree {only}, whose own master key it is,"),
        [first, others @ ..] => format!(
            "tree {first}, whose own master key it is, like that of {} more,",
            others.len()
        ),
    };
    Err(still_needed(identifier, by))
}

/// Refuses if an interrupted change announced the key: the next one goes on with it.
fn check_not_announced(keystore: &Keystore, found: &ObjectAttributes) -> Result<(), RotationError> {
    let of_trees = keystore.announced_tree_keys();
    let pending = of_trees.into_iter().filter_map(|lineage| lineage.pending);
    let mut announced = keystore.info().pending.into_iter().chain(pending);
    let is_announced =
        announced.any(|key| key.name.is_some_and(|name| found.names.contains(&name)));
    match is_announced {
        true => Err(still_needed(
            &found.unique_identifier,
            "a rotation that was interrupted, and that the next one goes on with,",
        )),
        false => Ok(()),
    }
}

/// Whether the key was a master key of this dbpath, or was made to be one.
fn is_of_dbpath(keystore: &Keystore, found: &ObjectAttributes) -> bool {
    let info = keystore.info();
    let ours = format!("strongroom/{}/", info.dbpath_id);
    let mut history = info.history.iter();
    let was_master = history.any(|entry| entry.key.is_kmip_key(&found.unique_identifier));
    was_master || found.names.iter().any(|name| name.starts_with(&ours))
}
