//! A database: its collections, and the transactions on them.

mod build;
mod ddl;
mod open;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::catalog::{Catalogs, Collection};
use crate::count::CommitClock;
use crate::engine::{Durability, Tree, WriteTransaction};
use crate::error::{Error, Result};
use crate::gate::CommitGate;
use crate::snapshot::{Reads, Snapshot};
use crate::store::Shared;
use crate::txn::Txn;

pub use ddl::CreatedIndexes;

/// How often a write that meets conflicts is run before it is given up.
const MAX_ATTEMPTS: u32 = 200;
/// The longest pause before a write is run again.
const MAX_PAUSE: Duration = Duration::from_millis(5);

/// An open database. Clones share it; while one is held the database is not closed for idleness.
#[derive(Clone)]
pub struct Database {
    pub(crate) inner: Arc<DatabaseInner>,
}

/// A handle to a database that does not keep it open.
#[derive(Clone)]
pub struct WeakDatabase {
    inner: Weak<DatabaseInner>,
}

impl WeakDatabase {
    /// The database, if it is open.
    pub fn upgrade(&self) -> Option<Database> {
        self.inner.upgrade().map(|inner| Database { inner })
    }
}

/// What the handles of one open database share.
pub(crate) struct DatabaseInner {
    pub(crate) name: String,
    pub(crate) tree: Arc<dyn Tree>,
    pub(crate) catalogs: Catalogs,
    pub(crate) clock: CommitClock,
    /// Every commit passes it.
    gate: Arc<CommitGate>,
    /// One after the other: what changes the catalog. Holds the next collection number.
    ddl: tokio::sync::Mutex<u32>,
    /// Whether a commit has returned that the log was not synced for.
    unsynced: AtomicBool,
    pub(crate) shared: Arc<Shared>,
}

impl DatabaseInner {
    /// `database.collection`.
    pub(crate) fn namespace(&self, collection: &str) -> String {
        format!("{}.{collection}", self.name)
    }

    pub(crate) async fn commit(
        &self,
        transaction: Box<dyn WriteTransaction>,
        durability: Durability,
    ) -> Result<()> {
        let pass = self.gate.enter().await;
        let committed = transaction.commit(durability).await;
        pass.end();
        committed?;
        if durability == Durability::Eventual {
            self.unsynced.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Makes what was committed durable, if anything is not. Blocks.
    pub(crate) fn sync(&self) -> Result<()> {
        if !self.is_unsynced() {
            return Ok(());
        }
        self.sync_now()
    }

    /// Makes what was committed durable, also what somebody else is about to sync. Blocks.
    pub(crate) fn sync_now(&self) -> Result<()> {
        self.unsynced.store(false, Ordering::Release);
        self.tree
            .sync()
            .inspect_err(|_| self.unsynced.store(true, Ordering::Release))
    }

    /// Whether [`sync`](Self::sync) has something to do.
    pub(crate) fn is_unsynced(&self) -> bool {
        self.unsynced.load(Ordering::Acquire)
    }

    /// Settles the counts that cancelled commits left in doubt. They must have ended by now.
    pub(crate) fn settle_counts(&self) -> Result<()> {
        let catalog = self.catalogs.current();
        for collection in catalog.collections.values() {
            let count = &collection.state.count;
            if count.is_in_doubt() {
                count.settle(&self.clock, &*self.tree.snapshot()?, collection.id)?;
            }
        }
        Ok(())
    }

    fn begin(self: &Arc<Self>) -> Result<Txn> {
        let began = self.clock.now();
        let (catalog, transaction) = self.catalogs.with_current(|| self.tree.begin())?;
        let snapshot = Snapshot {
            reads: Reads::Transaction(transaction),
            catalog,
            database: Arc::clone(self),
        };
        Ok(Txn::new(snapshot, began))
    }
}

impl Database {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The collections as they are now, sorted by name.
    pub fn collections(&self) -> Vec<Arc<Collection>> {
        self.inner
            .catalogs
            .current()
            .collections
            .values()
            .cloned()
            .collect()
    }

    /// The collection with this name as it is now.
    pub fn collection(&self, name: &str) -> Option<Arc<Collection>> {
        self.inner.catalogs.current().get(name).cloned()
    }

    /// A handle that does not keep the database open.
    pub fn downgrade(&self) -> WeakDatabase {
        WeakDatabase {
            inner: Arc::downgrade(&self.inner),
        }
    }

    /// The bytes that the database's files take on the disk, about.
    pub async fn size_on_disk(&self) -> Result<u64> {
        let tree = Arc::clone(&self.inner.tree);
        crate::store::blocking(move || tree.approximate_size()).await
    }

    /// Takes a snapshot of now.
    pub fn snapshot(&self) -> Result<Snapshot> {
        let (catalog, snapshot) = self
            .inner
            .catalogs
            .with_current(|| self.inner.tree.snapshot())?;
        let reads = Reads::Snapshot(snapshot);
        Ok(Snapshot {
            reads,
            catalog,
            database: Arc::clone(&self.inner),
        })
    }

    /// Begins a transaction.
    pub fn begin(&self) -> Result<Txn> {
        self.inner.begin()
    }

    /// Runs `write` in a transaction of its own on one collection and commits; runs it again, on
    /// a new transaction and after a bounded, growing pause, when the commit meets a conflict. So
    /// `write` reads all that it decides on through the transaction it is given, and has no
    /// effect outside. An error of `write` ends it, with nothing written.
    pub async fn retry_write<T, E, F>(
        &self,
        collection: &str,
        durability: Durability,
        mut write: F,
    ) -> Result<T, E>
    where
        E: From<Error>,
        F: FnMut(&mut Txn, &Arc<Collection>) -> Result<T, E>,
    {
        let mut attempt = 0;
        loop {
            let Some(current) = self.collection(collection) else {
                let namespace = self.inner.namespace(collection);
                return Err(Error::NamespaceNotFound { namespace }.into());
            };
            // Those that met a conflict take turns: they would only meet each other again.
            let _turn = if attempt > 0 {
                Some(current.state.retries.lock().await)
            } else {
                None
            };
            let lock = Arc::clone(&current.state.lock).read_owned().await;
            let mut txn = self.begin()?;
            match txn.hold(Arc::clone(&current), lock) {
                Ok(()) => {}
                // It was changed or dropped while the lock was waited for.
                Err(Error::WriteConflict) if attempt < MAX_ATTEMPTS => {
                    attempt += 1;
                    continue;
                }
                Err(error) => return Err(error.into()),
            }
            let done = write(&mut txn, &current)?;
            match txn.commit(durability).await {
                Ok(()) => return Ok(done),
                Err(Error::WriteConflict) if attempt < MAX_ATTEMPTS => {
                    attempt += 1;
                    pause(attempt).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The first attempts follow at once: the other one has committed, or this one would not know.
async fn pause(attempt: u32) {
    if attempt > 4 {
        let pause = Duration::from_micros(50).saturating_mul(1 << attempt.min(16));
        tokio::time::sleep(pause.min(MAX_PAUSE)).await;
    }
}
