//! The open keystore.

mod info;
mod previous;
mod state;
mod trees;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use uuid::Uuid;

pub use info::{Copied, Info, TreeLineage, TreeMasterKey};
pub use previous::PreviousCopy;
use state::State;

use crate::crypto::DerivedKeys;
use crate::error::Error;
use crate::failpoint;
use crate::file;
use crate::format::{
    self, Cipher, Current, Header, HistoryEntry, HistoryReason, KeyState, MasterKeyRef,
};
use crate::memory::{DataKey, MasterKey};
use crate::tree_id::TreeId;

/// The keystore of a dbpath, open: its data keys are unwrapped and in locked memory.
///
/// The data keys of a tree that has a master key of its own are not at hand until that is provided
/// ([`Keystore::unlock_tree`]): the tree is locked, and what needs its keys answers [`Error::Locked`].
///
/// Reading never waits for a write. Each change is durable when its method returns; if it fails, the
/// keystore is as it was before, in memory, and on disk either as before or changed whole.
///
/// Two handles on one dbpath would undo each other's changes: whoever opens one holds the dbpath's lock.
pub struct Keystore {
    dbpath: PathBuf,
    /// Held for the whole of a change, so that changes follow each other.
    writing: Mutex<()>,
    /// Held for the whole of a rotation: two at once would each make a key.
    pub(crate) rotating: Arc<tokio::sync::Mutex<()>>,
    state: RwLock<Arc<State>>,
}

impl Keystore {
    /// Reads what the keystore of `dbpath` says without the master key; `None` if there is no keystore.
    /// A directory with a copy ([`Keystore::copy_to`]) will do: [`Header::master_key`] is the key that opens it.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Corrupt`], [`Error::NewerFormat`].
    pub fn inspect(dbpath: &Path) -> Result<Option<Header>, Error> {
        inspect_named(dbpath, file::FILE_NAME)
    }

