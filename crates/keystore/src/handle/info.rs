//! What an open keystore says about itself.

use uuid::Uuid;

use super::Keystore;
use crate::format::{Cipher, Header, HistoryEntry, MasterKeyRef, Provider};
use crate::tree_id::TreeId;

/// What a keystore says about itself, for people and for `serverStatus`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// The dbpath's random identifier.
    pub dbpath_id: Uuid,
    /// How the data is encrypted.
    pub cipher: Cipher,
    /// Where the master key comes from and what it is called there.
    pub master_key: MasterKeyRef,
    /// A master key that is about to replace it.
    pub pending: Option<MasterKeyRef>,
    /// How often the file was written.
    pub sequence: u64,
    /// The number of trees that have data keys, locked ones included.
    pub trees: usize,
    /// The number of data keys, those of locked trees included.
    pub data_keys: usize,
    /// The number of trees that have a master key of their own.
    pub tree_master_keys: usize,
    /// The number of trees among them whose master key was not provided yet.
    pub locked_trees: usize,
    /// The master keys that the keystore is and was under, oldest first: the last
    /// [`crate::MAX_HISTORY`] of them.
    pub history: Vec<HistoryEntry>,
}

/// A master key that a tree has of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TreeMasterKey {
    /// The tree.
    pub tree: TreeId,
    /// Where the key comes from and what it is called there.
    pub key: MasterKeyRef,
    /// Whether it was provided, so that the tree's data keys are at hand.
    pub is_unlocked: bool,
}

/// What a copy of a keystore holds, and what opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// What it says without the master key.
    pub header: Header,
    /// The master keys that trees in it have of their own.
    pub tree_master_keys: Vec<TreeMasterKey>,
}

/// What is remembered of the master keys that a tree had of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TreeLineage {
    /// The tree.
    pub tree: TreeId,
    /// The generation of its last own master key, in use or not; 0 if there was none.
    pub last_generation: u32,
    /// An own master key that was announced, and that the tree is not under: a change was interrupted.
    pub pending: Option<MasterKeyRef>,
}

impl Info {
    /// Where the master key comes from.
    pub fn provider(&self) -> Provider {
        self.master_key.provider
    }
}

impl Keystore {
    /// How the data is encrypted.
    pub fn cipher(&self) -> Cipher {
        self.state().header.cipher
    }

    /// What the keystore says about itself.
    pub fn info(&self) -> Info {
        let state = self.state();
        let header = &state.header;
        let trees = || state.trees.values();
        Info {
            dbpath_id: header.dbpath_id,
            cipher: header.cipher,
            master_key: self.master_key(),
            pending: header.pending.clone(),
            sequence: header.sequence,
            trees: state.trees.len(),
            data_keys: trees().map(|tree| tree.keys.len()).sum(),
            tree_master_keys: trees().filter(|tree| tree.own.is_some()).count(),
            locked_trees: trees().filter(|tree| tree.is_locked()).count(),
            history: state.history.clone(),
        }
    }

    /// Where the master key comes from and what it is called there.
    pub fn master_key(&self) -> MasterKeyRef {
        let state = self.state.read();
        // An open keystore always has one; the fall-back keeps the type free of an `Option`.
        (state.header.master_key().cloned()).unwrap_or_else(|| MasterKeyRef::key_file(0))
    }
}
