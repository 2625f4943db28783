//! The body: the wrapped data keys, the master keys of single trees, and the history.

use std::collections::BTreeMap;

use super::FormatError;
use super::history::{HistoryEntry, MAX_HISTORY};
use super::lineage::Lineage;
use super::master_key::Current;
use super::record::{self, Input, Unknown};
use crate::crypto::WRAPPED_LEN;
use crate::tree_id::TreeId;

/// The most data keys in a keystore: as many as its largest file has room for, with room for growth
/// of the entries.
pub const MAX_DATA_KEYS: usize = 250_000;

mod kind {
    pub(super) const DATA_KEY: u16 = 1;
    pub(super) const TREE_MASTER_KEY: u16 = 2;
    pub(super) const HISTORY: u16 = 3;
    /// Optional: who does not know it may give a tree's keys numbers, and so Names, a second time.
    pub(super) const LINEAGE: u16 = 0x8001;
    /// Optional: who does not know it does not touch `keystore.previous`, or replaces it.
    pub(super) const PREVIOUS_SEAL: u16 = 0x8002;
}

mod tree_kind {
    pub(super) const TREE: u16 = 1;
    pub(super) const MASTER_KEY: u16 = 2;
}

mod key_kind {
    pub(super) const TREE: u16 = 1;
    pub(super) const ID: u16 = 2;
    pub(super) const STATE: u16 = 3;
    pub(super) const WRAPPED: u16 = 4;
}

/// What a data key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyState {
    /// Encrypts new data and decrypts; each tree has exactly one.
    Active,
    /// Decrypts what was written under it.
    DecryptOnly,
}

impl KeyState {
    fn code(self) -> u8 {
        match self {
            KeyState::Active => 1,
            KeyState::DecryptOnly => 2,
        }
    }

    fn from_code(code: u8) -> Option<KeyState> {
        [KeyState::Active, KeyState::DecryptOnly]
            .into_iter()
            .find(|state| state.code() == code)
    }
}

/// A data key as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) state: KeyState,
    pub(crate) wrapped: [u8; WRAPPED_LEN],
    pub(crate) unknown: Vec<Unknown>,
}

/// All data keys, ordered by tree and key id, and what belongs to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Body {
    pub(crate) entries: BTreeMap<(TreeId, u32), Entry>,
    /// The trees whose data keys are wrapped under a master key of their own.
    pub(crate) tree_master_keys: BTreeMap<TreeId, Current>,
    /// What is remembered of the own master keys that trees had and are about to have.
    pub(crate) lineages: BTreeMap<TreeId, Lineage>,
    /// The key that seals `keystore.previous`, wrapped.
    pub(crate) previous_seal: Option<[u8; WRAPPED_LEN]>,
    /// Oldest first, at most [`MAX_HISTORY`].
    pub(crate) history: Vec<HistoryEntry>,
    pub(crate) unknown: Vec<Unknown>,
}

impl Body {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Body, FormatError> {
        let mut body = Body::default();
        let mut active = BTreeMap::<TreeId, bool>::new();
        let mut input = Input::new(bytes);
        while let Some(record) = input.record()? {
            match record.kind {
                kind::DATA_KEY => {
                    let (tree, id, entry) = decode_entry(record.value)?;
                    let has_active = active.entry(tree).or_default();
                    if entry.state == KeyState::Active && std::mem::replace(has_active, true) {
                        return Err(FormatError::Duplicate {
                            field: "active data key of a tree",
                        });
                    }
                    if body.entries.insert((tree, id), entry).is_some() {
                        return Err(FormatError::Duplicate { field: "data key" });
                    }
                    if body.entries.len() > MAX_DATA_KEYS {
                        return Err(FormatError::TooManyKeys);
                    }
                }
                kind::TREE_MASTER_KEY => {
                    let (tree, key) = decode_tree_master_key(record.value)?;
                    if body.tree_master_keys.insert(tree, key).is_some() {
                        return Err(FormatError::Duplicate {
                            field: "master key of a tree",
                        });
                    }
                }
                kind::LINEAGE => {
                    let (tree, lineage) = Lineage::decode(record.value)?;
                    if body.lineages.insert(tree, lineage).is_some() {
                        return Err(FormatError::Duplicate {
                            field: "lineage of a tree",
                        });
                    }
                }
                kind::PREVIOUS_SEAL => {
                    let field = "seal of the previous keystore";
                    record::set(&mut body.previous_seal, field, record.array(field)?)?;
                }
                kind::HISTORY => {
                    body.history.push(HistoryEntry::decode(record.value)?);
                    if body.history.len() > MAX_HISTORY {
                        return Err(FormatError::Value { field: "history" });
                    }
                }
                _ => record.unknown("body", &mut body.unknown)?,
            }
        }
        // A master key without anything under it.
        if (body.tree_master_keys.keys()).any(|tree| !active.contains_key(tree)) {
            return Err(FormatError::Missing {
                field: "data key of a tree with a master key",
            });
        }
        if active.values().any(|has_active| !has_active) {
            return Err(FormatError::Missing {
                field: "active data key of a tree",
            });
        }
        // A version that does not know the record keeps it when it drops the tree.
        body.lineages.retain(|tree, _| active.contains_key(tree));
        Ok(body)
    }

