//! Keys on a KMIP server as master keys of single trees ("bring your own key").
//!
//! The steps to a key that is created, and what a crash after each leaves, are those of the dbpath's master key
//! ([`super`]); the announcement is in the tree's own record. `keystore.previous` is removed instead of written, since
//! it has the tree's data keys under the master key of before.
//!
//! Fail points besides those of [`super`]: `tree.fetched`, `tree.previous_removed`, `tree.done`.

use std::sync::Arc;

use kmip_client::ObjectAttributes;

use super::slot::Slot;
use super::{Next, NotNeeded, Origin, RotationError, begin, blocking, new_key, nothing_to_rotate};
use crate::error::Error;
use crate::failpoint;
use crate::format::{MasterKeyRef, Provider};
use crate::handle::{Keystore, TreeMasterKey};
use crate::provider::kmip::KmipKeys;
use crate::tree_id::TreeId;

/// The master key that a tree is to come under.
///
/// With [`KmipKeys::with_wrap_on_server`] a key on a KMIP server wraps a new key and stays there.
pub enum TreeTarget<'a> {
    /// A key that is created on the KMIP server.
    NewKmipKey(&'a mut KmipKeys),
    /// A key that is on the KMIP server.
    KmipKey {
        /// The connection.
        keys: &'a mut KmipKeys,
        /// Its unique identifier, or a Name that only one (Active) key has.
        key: &'a str,
    },
    /// That of the dbpath.
    Default,
}

/// A tree that is under another master key: durable, and in use.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TreeRotated {
    /// The key of its own that it had.
    pub old: Option<MasterKeyRef>,
    /// The key of its own that it has.
    pub new: Option<MasterKeyRef>,
    /// How the new key came about; `None` for that of the dbpath.
    pub origin: Option<Origin>,
    /// What the KMIP server says about the new key.
    pub attributes: Option<ObjectAttributes>,
    /// A key that is left over.
    pub not_needed: Option<NotNeeded>,
}

/// Puts the data keys of a tree under another master key: its first own one, the next one, or back under that of the
/// dbpath. The data is not touched. Nobody revokes a key of this keystore meanwhile.
///
/// The future may be dropped: what was begun is finished by the next change of this tree's key.
///
/// # Errors
/// [`RotationError::NothingToRotate`] if the tree is under that key already; [`Error::Locked`] if its present own master
/// key was not provided; [`Error::UnknownTree`]; [`RotationError::UnderWay`]; those of the KMIP server and of the file.
/// Nothing was changed then, but for an announcement in the case of [`RotationError::Interrupted`].
pub async fn set_tree_key(
    keystore: &Arc<Keystore>,
    tree: TreeId,
    target: TreeTarget<'_>,
) -> Result<TreeRotated, RotationError> {
    let rotating = begin(keystore)?;
    let now = keystore.tree_master_key(tree)?;
    // Before anything is asked of the KMIP server: without its data keys it cannot be put under another key.
    keystore.check_unlocked(tree)?;
    let slot = Slot::of_tree(keystore, tree)?;
    let next = match target {
        TreeTarget::NewKmipKey(keys) => Some(new_key::new_key(keystore, &slot, keys).await?),
        TreeTarget::KmipKey { keys, key } => {
            Some(given_key(keystore, tree, &slot, now.as_ref(), keys, key).await?)
        }
        TreeTarget::Default => None,
    };
    failpoint::hit("tree.fetched");
    let mut rotated = TreeRotated {
        old: now.map(|now| now.key),
        new: None,
        origin: None,
        attributes: None,
        not_needed: None,
    };
    let keystore = Arc::clone(keystore);
    match next {
        Some(next) => {
            rotated.new = Some(next.key.clone());
            rotated.origin = Some(next.origin);
            rotated.attributes = next.attributes;
            rotated.not_needed = next.not_needed;
            let (key, master) = (next.key, next.master);
            blocking(move || {
                // It has the same data keys under the master key of before: whoever has that could go on reading.
                // First, so that it is gone whenever the tree is under its new key.
                keystore.remove_previous()?;
                failpoint::hit("tree.previous_removed");
                keystore.set_tree_master_key(tree, key, &master)?;
                drop(rotating);
                Ok(())
            })
            .await?;
        }
        None => {
            rotated.not_needed = new_key::not_needed(&slot, None, "").await;
            blocking(move || {
                keystore.clear_tree_master_key(tree)?;
                drop(rotating);
                Ok(())
            })
            .await?;
        }
    }
    failpoint::hit("tree.done");
    Ok(rotated)
}

async fn given_key(
    keystore: &Keystore,
    tree: TreeId,
    slot: &Slot,
    now: Option<&TreeMasterKey>,
    keys: &mut KmipKeys,
    given: &str,
) -> Result<Next, RotationError> {
    let found = match keys.find(given).await? {
        Ok(found) => found,
        Err(not_there) => return Err(not_there.error(given).into()),
    };
    let identifier = found.unique_identifier.clone();
    if let Some(now) = now
        && now.key.is_kmip_key(&identifier)
        && now.key.is_wrapped_on_server() == keys.wraps_on_server()
        // Another server may have another key of this identifier.
        && let Ok(same) = keys.open_key(&now.key, keystore.info().dbpath_id, Some(tree)).await
        && keystore.unlock_tree(tree, &same.key).is_ok()
    {
        return Err(nothing_to_rotate(&now.key));
    }
    let generation = slot.next_generation;
    let taken = keys.take_into_use(found, &slot.context(generation)).await?;
    // Kept, so that people recognise it.
    let name = Some(given).filter(|given| *given != identifier);
    let key = taken.reference(generation, name.map(str::to_owned))?;
    Ok(Next {
        not_needed: new_key::not_needed(slot, Some(keys), &identifier).await,
        key,
        master: taken.key,
        origin: Origin::Given,
        attributes: Some(taken.attributes),
    })
}

/// Gets the own master key of a tree from the KMIP server and unlocks the tree. One that is unlocked stays so, and the
/// server is asked nevertheless.
///
/// # Errors
/// [`Error::NoTreeMasterKey`], [`Error::UnknownTree`]; [`Error::WrongTreeKey`] if the server's key is another;
/// [`RotationError::NotOnServer`] for a key of another provider; those of the KMIP server.
pub async fn unlock_tree(
    keystore: &Keystore,
    tree: TreeId,
    keys: &mut KmipKeys,
) -> Result<(), RotationError> {
    let own = keystore
        .tree_master_key(tree)?
        .ok_or(Error::NoTreeMasterKey(tree))?;
    if own.key.provider != Provider::Kmip {
        let key = own.key.to_string();
        return Err(RotationError::NotOnServer { key });
    }
    let dbpath_id = keystore.info().dbpath_id;
    let opened = keys.open_key(&own.key, dbpath_id, Some(tree)).await?;
    Ok(keystore.unlock_tree(tree, &opened.key)?)
}
