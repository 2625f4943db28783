//! Keys on a KMIP server as master keys of single trees ("bring your own key").

use std::sync::Arc;

use super::{RotationError, begin, blocking, nothing_to_rotate};
use crate::error::Error;
use crate::format::Provider;
use crate::handle::{Keystore, TreeMasterKey};
use crate::provider::kmip::{KmipKeys, WrapContext};
use crate::tree_id::TreeId;

/// Puts the data keys of a tree under a key that is on the KMIP server: its first own master key, or the next one. `key`
/// is the key's unique identifier, or a Name that only one (Active) key has. With
/// [`KmipKeys::with_wrap_on_server`] it stays on the server. Back goes [`Keystore::clear_tree_master_key`].
///
/// # Errors
/// [`RotationError::NothingToRotate`] if the tree is under that key already; [`Error::Locked`] if its present own master
/// key was not provided; [`Error::UnknownTree`]; [`RotationError::UnderWay`]; those of the KMIP server and of the file. Nothing was changed then.
pub async fn set_tree_key(
    keystore: &Arc<Keystore>,
    tree: TreeId,
    keys: &mut KmipKeys,
    key: &str,
) -> Result<TreeMasterKey, RotationError> {
    // Nobody revokes the key between now and its use.
    let rotating = begin(keystore)?;
    let now = keystore.tree_master_key(tree)?;
    keystore.check_unlocked(tree)?;
    let found = match keys.find(key).await? {
        Ok(found) => found,
        Err(not_there) => return Err(not_there.error(key).into()),
    };
    let identifier = found.unique_identifier.clone();
    let dbpath_id = keystore.info().dbpath_id;
    if let Some(now) = &now
        && now.key.provider == Provider::Kmip
        && now.key.identifier.as_ref() == Some(&identifier)
        && now.key.is_wrapped_on_server() == keys.wraps_on_server()
        // Another server may have another key of this identifier.
        && let Ok(same) = keys.open_key(&now.key, dbpath_id, Some(tree)).await
        && keystore.unlock_tree(tree, &same.key).is_ok()
    {
        return Err(nothing_to_rotate(&now.key));
    }
    let generation = now.map_or(0, |now| now.key.generation).saturating_add(1);
    let context = WrapContext {
        dbpath_id,
        tree: Some(tree),
        generation,
    };
    let taken = keys.take_into_use(found, &context).await?;
    // Kept, so that people recognise it.
    let name = Some(key).filter(|key| *key != identifier);
    let reference = taken.reference(generation, name.map(str::to_owned))?;
    let keystore = Arc::clone(keystore);
    let set = blocking(move || {
        keystore.set_tree_master_key(tree, reference, &taken.key)?;
        drop(rotating);
        keystore
            .tree_master_key(tree)?
            .ok_or(Error::NoTreeMasterKey(tree))
    });
    Ok(set.await?)
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
