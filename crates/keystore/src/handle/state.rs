//! What an open keystore holds, and how it becomes a file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::crypto::{DerivedKeys, Place, SEAL_OVERHEAD, WRAPPED_LEN};
use crate::error::Error;
use crate::format::{
    self, Body, Current, Entry, Header, HistoryEntry, HistoryReason, KeyState, Lineage,
    MAX_DATA_KEYS, MAX_FILE_LEN, MAX_HEADER_LEN, MAX_HISTORY, MasterKeyRef,
};
use crate::memory::{DataKey, MasterKey};
use crate::tree_id::TreeId;

/// What is in a file besides header and body, at most, in bytes.
const FRAME_LEN: usize = 1024;

/// What changes: copied for each change and exchanged when that is durable.
#[derive(Clone)]
pub(super) struct State {
    pub(super) header: Header,
    pub(super) derived: Arc<DerivedKeys>,
    pub(super) trees: BTreeMap<TreeId, Tree>,
    pub(super) history: Vec<HistoryEntry>,
    /// The key that seals `keystore.previous`, wrapped.
    pub(super) previous_seal: Option<[u8; WRAPPED_LEN]>,
    pub(super) unknown: Vec<(u16, Vec<u8>)>,
}

/// The data keys of a tree, never none.
#[derive(Clone, Default)]
pub(super) struct Tree {
    /// The master key of its own, if it has one.
    pub(super) own: Option<Own>,
    /// Those that it had before, and the one that it is about to get.
    pub(super) lineage: Lineage,
    pub(super) keys: BTreeMap<u32, Held>,
}

/// A master key of a tree's own.
#[derive(Clone)]
pub(super) struct Own {
    pub(super) current: Current,
    /// `None` while the tree is locked.
    pub(super) derived: Option<Arc<DerivedKeys>>,
}

#[derive(Clone)]
pub(super) struct Held {
    pub(super) entry: Entry,
    /// `None` while the tree is locked.
    pub(super) key: Option<DataKey>,
}

impl Tree {
    pub(super) fn is_locked(&self) -> bool {
        self.own.as_ref().is_some_and(|own| own.derived.is_none())
    }

    /// The error for whoever wants a data key of a locked tree; `tree` is its id.
    pub(super) fn check_unlocked(&self, tree: TreeId) -> Result<(), Error> {
        match &self.own {
            Some(own) if own.derived.is_none() => Err(locked(tree, own)),
            _ => Ok(()),
        }
    }

    /// Wraps every data key again, under `derived`.
    pub(super) fn wrap_all(
        &mut self,
        dbpath_id: &[u8; 16],
        tree: TreeId,
        derived: &DerivedKeys,
    ) -> Result<(), Error> {
        self.check_unlocked(tree)?;
        for (key_id, held) in &mut self.keys {
            let key_id = *key_id;
            let place = Place {
                dbpath_id,
                tree,
                key_id,
            };
            // The keys of a tree that is not locked are all there.
            let key = held.key.as_ref().ok_or(Error::UnknownTree(tree))?;
            held.entry.wrapped = derived.wrap(&place, key)?;
        }
        Ok(())
    }

