//! Master keys that trees have of their own ("bring your own key").

use std::sync::Arc;

use super::state::{Own, State, Tree, locked};
use super::{Keystore, TreeLineage, TreeMasterKey};
use crate::crypto::DerivedKeys;
use crate::error::Error;
use crate::format::{Current, MasterKeyRef};
use crate::memory::MasterKey;
use crate::tree_id::TreeId;

impl Keystore {
    /// Puts the data keys of a tree under a master key of its own, in one atomic replacement. From then on the
    /// keystore opens without that key, and the tree is locked until [`Keystore::unlock_tree`]; now it is unlocked.
    /// A tree that has one already changes to this one. An announcement of the tree's is fulfilled by it, and cleared.
    ///
    /// This is the last step of [`crate::rotation::set_tree_key`], which is what to call.
    ///
    /// Copies of the keystore from before, `keystore.previous` among them, hold the data keys under the master key
    /// that they were under then: see [`Keystore::remove_previous`].
    ///
    /// # Errors
    /// [`Error::UnknownTree`], [`Error::Locked`], [`Error::Full`], [`Error::Io`].
    pub fn set_tree_master_key(
        &self,
        tree: TreeId,
        key: MasterKeyRef,
        master: &MasterKey,
    ) -> Result<(), Error> {
        self.change(|state| {
            let dbpath_id = *state.header.dbpath_id.as_bytes();
            let found = state.trees.get_mut(&tree).ok_or(Error::UnknownTree(tree))?;
            let (derived, binding) = DerivedKeys::bind(master)?;
            found.wrap_all(&dbpath_id, tree, &derived)?;
            let lineage = &mut found.lineage;
            lineage.last_generation = lineage.last_generation.max(key.generation);
            lineage.pending = None;
            found.own = Some(Own {
                current: Current { key, binding },
                derived: Some(Arc::new(derived)),
            });
            Ok(())
        })
    }

    /// Puts the data keys of a tree under another master key of its own: the rotation of a tenant's key.
    ///
    /// # Errors
    /// [`Error::NoTreeMasterKey`] for a tree that has none, and those of [`Keystore::set_tree_master_key`].
    pub fn rewrap_tree(
        &self,
        tree: TreeId,
        key: MasterKeyRef,
        master: &MasterKey,
    ) -> Result<(), Error> {
        if self.tree_master_key(tree)?.is_none() {
            return Err(Error::NoTreeMasterKey(tree));
        }
        self.set_tree_master_key(tree, key, master)
    }

    /// Announces the next own master key of a tree before it is created at its provider, or takes the announcement
    /// back (`None`). The master key that the tree's data keys are under stays in use.
    ///
    /// # Errors
    /// [`Error::UnknownTree`], [`Error::Io`].
    pub fn announce_tree_key(&self, tree: TreeId, key: Option<MasterKeyRef>) -> Result<(), Error> {
        self.change(|state| {
            let found = state.trees.get_mut(&tree).ok_or(Error::UnknownTree(tree))?;
            found.lineage.pending = key;
            Ok(())
        })
    }

    /// What is remembered of the own master keys of a tree, whether or not it has one now.
    ///
    /// # Errors
    /// [`Error::UnknownTree`].
    pub fn tree_lineage(&self, tree: TreeId) -> Result<TreeLineage, Error> {
        let state = self.state.read();
        let found = state.trees.get(&tree).ok_or(Error::UnknownTree(tree))?;
        let in_use = found
            .own
            .as_ref()
            .map_or(0, |own| own.current.key.generation);
        Ok(TreeLineage {
            tree,
            // A version that did not know of it has not counted.
            last_generation: found.lineage.last_generation.max(in_use),
            pending: found.lineage.pending.clone(),
        })
    }

    /// The trees that a master key of their own was announced for and that are not under it: an interrupted
    /// [`crate::rotation::set_tree_key`] each.
    pub fn announced_tree_keys(&self) -> Vec<TreeLineage> {
        let state = self.state();
        let announced = state
            .trees
            .iter()
            .filter(|(_, found)| found.lineage.pending.is_some());
        announced
            .filter_map(|(tree, _)| self.tree_lineage(*tree).ok())
            .collect()
    }

