//! The open keystore.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use uuid::Uuid;

use crate::crypto::{DerivedKeys, Place, SEAL_OVERHEAD, WRAPPED_LEN};
use crate::error::Error;
use crate::failpoint;
use crate::file;
use crate::format::{
    self, Body, Cipher, Current, Entry, Header, KeyState, MAX_DATA_KEYS, MasterKeyRef, Provider,
};
use crate::memory::{DataKey, MasterKey};
use crate::tree_id::TreeId;

/// The keystore of a dbpath, open: its data keys are unwrapped and in locked memory.
///
/// Reading never waits for a write. Each change is durable when its method returns; if it fails, the
/// keystore is as it was before, in memory, and on disk either as before or changed whole.
///
/// Two handles on one dbpath would undo each other's changes: whoever opens one holds the dbpath's lock.
pub struct Keystore {
    dbpath: PathBuf,
    /// Held for the whole of a change, so that changes follow each other.
    writing: Mutex<()>,
    state: RwLock<Arc<State>>,
}

/// What changes: copied for each change and exchanged when that is durable.
#[derive(Clone)]
struct State {
    header: Header,
    derived: Arc<DerivedKeys>,
    trees: BTreeMap<TreeId, BTreeMap<u32, Unwrapped>>,
    unknown: Vec<(u16, Vec<u8>)>,
}

#[derive(Clone)]
struct Unwrapped {
    entry: Entry,
    key: DataKey,
}

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
    /// The number of trees that have data keys.
    pub trees: usize,
    /// The number of data keys.
    pub data_keys: usize,
}

impl Keystore {
    /// Reads what the keystore of `dbpath` says without the master key; `None` if there is no keystore.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Corrupt`], [`Error::NewerFormat`].
    pub fn inspect(dbpath: &Path) -> Result<Option<Header>, Error> {
        let Some(bytes) = file::read(dbpath)? else {
            return Ok(None);
        };
        let file = format::decode(&bytes).map_err(|e| Error::in_file(&path_of(dbpath), e))?;
        Ok(Some(file.header))
    }

    /// Writes a keystore that only announces a master key, before that key is created at its
    /// provider: should the process stop in between, the next start finds the key by its Name.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] if there is a keystore; [`Error::Io`].
    pub fn announce(
        dbpath: &Path,
        dbpath_id: Uuid,
        cipher: Cipher,
        key: MasterKeyRef,
    ) -> Result<Header, Error> {
        if file::read(dbpath)?.is_some() {
            return Err(Error::AlreadyExists {
                path: path_of(dbpath),
            });
        }
        let mut header = Header::new(dbpath_id, cipher);
        header.pending = Some(key);
        file::replace(dbpath, &format::encode(&header, 0, |_| Ok(Vec::new()))?)?;
        Ok(header)
    }

    /// Takes [`announce`](Keystore::announce) back: for a provider that refused to create the key.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] if the keystore was completed: that one is never removed.
    pub fn withdraw(dbpath: &Path) -> Result<(), Error> {
        match Keystore::inspect(dbpath)? {
            None => Ok(()),
            Some(header) if header.current.is_none() => file::remove(dbpath),
            Some(_) => Err(Error::AlreadyExists {
                path: path_of(dbpath),
            }),
        }
    }

    /// Writes the keystore of a dbpath under `master`, without data keys yet. Completes one that was
    /// announced: its dbpath id is kept, and must be the one given.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] if there is a complete keystore, or one of another dbpath id.
    pub fn create(
        dbpath: &Path,
        dbpath_id: Uuid,
        cipher: Cipher,
        key: MasterKeyRef,
        master: &MasterKey,
    ) -> Result<Keystore, Error> {
        let mut header = Header::new(dbpath_id, cipher);
        if let Some(announced) = Keystore::inspect(dbpath)? {
            if announced.current.is_some() || announced.dbpath_id != dbpath_id {
                return Err(Error::AlreadyExists {
                    path: path_of(dbpath),
                });
            }
            header.sequence = announced.sequence.saturating_add(1);
        }
        let (derived, binding) = DerivedKeys::bind(master)?;
        header.current = Some(Current { key, binding });
        let state = State {
            header,
            derived: Arc::new(derived),
            trees: BTreeMap::new(),
            unknown: Vec::new(),
        };
        file::replace(dbpath, &state.encode()?)?;
        Ok(Keystore::with_state(dbpath, state))
    }