    /// Unwraps every data key; `false` if one of them is not authentic.
    pub(super) fn unwrap_all(
        &mut self,
        dbpath_id: &[u8; 16],
        tree: TreeId,
        derived: &DerivedKeys,
    ) -> Result<bool, Error> {
        for (key_id, held) in &mut self.keys {
            let key_id = *key_id;
            let place = Place {
                dbpath_id,
                tree,
                key_id,
            };
            match derived.unwrap(&place, &held.entry.wrapped)? {
                Some(key) => held.key = Some(key),
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}

pub(super) fn locked(tree: TreeId, own: &Own) -> Error {
    let key = Box::new(own.current.key.clone());
    Error::Locked { tree, key }
}

impl State {
    /// The state of a new dbpath under the master key of `header`.
    pub(super) fn new(
        mut header: Header,
        key: MasterKeyRef,
        master: &MasterKey,
    ) -> Result<State, Error> {
        let (derived, binding) = DerivedKeys::bind(master)?;
        let mut state = State {
            history: Vec::new(),
            derived: Arc::new(derived),
            trees: BTreeMap::new(),
            previous_seal: None,
            unknown: Vec::new(),
            header: {
                header.current = Some(Current {
                    key: key.clone(),
                    binding,
                });
                header
            },
        };
        state.remember(&key, HistoryReason::Created);
        Ok(state)
    }

    pub(super) fn decode(path: &Path, bytes: &[u8], master: &MasterKey) -> Result<State, Error> {
        let format::File {
            header,
            before_body,
            sealed,
        } = format::decode(bytes).map_err(|e| Error::in_file(path, e))?;
        let path = path.to_path_buf();
        let Some(current) = &header.current else {
            return Err(Error::Incomplete { path });
        };
        let Some(derived) = DerivedKeys::recover(master, &current.binding)? else {
            let expected = current.key.to_string();
            return Err(Error::WrongKey { path, expected });
        };
        let Some(body) = derived.seal_key().open(before_body, sealed)? else {
            return Err(Error::Tampered { path });
        };
        let body = Body::decode(&body).map_err(|e| Error::in_file(&path, e))?;
        let mut trees = BTreeMap::<TreeId, Tree>::new();
        for ((tree, key_id), entry) in body.entries {
            let keys = &mut trees.entry(tree).or_default().keys;
            keys.insert(key_id, Held { entry, key: None });
        }
        for (tree, current) in body.tree_master_keys {
            let derived = None;
            trees.entry(tree).or_default().own = Some(Own { current, derived });
        }
        for (tree, lineage) in body.lineages {
            trees.entry(tree).or_default().lineage = lineage;
        }
        for (id, tree) in trees.iter_mut().filter(|(_, tree)| tree.own.is_none()) {
            if !tree.unwrap_all(header.dbpath_id.as_bytes(), *id, &derived)? {
                return Err(Error::Tampered { path });
            }
        }
        Ok(State {
            header,
            derived: Arc::new(derived),
            trees,
            history: body.history,
            previous_seal: body.previous_seal,
            unknown: body.unknown,
        })
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut body = Body {
            history: self.history.clone(),
            previous_seal: self.previous_seal,
            unknown: self.unknown.clone(),
            ..Body::default()
        };
        for (id, tree) in &self.trees {
            for (key_id, held) in &tree.keys {
                body.entries.insert((*id, *key_id), held.entry.clone());
            }
            if let Some(own) = &tree.own {
                body.tree_master_keys.insert(*id, own.current.clone());
            }
            if !tree.lineage.is_empty() {
                body.lineages.insert(*id, tree.lineage.clone());
            }
        }
        let body = body.encode();
        let limit = MAX_FILE_LEN - MAX_HEADER_LEN - FRAME_LEN;
        if body.len() > limit {
            let what = "bytes of data keys and of the names of their master keys";
            return Err(Error::Full { what, limit });
        }
        format::encode(&self.header, body.len() + SEAL_OVERHEAD, |before| {
            self.derived.seal_key().seal(before, &body)
        })
    }

    /// The tree, with its keys at hand.
    pub(super) fn unlocked(&self, tree: TreeId) -> Result<&Tree, Error> {
        let found = self.trees.get(&tree).ok_or(Error::UnknownTree(tree))?;
        found.check_unlocked(tree)?;
        Ok(found)
    }

    /// Adds an active key to a tree whose other keys, if any, are not active.
    pub(super) fn add(&mut self, tree: TreeId, key_id: u32) -> Result<(u32, DataKey), Error> {
        let count: usize = self.trees.values().map(|tree| tree.keys.len()).sum();
        if count >= MAX_DATA_KEYS {
            return Err(Error::Full {
                what: "data keys",
                limit: MAX_DATA_KEYS,
            });
        }
        let key = DataKey::generate()?;
        let place = Place {
            dbpath_id: self.header.dbpath_id.as_bytes(),
            tree,
            key_id,
        };
        let own = self.trees.get(&tree).and_then(|tree| tree.own.as_ref());
        let derived = match own {
            None => &self.derived,
            Some(own) => own.derived.as_ref().ok_or_else(|| locked(tree, own))?,
        };
        let entry = Entry {
            state: KeyState::Active,
            wrapped: derived.wrap(&place, &key)?,
            unknown: Vec::new(),
        };
        let held = Held {
            entry,
            key: Some(key.clone()),
        };
        let keys = &mut self.trees.entry(tree).or_default().keys;
        keys.insert(key_id, held);
        Ok((key_id, key))
    }

    /// Notes that the keystore is under `key` from now on.
    pub(super) fn remember(&mut self, key: &MasterKeyRef, reason: HistoryReason) {
        let now = unix_secs();
        self.history.push(HistoryEntry::new(now, reason, key));
        let surplus = self.history.len().saturating_sub(MAX_HISTORY);
        self.history.drain(..surplus);
    }
}

/// Now, in seconds since 1970.
pub(super) fn unix_secs() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs())
}
