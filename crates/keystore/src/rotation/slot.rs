//! Whose master key is changed: the dbpath's, or one that a tree has of its own. What is different about the two.

use std::sync::Arc;

use uuid::Uuid;

use super::{RotationError, blocking};
use crate::error::Error;
use crate::format::{MasterKeyRef, Provider, key_name, tree_key_name};
use crate::handle::{Info, Keystore};
use crate::provider::kmip::WrapContext;
use crate::tree_id::TreeId;

/// The place of a master key in a keystore.
pub(super) struct Slot {
    dbpath_id: Uuid,
    /// `None` for the dbpath's.
    tree: Option<TreeId>,
    /// The key that an interrupted change announced for it.
    pub(super) pending: Option<MasterKeyRef>,
    /// The generation of the next key that nobody has announced yet.
    pub(super) next_generation: u32,
}

impl Slot {
    pub(super) fn of_dbpath(info: &Info) -> Slot {
        Slot {
            dbpath_id: info.dbpath_id,
            tree: None,
            pending: info.pending.clone(),
            next_generation: info.master_key.generation.saturating_add(1),
        }
    }

    pub(super) fn of_tree(keystore: &Keystore, tree: TreeId) -> Result<Slot, Error> {
        let lineage = keystore.tree_lineage(tree)?;
        Ok(Slot {
            dbpath_id: keystore.info().dbpath_id,
            tree: Some(tree),
            pending: lineage.pending,
            next_generation: lineage.last_generation.saturating_add(1),
        })
    }

    /// The Name that an interrupted change announced.
    pub(super) fn announced_name(&self) -> Option<&str> {
        let pending = self.pending.as_ref()?;
        let name = pending.name.as_deref();
        name.filter(|_| pending.provider == Provider::Kmip)
    }

    /// The Name of a key of that generation.
    pub(super) fn name(&self, generation: u32) -> String {
        match self.tree {
            None => key_name(self.dbpath_id, generation),
            Some(tree) => tree_key_name(self.dbpath_id, tree, generation),
        }
    }

    /// What a key of that generation belongs to, for a KMIP server that wraps it.
    pub(super) fn context(&self, generation: u32) -> WrapContext {
        WrapContext {
            dbpath_id: self.dbpath_id,
            tree: self.tree,
            generation,
        }
    }

    /// Writes the Name of the next key into the keystore before the key is created.
    pub(super) async fn announce(
        &self,
        keystore: &Arc<Keystore>,
        generation: u32,
        name: &str,
    ) -> Result<(), RotationError> {
        let key = MasterKeyRef::kmip(generation, Some(name.to_owned()), None)?;
        Ok(self.write(keystore, Some(key)).await?)
    }

    /// Takes the announcement back: there is no such key.
    pub(super) async fn withdraw(&self, keystore: &Arc<Keystore>) -> Result<(), Error> {
        self.write(keystore, None).await
    }

    async fn write(
        &self,
        keystore: &Arc<Keystore>,
        key: Option<MasterKeyRef>,
    ) -> Result<(), Error> {
        let (keystore, tree) = (Arc::clone(keystore), self.tree);
        blocking(move || match tree {
            None => keystore.announce_next(key),
            Some(tree) => keystore.announce_tree_key(tree, key),
        })
        .await
    }
}