    /// Takes a tree out with all that belongs to it; `false` if it is not there.
    pub(crate) fn forget(&mut self, tree: TreeId) -> bool {
        let before = self.entries.len();
        self.entries.retain(|(of, _), _| *of != tree);
        self.tree_master_keys.remove(&tree);
        self.lineages.remove(&tree);
        self.entries.len() < before
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut value = Vec::new();
        for ((tree, id), entry) in &self.entries {
            value.clear();
            record::put(&mut value, key_kind::TREE, &tree.0);
            record::put(&mut value, key_kind::ID, &id.to_be_bytes());
            record::put(&mut value, key_kind::STATE, &[entry.state.code()]);
            record::put(&mut value, key_kind::WRAPPED, &entry.wrapped);
            record::put_unknown(&mut value, &entry.unknown);
            record::put(&mut out, kind::DATA_KEY, &value);
        }
        for (tree, key) in &self.tree_master_keys {
            value.clear();
            record::put(&mut value, tree_kind::TREE, &tree.0);
            record::put(&mut value, tree_kind::MASTER_KEY, &key.encode());
            record::put(&mut out, kind::TREE_MASTER_KEY, &value);
        }
        for (tree, lineage) in &self.lineages {
            record::put(&mut out, kind::LINEAGE, &lineage.encode(*tree));
        }
        if let Some(seal) = &self.previous_seal {
            record::put(&mut out, kind::PREVIOUS_SEAL, seal);
        }
        for entry in &self.history {
            record::put(&mut out, kind::HISTORY, &entry.encode());
        }
        record::put_unknown(&mut out, &self.unknown);
        out
    }
}

fn decode_entry(bytes: &[u8]) -> Result<(TreeId, u32, Entry), FormatError> {
    let (mut tree, mut id, mut state, mut wrapped) = (None, None, None, None);
    let mut unknown = Vec::new();
    let mut input = Input::new(bytes);
    while let Some(record) = input.record()? {
        match record.kind {
            key_kind::TREE => {
                let field = "data key's tree id";
                record::set(&mut tree, field, TreeId(record.array(field)?))?;
            }
            key_kind::ID => {
                let field = "data key's id";
                record::set(&mut id, field, u32::from_be_bytes(record.array(field)?))?;
            }
            key_kind::STATE => {
                let field = "data key's state";
                let [code] = record.array(field)?;
                let value = KeyState::from_code(code).ok_or(FormatError::Value { field })?;
                record::set(&mut state, field, value)?;
            }
            key_kind::WRAPPED => {
                let field = "wrapped data key";
                record::set(&mut wrapped, field, record.array(field)?)?;
            }
            _ => record.unknown("data key", &mut unknown)?,
        }
    }
    let missing = |field| FormatError::Missing { field };
    let entry = Entry {
        state: state.ok_or(missing("data key's state"))?,
        wrapped: wrapped.ok_or(missing("wrapped data key"))?,
        unknown,
    };
    let tree = tree.ok_or(missing("data key's tree id"))?;
    Ok((tree, id.ok_or(missing("data key's id"))?, entry))
}

fn decode_tree_master_key(bytes: &[u8]) -> Result<(TreeId, Current), FormatError> {
    let (mut tree, mut key) = (None, None);
    let mut input = Input::new(bytes);
    while let Some(record) = input.record()? {
        match record.kind {
            tree_kind::TREE => {
                let field = "tree id of a master key";
                record::set(&mut tree, field, TreeId(record.array(field)?))?;
            }
            tree_kind::MASTER_KEY => {
                let value = Current::decode(record.value)?;
                record::set(&mut key, "master key of a tree", value)?;
            }
            kind => {
                let place = "master key of a tree";
                return Err(FormatError::UnknownRecord { place, kind });
            }
        }
    }
    let missing = |field| FormatError::Missing { field };
    let tree = tree.ok_or(missing("tree id of a master key"))?;
    Ok((tree, key.ok_or(missing("master key of a tree"))?))
}