    /// Opens the keystore of `dbpath` and unwraps all data keys.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Incomplete`], [`Error::Corrupt`], [`Error::NewerFormat`],
    /// [`Error::WrongKey`], [`Error::Tampered`], [`Error::Io`].
    pub fn open(dbpath: &Path, master: &MasterKey) -> Result<Keystore, Error> {
        let path = path_of(dbpath);
        let Some(bytes) = file::read(dbpath)? else {
            return Err(Error::NotFound { path });
        };
        let state = State::decode(&path, &bytes, master)?;
        Ok(Keystore::with_state(dbpath, state))
    }

    fn with_state(dbpath: &Path, state: State) -> Keystore {
        Keystore {
            dbpath: dbpath.to_path_buf(),
            writing: Mutex::new(()),
            state: RwLock::new(Arc::new(state)),
        }
    }

    /// Gives a new tree its first data key (key id 1) and returns it.
    ///
    /// # Errors
    /// [`Error::TreeExists`], [`Error::Full`], [`Error::Io`].
    pub fn create_data_key(&self, tree: TreeId) -> Result<(u32, DataKey), Error> {
        self.change(|state| {
            if state.trees.contains_key(&tree) {
                return Err(Error::TreeExists(tree));
            }
            state.add(tree, 1)
        })
    }

    /// Gives a tree a further data key for what is written from now on; the keys that it has decrypt
    /// only.
    ///
    /// # Errors
    /// [`Error::UnknownTree`], [`Error::Full`], [`Error::Io`].
    pub fn rotate_data_key(&self, tree: TreeId) -> Result<(u32, DataKey), Error> {
        self.change(|state| {
            let keys = state.trees.get_mut(&tree).ok_or(Error::UnknownTree(tree))?;
            for key in keys.values_mut() {
                key.entry.state = KeyState::DecryptOnly;
            }
            let last = keys.last_key_value().map_or(0, |(id, _)| *id);
            let id = last.checked_add(1).ok_or(Error::Full {
                what: "key ids in a tree",
                limit: u32::MAX as usize,
            })?;
            state.add(tree, id)
        })
    }

    /// The data keys of a tree by key id, exactly one of them active; empty for an unknown tree.
    pub fn data_keys(&self, tree: TreeId) -> Vec<(u32, KeyState, DataKey)> {
        let state = self.state();
        let keys = state.trees.get(&tree).into_iter().flatten();
        keys.map(|(id, key)| (*id, key.entry.state, key.key.clone()))
            .collect()
    }

    /// The data key of a tree with this key id.
    pub fn data_key(&self, tree: TreeId, key_id: u32) -> Option<(KeyState, DataKey)> {
        let state = self.state.read();
        let key = state.trees.get(&tree)?.get(&key_id)?;
        Some((key.entry.state, key.key.clone()))
    }

    /// The id of the key that new data of a tree is encrypted under; `None` for an unknown tree.
    pub fn active_key_id(&self, tree: TreeId) -> Option<u32> {
        let state = self.state.read();
        let keys = state.trees.get(&tree)?;
        // The newest key is the active one, so the search ends at once.
        let mut newest_first = keys.iter().rev();
        newest_first
            .find(|(_, key)| key.entry.state == KeyState::Active)
            .map(|(id, _)| *id)
    }