    /// Puts the data keys of a tree back under the master key of the dbpath. An announcement of the tree's is taken back,
    /// and the generation of its next own master key stays. Does nothing for a tree that is there already, so that an
    /// interrupted change can be repeated.
    ///
    /// # Errors
    /// [`Error::UnknownTree`], [`Error::Locked`], [`Error::Io`].
    pub fn clear_tree_master_key(&self, tree: TreeId) -> Result<(), Error> {
        if self.tree_master_key(tree)?.is_none() && self.tree_lineage(tree)?.pending.is_none() {
            return Ok(());
        }
        self.change(|state| {
            let dbpath_id = *state.header.dbpath_id.as_bytes();
            let found = state.trees.get_mut(&tree).ok_or(Error::UnknownTree(tree))?;
            found.wrap_all(&dbpath_id, tree, &state.derived)?;
            let before = found.own.take().map_or(0, |own| own.current.key.generation);
            let lineage = &mut found.lineage;
            lineage.last_generation = lineage.last_generation.max(before);
            lineage.pending = None;
            Ok(())
        })
    }

    /// Provides the master key of a tree: its data keys are unwrapped. Writes nothing. A tree that is unlocked stays
    /// so.
    ///
    /// # Errors
    /// [`Error::WrongTreeKey`] for another key, [`Error::Tampered`] if it is the right one and a data key is not
    /// authentic; [`Error::UnknownTree`], [`Error::NoTreeMasterKey`].
    pub fn unlock_tree(&self, tree: TreeId, master: &MasterKey) -> Result<(), Error> {
        let path = self.path();
        self.change_in_memory(|state| {
            let dbpath_id = *state.header.dbpath_id.as_bytes();
            let found = state.trees.get_mut(&tree).ok_or(Error::UnknownTree(tree))?;
            let own = found.own.as_ref().ok_or(Error::NoTreeMasterKey(tree))?;
            let Some(derived) = DerivedKeys::recover(master, &own.current.binding)? else {
                let expected = own.current.key.to_string();
                return Err(Error::WrongTreeKey {
                    path,
                    tree,
                    expected,
                });
            };
            if !found.unwrap_all(&dbpath_id, tree, &derived)? {
                return Err(Error::Tampered { path });
            }
            if let Some(own) = &mut found.own {
                own.derived = Some(Arc::new(derived));
            }
            Ok(())
        })
    }

    /// Forgets the data keys of a tree with a master key of its own, in memory only: they are wiped as soon as nobody
    /// holds a copy any more. Does nothing for a tree that is locked.
    ///
    /// # Errors
    /// [`Error::UnknownTree`], [`Error::NoTreeMasterKey`].
    pub fn lock_tree(&self, tree: TreeId) -> Result<(), Error> {
        self.change_in_memory(|state| {
            let found = state.trees.get_mut(&tree).ok_or(Error::UnknownTree(tree))?;
            let own = found.own.as_mut().ok_or(Error::NoTreeMasterKey(tree))?;
            own.derived = None;
            for held in found.keys.values_mut() {
                held.key = None;
            }
            Ok(())
        })
    }

    /// The trees that have a master key of their own, in order.
    pub fn tree_master_keys(&self) -> Vec<TreeMasterKey> {
        own_keys(&self.state())
    }

    /// The master key that a tree has of its own; `None` if it is under that of the dbpath.
    ///
    /// # Errors
    /// [`Error::UnknownTree`].
    pub fn tree_master_key(&self, tree: TreeId) -> Result<Option<TreeMasterKey>, Error> {
        let state = self.state.read();
        let found = state.trees.get(&tree).ok_or(Error::UnknownTree(tree))?;
        Ok(found.own.as_ref().map(|own| TreeMasterKey {
            tree,
            key: own.current.key.clone(),
            is_unlocked: own.derived.is_some(),
        }))
    }

    /// Whether the data keys of a tree are not at hand, since its master key was not provided.
    ///
    /// # Errors
    /// [`Error::Locked`] if it is so. A tree that is not known is not locked.
    pub fn check_unlocked(&self, tree: TreeId) -> Result<(), Error> {
        let state = self.state.read();
        match state.trees.get(&tree).and_then(|tree| tree.own.as_ref()) {
            Some(own) if own.derived.is_none() => Err(locked(tree, own)),
            _ => Ok(()),
        }
    }

    /// Whether `master` is the key that the keystore is under.
    ///
    /// # Errors
    /// [`Error::Crypto`].
    pub fn is_under(&self, master: &MasterKey) -> Result<bool, Error> {
        let state = self.state();
        match &state.header.current {
            Some(current) => Ok(DerivedKeys::recover(master, &current.binding)?.is_some()),
            None => Ok(false),
        }
    }
}

/// The trees of a state that have a master key of their own, in order.
pub(super) fn own_keys(state: &State) -> Vec<TreeMasterKey> {
    let own = |(tree, found): (&TreeId, &Tree)| {
        let own = found.own.as_ref()?;
        Some(TreeMasterKey {
            tree: *tree,
            key: own.current.key.clone(),
            is_unlocked: own.derived.is_some(),
        })
    };
    state.trees.iter().filter_map(own).collect()
}
