//! Master keys that trees have of their own ("bring your own key").

use std::sync::Arc;

use super::state::{Own, locked};
use super::{Keystore, TreeMasterKey};
use crate::crypto::DerivedKeys;
use crate::error::Error;
use crate::format::{Current, MasterKeyRef};
use crate::memory::MasterKey;
use crate::tree_id::TreeId;

impl Keystore {
    /// Puts the data keys of a tree under a master key of its own, in one atomic replacement. From then on the
    /// keystore opens without that key, and the tree is locked until [`Keystore::unlock_tree`]; now it is unlocked.
    /// A tree that has one already changes to this one.
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

    /// Puts the data keys of a tree back under the master key of the dbpath. Does nothing for a tree that is there
    /// already, so that an interrupted change can be repeated.
    ///
    /// # Errors
    /// [`Error::UnknownTree`], [`Error::Locked`], [`Error::Io`].
    pub fn clear_tree_master_key(&self, tree: TreeId) -> Result<(), Error> {
        if self.tree_master_key(tree)?.is_none() {
            return Ok(());
        }
        self.change(|state| {
            let dbpath_id = *state.header.dbpath_id.as_bytes();
            let found = state.trees.get_mut(&tree).ok_or(Error::UnknownTree(tree))?;
            found.wrap_all(&dbpath_id, tree, &state.derived)?;
            found.own = None;
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
        let state = self.state();
        let own = |(tree, found): (&TreeId, &super::state::Tree)| {
            let own = found.own.as_ref()?;
            Some(TreeMasterKey {
                tree: *tree,
                key: own.current.key.clone(),
                is_unlocked: own.derived.is_some(),
            })
        };
        state.trees.iter().filter_map(own).collect()
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
