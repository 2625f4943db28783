//! Data keys in the life of a tree: further ones, which are in use, and which are needed no more.

use std::sync::Arc;

use document::ErrorCode;

use super::databases::Entry;
use super::{Store, StoreInner, blocking, keys_error, run};
use crate::engine::{Durability, Tree};
use crate::error::{Error, Result};
use crate::keys::{DataKeyState, DataKeysInUse, Encryption, KeyRing, TreeId};
use crate::layout;

impl Store {
    /// The tree of the server's own data, such as the names of the databases.
    pub fn server_tree(&self) -> TreeId {
        self.inner.server_tree
    }

    /// Every tree: the server's own, and one for each database.
    pub fn trees(&self) -> Vec<TreeId> {
        let databases = self.inner.databases.read();
        let trees = databases.values().map(|entry| entry.tree);
        std::iter::once(self.inner.server_tree)
            .chain(trees)
            .collect()
    }

    /// The name of the database in a tree. Nothing for the server's own tree.
    pub fn name_of(&self, tree: TreeId) -> Option<String> {
        let entry = self.inner.entry_of(tree)?;
        Some(entry.name.clone())
    }

    /// Closes a database if it is open, at once: what uses it meets [`Closed`](Error::Closed), and
    /// who asks for it next has its data keys looked up again. `false` if there is no such
    /// database.
    pub async fn close_database(&self, name: &str) -> Result<bool> {
        let entry = self.inner.databases.read().get(name).cloned();
        let Some(entry) = entry else {
            return Ok(false);
        };
        run(async move { entry.close().await }).await?;
        Ok(true)
    }

    /// Gives a tree a further data key: what is written from now on, the log and what is in memory
    /// included, is under the new one, and its number is the answer. Tables from before stay under
    /// the old one until they are merged ([`rewrite`](Self::rewrite) does that at once). Reads and
    /// writes go on.
    ///
    /// # Errors
    ///
    /// [`Refused`](Error::Refused) if the dbpath is not encrypted or there is no such tree;
    /// [`Locked`](Error::Locked), [`Keys`](Error::Keys).
    pub async fn rotate_data_key(&self, tree: TreeId) -> Result<u32> {
        let inner = Arc::clone(&self.inner);
        run(async move { inner.rotate_data_key(tree).await }).await
    }

    /// Whether a tree is open at the moment, as the server's own always is.
    pub fn is_tree_open(&self, tree: TreeId) -> bool {
        let entry = || self.inner.entry_of(tree);
        tree == self.inner.server_tree || entry().is_some_and(|entry| entry.opened().is_some())
    }

    /// Which data keys the files of a tree are under. The tree is opened if it is not.
    pub async fn data_keys_in_use(&self, tree: TreeId) -> Result<DataKeysInUse> {
        let opened = self.inner.opened(tree).await?;
        blocking(move || opened.with(|tree| tree.data_keys_in_use())).await
    }

    /// Writes every table of a tree anew, under its active data key: afterwards no other is needed,
    /// unless old versions are still being read. Takes as long as reading and writing all data;
    /// reads and writes go on.
    pub async fn rewrite(&self, tree: TreeId) -> Result<()> {
        let inner = Arc::clone(&self.inner);
        run(async move {
            let opened = Arc::new(inner.opened(tree).await?);
            {
                let _ddl = inner.ddl.lock().await;
                inner.flush_alone(tree, Arc::clone(&opened)).await?;
            }
            blocking(move || opened.with(|tree| tree.rewrite())).await
        })
        .await
    }

    /// Destroys the data keys of a tree, below its active one, that no file needs any more. Backups
    /// have copies of their own. The numbers of the keys that were destroyed.
    ///
    /// # Errors
    ///
    /// As [`rotate_data_key`](Self::rotate_data_key). What was destroyed before an error stays so.
    pub async fn retire_data_keys(&self, tree: TreeId) -> Result<Vec<u32>> {
        let inner = Arc::clone(&self.inner);
        run(async move { inner.retire_data_keys(tree).await }).await
    }
}

/// A tree that is held open.
enum Opened {
    Server(Arc<StoreInner>),
    Database(crate::database::Database),
}

impl Opened {
    fn with<T>(&self, work: impl FnOnce(&dyn Tree) -> T) -> T {
        match self {
            Opened::Server(store) => work(store.server.tree()),
            Opened::Database(database) => work(&*database.inner.tree),
        }
    }
}