    /// Reads what the copy of the previous keystore says without its master key; `None` if there is none. It opens
    /// with that key only, once it has been given the name `keystore`.
    ///
    /// # Errors
    /// As [`Keystore::inspect`].
    pub fn inspect_previous(dbpath: &Path) -> Result<Option<Header>, Error> {
        inspect_named(dbpath, file::PREVIOUS_FILE_NAME)
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

    /// Announces another master key than the one that was announced before, in one atomic replacement: there is
    /// always an announcement. The dbpath id stays.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no keystore; [`Error::AlreadyExists`] if it was completed; [`Error::Io`].
    pub fn announce_another(
        dbpath: &Path,
        cipher: Cipher,
        key: MasterKeyRef,
    ) -> Result<Header, Error> {
        let path = path_of(dbpath);
        match Keystore::inspect(dbpath)? {
            None => Err(Error::NotFound { path }),
            Some(header) if header.current.is_some() => Err(Error::AlreadyExists { path }),
            Some(mut header) => {
                header.sequence = header.sequence.saturating_add(1);
                header.cipher = cipher;
                header.pending = Some(key);
                file::replace(dbpath, &format::encode(&header, 0, |_| Ok(Vec::new()))?)?;
                Ok(header)
            }
        }
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
        let state = State::new(header, key, master)?;
        file::replace(dbpath, &state.encode()?)?;
        Ok(Keystore::with_state(dbpath, state))
    }

    /// Opens the keystore of `dbpath` and unwraps all data keys, except those of trees with a master key of their
    /// own, which are locked.
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
            rotating: Arc::new(tokio::sync::Mutex::new(())),
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
    /// [`Error::UnknownTree`], [`Error::Locked`], [`Error::Full`], [`Error::Io`].
    pub fn rotate_data_key(&self, tree: TreeId) -> Result<(u32, DataKey), Error> {
        self.change(|state| {
            state.unlocked(tree)?;
            let found = state.trees.get_mut(&tree).ok_or(Error::UnknownTree(tree))?;
            for held in found.keys.values_mut() {
                held.entry.state = KeyState::DecryptOnly;
            }
            let last = found.keys.last_key_value().map_or(0, |(id, _)| *id);
            let id = last.checked_add(1).ok_or(Error::Full {
                what: "key ids in a tree",
                limit: u32::MAX as usize,
            })?;
            state.add(tree, id)
        })
    }

    /// The data keys of a tree by key id, exactly one of them active; empty for an unknown tree.
    ///
    /// # Errors
    /// [`Error::Locked`].
    pub fn data_keys(&self, tree: TreeId) -> Result<Vec<(u32, KeyState, DataKey)>, Error> {
        let state = self.state();
        let Some(found) = state.trees.get(&tree) else {
            return Ok(Vec::new());
        };
        found.check_unlocked(tree)?;
        let at_hand =
            |(id, held): (&u32, &state::Held)| Some((*id, held.entry.state, held.key.clone()?));
        Ok(found.keys.iter().filter_map(at_hand).collect())
    }

    /// The data key of a tree with this key id; `None` if there is no such key or tree.
    ///
    /// # Errors
    /// [`Error::Locked`].
    pub fn data_key(
        &self,
        tree: TreeId,
        key_id: u32,
    ) -> Result<Option<(KeyState, DataKey)>, Error> {
        let state = self.state.read();
        let Some(found) = state.trees.get(&tree) else {
            return Ok(None);
        };
        found.check_unlocked(tree)?;
        let at_hand = |held: &state::Held| Some((held.entry.state, held.key.clone()?));
        Ok(found.keys.get(&key_id).and_then(at_hand))
    }

    /// What the data key of a tree with this key id may be used for, of a locked tree, too; `None` if there is no
    /// such key or tree.
    pub fn key_state(&self, tree: TreeId, key_id: u32) -> Option<KeyState> {
        let state = self.state.read();
        let held = state.trees.get(&tree)?.keys.get(&key_id)?;
        Some(held.entry.state)
    }

    /// The id of the key that new data of a tree is encrypted under, of a locked tree, too; `None` for an unknown
    /// tree.
    pub fn active_key_id(&self, tree: TreeId) -> Option<u32> {
        let state = self.state.read();
        let found = state.trees.get(&tree)?;
        // The newest key is the active one, so the search ends at once.
        let mut newest_first = found.keys.iter().rev();
        newest_first
            .find(|(_, held)| held.entry.state == KeyState::Active)
            .map(|(id, _)| *id)
    }

    /// Forgets one data key of a tree that no file needs any more: what was written under it can never be read again
    /// with this keystore. A locked tree is no exception. Does nothing for a key or tree that is not there. Copies of
    /// the keystore from before, `keystore.previous` among them, still have it.
    ///
    /// # Errors
    /// [`Error::ActiveDataKey`] for the key that new data is written under; [`Error::Io`].
    pub fn retire_data_key(&self, tree: TreeId, key_id: u32) -> Result<(), Error> {
        match self.key_state(tree, key_id) {
            None => return Ok(()),
            Some(KeyState::Active) => return Err(Error::ActiveDataKey { tree, key_id }),
            Some(_) => {}
        }
        self.change(|state| {
            if let Some(found) = state.trees.get_mut(&tree) {
                found.keys.remove(&key_id);
            }
            Ok(())
        })
    }

    /// The trees that have data keys besides the active one, in order, locked ones included.
    pub fn trees_with_old_data_keys(&self) -> Vec<TreeId> {
        let state = self.state();
        let old = state.trees.iter().filter(|(_, tree)| tree.keys.len() > 1);
        old.map(|(id, _)| *id).collect()
    }

    /// Forgets the data keys of a tree: what was written under them can never be read again with this
    /// keystore, nor with the copy of the previous one, out of which the tree is taken first. A locked tree is no
    /// exception. Does nothing for an unknown tree, so that an interrupted drop can be repeated.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn destroy_data_key(&self, tree: TreeId) -> Result<PreviousCopy, Error> {
        let _writing = self.writing.lock();
        if !self.state().trees.contains_key(&tree) {
            return Ok(PreviousCopy::Untouched);
        }
        // First, so that it is done whenever the tree is gone from the keystore.
        let previous = self.forget_in_previous(tree)?;
        failpoint::hit("keystore.previous_forgotten");
        let mut state = State::clone(&self.state());
        state.trees.remove(&tree);
        self.commit(state)?;
        Ok(previous)
    }