    /// Forgets the data keys of a tree: what was written under them can never be read again with this
    /// keystore. Does nothing for an unknown tree, so that an interrupted drop can be repeated.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn destroy_data_key(&self, tree: TreeId) -> Result<(), Error> {
        if !self.state().trees.contains_key(&tree) {
            return Ok(());
        }
        self.change(|state| {
            state.trees.remove(&tree);
            Ok(())
        })
    }

    /// The trees that have data keys, in order.
    pub fn tree_ids(&self) -> Vec<TreeId> {
        self.state().trees.keys().copied().collect()
    }

    /// What the keystore says about itself.
    pub fn info(&self) -> Info {
        let state = self.state();
        let header = &state.header;
        Info {
            dbpath_id: header.dbpath_id,
            cipher: header.cipher,
            // An open keystore always has one; the fall-back keeps the type free of an `Option`.
            master_key: header
                .master_key()
                .cloned()
                .unwrap_or_else(|| MasterKeyRef::key_file(0)),
            pending: header.pending.clone(),
            sequence: header.sequence,
            trees: state.trees.len(),
            data_keys: state.trees.values().map(BTreeMap::len).sum(),
        }
    }

    /// Announces the master key of the next generation before it is created at its provider, or takes
    /// the announcement back (`None`). The present master key stays in use.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn announce_next(&self, key: Option<MasterKeyRef>) -> Result<(), Error> {
        self.change(|state| {
            state.header.pending = key;
            Ok(())
        })
    }

    /// Puts the keystore under another master key: every data key is wrapped again, in one atomic
    /// replacement. The file as it was is kept as [`crate::PREVIOUS_FILE_NAME`]; it opens with the old
    /// master key only. An announcement is fulfilled by it, and cleared.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn rewrap(&self, key: MasterKeyRef, master: &MasterKey) -> Result<(), Error> {
        let _writing = self.writing.lock();
        let mut state = State::clone(&self.state());
        let before = file::read(&self.dbpath)?.ok_or_else(|| Error::NotFound {
            path: path_of(&self.dbpath),
        })?;
        let (derived, binding) = DerivedKeys::bind(master)?;
        state.derived = Arc::new(derived);
        state.header.current = Some(Current { key, binding });
        state.header.pending = None;
        for (tree, keys) in &mut state.trees {
            for (id, key) in keys {
                let place = Place {
                    dbpath_id: state.header.dbpath_id.as_bytes(),
                    tree: *tree,
                    key_id: *id,
                };
                key.entry.wrapped = state.derived.wrap(&place, &key.key)?;
            }
        }
        file::keep_previous(&self.dbpath, &before)?;
        failpoint::hit("keystore.previous_kept");
        self.commit(state)
    }

    fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read())
    }

    /// Changes a copy of the state, writes it, and exchanges it.
    fn change<T>(&self, f: impl FnOnce(&mut State) -> Result<T, Error>) -> Result<T, Error> {
        let _writing = self.writing.lock();
        let mut state = State::clone(&self.state());
        let result = f(&mut state)?;
        self.commit(state)?;
        Ok(result)
    }

    fn commit(&self, mut state: State) -> Result<(), Error> {
        state.header.sequence = state.header.sequence.saturating_add(1);
        file::replace(&self.dbpath, &state.encode()?)?;
        *self.state.write() = Arc::new(state);
        Ok(())
    }
}

impl std::fmt::Debug for Keystore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keystore")
            .field("dbpath", &self.dbpath)
            .field("info", &self.info())
            .finish_non_exhaustive()
    }
}

impl State {
    fn decode(path: &Path, bytes: &[u8], master: &MasterKey) -> Result<State, Error> {
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
        let Some(body) = derived.open(before_body, sealed)? else {
            return Err(Error::Tampered { path });
        };
        let body = Body::decode(&body).map_err(|e| Error::in_file(&path, e))?;
        let mut trees = BTreeMap::<_, BTreeMap<_, _>>::new();
        for ((tree, key_id), entry) in body.entries {
            let place = Place {
                dbpath_id: header.dbpath_id.as_bytes(),
                tree,
                key_id,
            };
            let Some(key) = derived.unwrap(&place, &entry.wrapped)? else {
                return Err(Error::Tampered { path });
            };
            let keys = trees.entry(tree).or_default();
            keys.insert(key_id, Unwrapped { entry, key });
        }
        Ok(State {
            header,
            derived: Arc::new(derived),
            trees,
            unknown: body.unknown,
        })
    }

    fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut body = Body {
            unknown: self.unknown.clone(),
            ..Body::default()
        };
        for (tree, keys) in &self.trees {
            for (id, key) in keys {
                body.entries.insert((*tree, *id), key.entry.clone());
            }
        }
        let body = body.encode();
        format::encode(&self.header, body.len() + SEAL_OVERHEAD, |before| {
            self.derived.seal(before, &body)
        })
    }

    /// Adds an active key to a tree whose other keys, if any, are not active.
    fn add(&mut self, tree: TreeId, key_id: u32) -> Result<(u32, DataKey), Error> {
        let count: usize = self.trees.values().map(BTreeMap::len).sum();
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
        let wrapped: [u8; WRAPPED_LEN] = self.derived.wrap(&place, &key)?;
        let entry = Entry {
            state: KeyState::Active,
            wrapped,
            unknown: Vec::new(),
        };
        let unwrapped = Unwrapped {
            entry,
            key: key.clone(),
        };
        self.trees
            .entry(tree)
            .or_default()
            .insert(key_id, unwrapped);
        Ok((key_id, key))
    }
}

impl Info {
    /// Where the master key comes from.
    pub fn provider(&self) -> Provider {
        self.master_key.provider
    }
}

fn path_of(dbpath: &Path) -> PathBuf {
    dbpath.join(file::FILE_NAME)
}