impl StoreInner {
    fn entry_of(&self, tree: TreeId) -> Option<Arc<Entry>> {
        let databases = self.databases.read();
        databases.values().find(|entry| entry.tree == tree).cloned()
    }

    async fn opened(self: &Arc<Self>, tree: TreeId) -> Result<Opened> {
        self.check_open()?;
        if tree == self.server_tree {
            return Ok(Opened::Server(Arc::clone(self)));
        }
        let database = match self.entry_of(tree) {
            Some(entry) => self.database(&entry.name).await?,
            None => None,
        };
        let database = database.ok_or_else(|| {
            Error::refused(
                ErrorCode::DatabaseNotFound,
                format!("there is no tree {tree}: its database was dropped"),
            )
        })?;
        Ok(Opened::Database(database))
    }

    fn ring(&self) -> Result<Arc<dyn KeyRing>> {
        match &self.encryption {
            Encryption::Keys(ring) => Ok(Arc::clone(ring)),
            Encryption::None => Err(Error::refused(
                ErrorCode::IllegalOperation,
                "the dbpath is not encrypted: it has no data keys",
            )),
        }
    }

    async fn rotate_data_key(self: &Arc<Self>, tree: TreeId) -> Result<u32> {
        let ring = self.ring()?;
        // Neither dropped nor copied meanwhile: a copy's keystore has the keys of its files.
        let _ddl = self.ddl.lock().await;
        let opened = self.opened(tree).await?;
        let id = blocking(move || ring.rotate(tree).map_err(keys_error(tree))).await?;
        // Without a write nothing would be begun under the new key, the log least of all.
        match &opened {
            Opened::Server(store) => store.server.mark_rotation(id).await?,
            Opened::Database(database) => {
                let mut transaction = database.inner.tree.begin()?;
                transaction.put(&layout::data_key(), id.to_be_bytes().to_vec())?;
                database
                    .inner
                    .commit(transaction, Durability::Immediate)
                    .await?;
            }
        }
        self.flush_alone(tree, Arc::new(opened)).await?;
        Ok(id)
    }

    /// Flushes a tree, under the data key that is active now, while nobody commits to it. The caller holds `ddl`: who
    /// closes gates is alone.
    ///
    /// The engine (surrealkv 1.2.0) names in its manifest the oldest segment of the log that it needs, and removes those
    /// before. With a commit on its way through a segment that is being flushed, the manifest is written with that
    /// segment, and if the commit ends meanwhile the segment is removed nevertheless: until the next flush, a tree in
    /// that state does not open after a crash, although nothing of it is lost ("Index gap in segment").
    async fn flush_alone(self: &Arc<Self>, tree: TreeId, opened: Arc<Opened>) -> Result<()> {
        // The server's own tree has no gate: whoever writes to it holds `ddl`, as the caller does.
        let entry = self.entry_of(tree);
        let closed = entry.as_ref().map(|entry| entry.gate.close());
        if let Some(closed) = &closed {
            closed.drained().await;
        }
        blocking(move || {
            opened.with(|tree| {
                tree.refresh_keys()?;
                tree.flush()
            })
        })
        .await
    }

    async fn retire_data_keys(self: &Arc<Self>, tree: TreeId) -> Result<Vec<u32>> {
        let ring = self.ring()?;
        let _ddl = self.ddl.lock().await;
        let opened = self.opened(tree).await?;
        // A checkpoint that has gathered files under the old keys already must do so again: it
        // takes the keystore as it will be after this.
        if let Some(entry) = self.entry_of(tree) {
            entry.gate.mark_changed();
        }
        blocking(move || {
            let in_use = opened.with(|tree| tree.data_keys_in_use())?;
            let keys = ring.lookup(tree).map_err(keys_error(tree))?;
            let Some(keys) = keys.filter(|_| in_use.unattributed_files == 0) else {
                return Ok(Vec::new());
            };
            let is_needed = |id: u32| in_use.keys.iter().any(|key| key.id == id && key.files > 0);
            let is_old = |id: u32| keys.state(id) == DataKeyState::DecryptOnly;
            let mut retired = Vec::new();
            // Each key has a higher number than the one before.
            for id in (1..keys.active()).filter(|&id| is_old(id) && !is_needed(id)) {
                ring.retire(tree, id).map_err(keys_error(tree))?;
                retired.push(id);
            }
            Ok(retired)
        })
        .await
    }
}
