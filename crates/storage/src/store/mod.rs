//! The dbpath.

use std::path::Path;
use std::time::Duration;

use crate::database::Database;
use crate::error::Result;
use crate::index::PartialFilterCompiler;
use crate::keys::Encryption;

/// What a directory is, seen from outside: to be asked before anything is created, there or on a
/// KMIP server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DbpathState {
    /// It does not exist, or nothing was stored in it.
    Empty,
    /// A dbpath in clear.
    Plain,
    /// An encrypted dbpath.
    Encrypted,
}

/// How a store behaves.
#[derive(Clone)]
pub struct StoreOptions {
    /// How often the logs of trees with unsynced commits are synced: `commitIntervalMs`. 100 ms.
    pub commit_interval: Duration,
    /// How much of the trees' files is kept in memory, in bytes, for all of them together. 256 MiB.
    pub cache_bytes: u64,
    /// How much a tree holds in memory before it writes a file, in bytes. 64 MiB.
    pub memtable_bytes: usize,
    /// A database that was not used for so long is closed, and opened again when it is. 10 minutes.
    pub close_idle_after: Duration,
    /// How long a transaction that holds a collection waits for another one that is being
    /// changed. 100 ms.
    pub lock_timeout: Duration,
    /// Compiles partial filter expressions. Without one, partial indexes are refused.
    pub partial_filters: Option<PartialFilterCompiler>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            commit_interval: Duration::from_millis(100),
            cache_bytes: 256 << 20,
            memtable_bytes: 64 << 20,
            close_idle_after: Duration::from_secs(600),
            lock_timeout: Duration::from_millis(100),
            partial_filters: None,
        }
    }
}

/// An open dbpath. Clones share it.
#[derive(Clone)]
pub struct Store {}

impl Store {
    /// What is at `path`, without changing anything.
    pub fn inspect(path: impl AsRef<Path>) -> Result<DbpathState> {
        let _ = path.as_ref();
        todo!()
    }

    /// Opens the dbpath at `path`, an existing directory, or makes it one if it is empty. Whether
    /// it is encrypted is settled then. Needs a Tokio runtime.
    pub async fn open(
        path: impl AsRef<Path>,
        encryption: Encryption,
        options: StoreOptions,
    ) -> Result<Self> {
        let _ = (path.as_ref(), encryption, options);
        todo!()
    }

    /// The names of the databases, sorted.
    pub fn databases(&self) -> Vec<String> {
        todo!()
    }

    /// The database with this name, opened if it is not open.
    pub async fn database(&self, name: &str) -> Result<Option<Database>> {
        let _ = name;
        todo!()
    }

    /// The database with this name, created if it is not there. Names that differ only in case
    /// are refused with `DatabaseDifferCase`, as MongoDB does.
    pub async fn database_or_create(&self, name: &str) -> Result<Database> {
        let _ = name;
        todo!()
    }

    /// Drops a database: its name is gone when this returns, its key is destroyed and its files
    /// are removed. What still uses it meets [`Closed`](crate::Error::Closed). `false` if it is
    /// not there.
    pub async fn drop_database(&self, name: &str) -> Result<bool> {
        let _ = name;
        todo!()
    }

    /// Makes every commit that has returned durable, in every database: `fsync`.
    pub async fn sync_all(&self) -> Result<()> {
        todo!()
    }

    /// Closes every database and gives up the dbpath.
    pub async fn close(&self) -> Result<()> {
        todo!()
    }
}