    /// The trees that have data keys, in order, locked ones included.
    pub fn tree_ids(&self) -> Vec<TreeId> {
        self.state().trees.keys().copied().collect()
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
    /// master key only. An announcement is fulfilled by it, and cleared. The data keys of trees with a master
    /// key of their own stay under that, locked or not.
    ///
    /// This is the last step of [`crate::rotation::rotate`], which is what to call.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn rewrap(
        &self,
        key: MasterKeyRef,
        master: &MasterKey,
        reason: HistoryReason,
    ) -> Result<(), Error> {
        let _writing = self.writing.lock();
        let mut state = State::clone(&self.state());
        let before =
            file::read(&self.dbpath)?.ok_or_else(|| Error::NotFound { path: self.path() })?;
        let (derived, binding) = DerivedKeys::bind(master)?;
        for (id, tree) in state
            .trees
            .iter_mut()
            .filter(|(_, tree)| tree.own.is_none())
        {
            tree.wrap_all(state.header.dbpath_id.as_bytes(), *id, &derived)?;
        }
        let dbpath_id = state.header.dbpath_id;
        let seal = derived.wrap_seal(dbpath_id.as_bytes(), state.derived.seal_key())?;
        state.previous_seal = Some(seal);
        state.derived = Arc::new(derived);
        state.remember(&key, reason);
        state.header.current = Some(Current { key, binding });
        state.header.pending = None;
        file::keep_previous(&self.dbpath, &before)?;
        failpoint::hit("keystore.previous_kept");
        self.commit(state)
    }

    /// Notes in the history that a KMIP key which the keystore was under was revoked now. The time of an earlier
    /// revocation stays. `false` if the history does not have the key.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn note_revoked(&self, identifier: &str) -> Result<bool, Error> {
        let is_it = |entry: &HistoryEntry| entry.key.is_kmip_key(identifier);
        let known = self.info().history;
        let known: Vec<_> = known.iter().filter(|entry| is_it(entry)).collect();
        if known.iter().all(|entry| entry.revoked_unix_secs.is_some()) {
            return Ok(!known.is_empty());
        }
        let now = state::unix_secs();
        self.change(|state| {
            for entry in state.history.iter_mut().filter(|entry| is_it(entry)) {
                entry.revoked_unix_secs.get_or_insert(now);
            }
            Ok(true)
        })
    }

    /// Writes a copy of the keystore, as it is at this moment, into another directory, for a backup. It opens with
    /// the same master keys, and [`Keystore::inspect`] says with which: only the own keys of trees are not seen from
    /// outside. Changes go on meanwhile: they are in the copy whole or not at all. What was only announced is not in
    /// it: that key is this dbpath's to create.
    ///
    /// For a backup of trees and keystore, copy the keystore after the trees, and let no tree be dropped in between:
    /// data keys are made before anything is written under them, and destroyed only by a drop.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] if there is a keystore in `directory`; [`Error::Io`].
    pub fn copy_to(&self, directory: &Path) -> Result<Copied, Error> {
        if file::read(directory)?.is_some() {
            return Err(Error::AlreadyExists {
                path: path_of(directory),
            });
        }
        let mut state = State::clone(&self.state());
        let tree_master_keys = trees::own_keys(&state);
        state.header.pending = None;
        for tree in state.trees.values_mut() {
            tree.lineage.pending = None;
        }
        file::replace(directory, &state.encode()?)?;
        Ok(Copied {
            header: state.header,
            tree_master_keys,
        })
    }

    /// The file.
    fn path(&self) -> PathBuf {
        path_of(&self.dbpath)
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

    /// Changes a copy of the state in what is not written, and exchanges it.
    fn change_in_memory<T>(
        &self,
        f: impl FnOnce(&mut State) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let _writing = self.writing.lock();
        let mut state = State::clone(&self.state());
        let result = f(&mut state)?;
        *self.state.write() = Arc::new(state);
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

fn path_of(dbpath: &Path) -> PathBuf {
    dbpath.join(file::FILE_NAME)
}

fn inspect_named(dbpath: &Path, name: &str) -> Result<Option<Header>, Error> {
    let Some(bytes) = file::read_named(dbpath, name)? else {
        return Ok(None);
    };
    let file = format::decode(&bytes).map_err(|e| Error::in_file(&dbpath.join(name), e))?;
    Ok(Some(file.header))
}
