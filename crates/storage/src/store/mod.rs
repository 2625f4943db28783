//! The dbpath.
//!
//! ```text
//! strongroom.incomplete  a backup or a restore did not finish: not to be opened (`backup`)
//! strongroom.lock     held while a process has the dbpath open
//! strongroom.format   the format's version, whether it is encrypted, the server tree (`format`)
//! keystore            the data keys, wrapped; not this crate's
//! trees/<id>/         a tree: the server's, which names the databases, and one for each of them
//! checkpoint/         while a backup is made: its files, most of them hard links
//! ```
//!
//! A database is created key first, then its tree, then its name in the server tree; it is dropped
//! the other way round. So what a crash leaves is a tree or a key without a name, which is removed
//! when the dbpath is opened.

mod background;
mod checkpoint;
mod data_keys;
mod databases;
mod format;
mod lock;
mod server_tree;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use parking_lot::{Mutex, RwLock};

pub use self::checkpoint::{CheckpointOptions, CheckpointReport, CopyKeystore, KeystoreCopy};
use self::databases::Entry;
pub(crate) use self::format::{FILE as FORMAT_FILE, sync_directory};
use self::format::{Format, State};
pub use self::lock::DbpathLock;
pub(crate) use self::lock::{FILE as LOCK_FILE, take as take_lock};
use self::server_tree::ServerTree;
use crate::database::Database;
use crate::engine::surreal::SurrealEngine;
use crate::engine::{Engine, Tree};
use crate::error::{Error, Result};
use crate::index::PartialFilterCompiler;
use crate::keys::{DataKeys, Encryption, KeyLocked, TreeId};

/// So many databases are flushed at a time when the store closes.
const CLOSE_AT_A_TIME: usize = 16;

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

impl std::fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreOptions")
            .field("commit_interval", &self.commit_interval)
            .field("cache_bytes", &self.cache_bytes)
            .field("memtable_bytes", &self.memtable_bytes)
            .field("close_idle_after", &self.close_idle_after)
            .field("lock_timeout", &self.lock_timeout)
            .field("partial_filters", &self.partial_filters.is_some())
            .finish()
    }
}

/// What the databases of a store share.
pub(crate) struct Shared {
    pub(crate) options: StoreOptions,
}

/// An open dbpath. Clones share it. To be closed with [`close`](Self::close).
#[derive(Clone)]
pub struct Store {
    inner: Arc<StoreInner>,
}

struct StoreInner {
    path: PathBuf,
    encryption: Encryption,
    engine: Box<dyn Engine>,
    shared: Arc<Shared>,
    server: ServerTree,
    /// Where that tree is.
    server_tree: TreeId,
    databases: RwLock<BTreeMap<String, Arc<Entry>>>,
    /// One after the other: what creates and drops databases.
    ddl: tokio::sync::Mutex<()>,
    /// Held while a checkpoint is made.
    checkpoint: tokio::sync::Mutex<()>,
    is_closed: AtomicBool,
    lock: Mutex<Option<DbpathLock>>,
    background: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

/// Does what blocks where it may.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Error::Closed),
        },
    }
}

impl Store {
    /// What is at `path`, without changing anything.
    pub fn inspect(path: impl AsRef<Path>) -> Result<DbpathState> {
        let path = path.as_ref();
        crate::backup::check_complete(path)?;
        Ok(match Format::read(path)? {
            Some(format) if format.encrypted => DbpathState::Encrypted,
            Some(_) => DbpathState::Plain,
            None => {
                format::check_unused(path)?;
                DbpathState::Empty
            }
        })
    }

    /// Opens the dbpath at `path`, an existing directory, or makes it one if it is empty. Whether
    /// it is encrypted is settled then. Needs a Tokio runtime.
    pub async fn open(
        path: impl AsRef<Path>,
        encryption: Encryption,
        options: StoreOptions,
    ) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let opened = blocking(move || StoreInner::open(path, encryption, options)).await?;
        let inner = Arc::new(opened);
        *inner.background.lock() = Some(background::start(&inner));
        Ok(Self { inner })
    }

    /// Where the dbpath is.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Whether the dbpath is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.inner.encryption.is_on()
    }

    /// The names of the databases, sorted.
    pub fn databases(&self) -> Vec<String> {
        self.inner.databases.read().keys().cloned().collect()
    }

    /// The tree of a database: whose data keys are its keys, and its directory's name.
    pub fn tree_of(&self, name: &str) -> Option<TreeId> {
        self.inner
            .databases
            .read()
            .get(name)
            .map(|entry| entry.tree)
    }

    /// The bytes that a database's files take on the disk, about. The database is not opened, and
    /// may be one whose key is lost. Nothing if there is no such database.
    pub async fn size_on_disk(&self, name: &str) -> Result<Option<u64>> {
        let Some(tree) = self.tree_of(name) else {
            return Ok(None);
        };
        let directory = tree_path(&self.inner.path, tree);
        blocking(move || crate::engine::size_of_files(&directory).map(Some)).await
    }

    /// The database with this name, opened if it is not open.
    /// [`Locked`](crate::Error::Locked) if its data key cannot be had: other databases go on.
    pub async fn database(&self, name: &str) -> Result<Option<Database>> {
        self.inner.database(name).await
    }

    /// The database with this name, created if it is not there. Names that differ only in case
    /// are refused with `DatabaseDifferCase`, as MongoDB does.
    pub async fn database_or_create(&self, name: &str) -> Result<Database> {
        if let Some(database) = self.database(name).await? {
            return Ok(database);
        }
        let (inner, name) = (Arc::clone(&self.inner), name.to_owned());
        run(async move { inner.create(&name).await }).await
    }

    /// Drops a database: its name is gone when this returns, its key is destroyed and its files
    /// are removed. What still uses it meets [`Closed`](crate::Error::Closed). `false` if it is
    /// not there.
    pub async fn drop_database(&self, name: &str) -> Result<bool> {
        let (inner, name) = (Arc::clone(&self.inner), name.to_owned());
        run(async move { inner.drop_database(&name).await }).await
    }

    /// Makes every commit that has returned durable, in every database: `fsync`.
    pub async fn sync_all(&self) -> Result<()> {
        self.inner.sync_all().await
    }

    /// Closes every database and gives up the dbpath. What still uses one meets
    /// [`Closed`](crate::Error::Closed).
    pub async fn close(&self) -> Result<()> {
        let inner = Arc::clone(&self.inner);
        run(async move { inner.close().await }).await
    }
}

/// Runs what must not be left half done, whether or not somebody waits for it.
async fn run<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    tokio::spawn(work)
        .await
        .unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Error::Closed),
        })
}

impl StoreInner {
    /// Blocks.
    fn open(path: PathBuf, encryption: Encryption, options: StoreOptions) -> Result<Self> {
        let lock = lock::take(&path)?;
        crate::backup::check_complete(&path)?;
        let format = match Format::read(&path)? {
            Some(format) => format,
            None => {
                format::check_unused(&path)?;
                let server_tree = TreeId::random()
                    .map_err(|source| Error::io("the system's random source", source))?;
                let format = Format {
                    encrypted: encryption.is_on(),
                    server_tree,
                    state: State::Creating,
                };
                format.write(&path)?;
                format
            }
        };
        if format.encrypted != encryption.is_on() {
            return Err(Error::EncryptionMismatch {
                path,
                encrypted: format.encrypted,
            });
        }
        let engine = SurrealEngine::new(options.cache_bytes, options.memtable_bytes);
        let server = match format.state {
            State::Ready => open_tree(&engine, &path, &encryption, format.server_tree, false)?,
            State::Creating => {
                // Nothing was acknowledged: begin again.
                remove_tree(&path, &encryption, format.server_tree)?;
                let server = create_tree(&engine, &path, &encryption, format.server_tree)?;
                Format {
                    state: State::Ready,
                    ..format
                }
                .write(&path)?;
                server
            }
        };
        let server = ServerTree::new(server);
        checkpoint::remove_staging(&path)?;
        let mut databases = BTreeMap::new();
        for (name, tree) in server.databases()? {
            databases.insert(name.clone(), Arc::new(Entry::new(name, tree)));
        }
        remove_orphans(&path, &encryption, |tree| {
            tree == format.server_tree || databases.values().any(|entry| entry.tree == tree)
        })?;
        Ok(Self {
            path,
            encryption,
            engine: Box::new(engine),
            shared: Arc::new(Shared { options }),
            server,
            server_tree: format.server_tree,
            databases: RwLock::new(databases),
            ddl: tokio::sync::Mutex::new(()),
            checkpoint: tokio::sync::Mutex::new(()),
            is_closed: AtomicBool::new(false),
            lock: Mutex::new(Some(lock)),
            background: Mutex::new(None),
        })
    }

    fn check_open(&self) -> Result<()> {
        if self.is_closed.load(Ordering::Acquire) {
            Err(Error::Closed)
        } else {
            Ok(())
        }
    }

    async fn close(&self) -> Result<()> {
        {
            let _ddl = self.ddl.lock().await;
            if self.is_closed.swap(true, Ordering::AcqRel) {
                return Ok(());
            }
        }
        // A checkpoint sees that the store is closed, and removes what it wrote. It needs the other
        // lock for that; nothing is created or dropped any more, whoever has it.
        let _checkpoint = self.checkpoint.lock().await;
        let _ddl = self.ddl.lock().await;
        let background = self.background.lock().take();
        if let Some(background) = background {
            background.abort();
            // The end of a task that was told to end is no news.
            let _ = background.await;
        }
        let entries: Vec<_> = self.databases.read().values().cloned().collect();
        // Tasks of their own: closing waits for the disk where it stands.
        let closing = entries
            .into_iter()
            .map(|entry| run(async move { entry.close().await }));
        let closed: Vec<_> = futures_util::stream::iter(closing)
            .buffer_unordered(CLOSE_AT_A_TIME)
            .collect()
            .await;
        let result: Result<()> = closed.into_iter().collect();
        let closed = self.server.tree().close().await;
        drop(self.lock.lock().take());
        result.and(closed)
    }
}

fn tree_path(path: &Path, tree: TreeId) -> PathBuf {
    path.join("trees").join(tree.to_string())
}

fn keys_error(tree: TreeId) -> impl FnOnce(crate::keys::KeyError) -> Error {
    move |reason| match reason.downcast::<KeyLocked>() {
        Ok(locked) => Error::Locked {
            tree: tree.to_string(),
            reason: locked.reason,
        },
        Err(reason) => Error::Keys {
            tree: tree.to_string(),
            reason,
        },
    }
}

/// Opens a tree, which must exist unless it `is_new`. Blocks.
fn open_tree(
    engine: &dyn Engine,
    path: &Path,
    encryption: &Encryption,
    tree: TreeId,
    is_new: bool,
) -> Result<Arc<dyn Tree>> {
    let directory = tree_path(path, tree);
    if !is_new && !directory.is_dir() {
        return Err(Error::NotADbpath {
            path: path.to_owned(),
            reason: format!(
                "{} is missing: restore it from a backup",
                directory.display()
            ),
        });
    }
    let keys: Option<Arc<dyn DataKeys>> = match encryption {
        Encryption::None => None,
        Encryption::Keys(ring) => {
            let keys = ring.lookup(tree).map_err(keys_error(tree))?;
            Some(keys.ok_or_else(|| {
                Error::Locked {
                    tree: tree.to_string(),
                    reason:
                        "its data key is not in the keystore: it was destroyed, or the keystore is \
                         not of the same time as the files"
                            .to_owned(),
                }
            })?)
        }
    };
    engine.open(&directory, keys)
}

/// Creates a tree, its key first. Blocks.
fn create_tree(
    engine: &dyn Engine,
    path: &Path,
    encryption: &Encryption,
    tree: TreeId,
) -> Result<Arc<dyn Tree>> {
    if let Encryption::Keys(ring) = encryption {
        ring.create(tree).map_err(keys_error(tree))?;
    }
    format::create_private_directory(&path.join("trees"))?;
    let created = open_tree(engine, path, encryption, tree, true)?;
    sync_directory(&path.join("trees"))?;
    Ok(created)
}

/// Destroys a tree's key and removes its files, if there are any. Blocks.
fn remove_tree(path: &Path, encryption: &Encryption, tree: TreeId) -> Result<()> {
    if let Encryption::Keys(ring) = encryption {
        ring.destroy(tree).map_err(keys_error(tree))?;
    }
    let directory = tree_path(path, tree);
    match std::fs::remove_dir_all(&directory) {
        Ok(()) => sync_directory(&path.join("trees")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(Error::io(
            format!("removing {}", directory.display()),
            source,
        )),
    }
}

/// Removes the trees and keys without a name. Blocks.
fn remove_orphans(
    path: &Path,
    encryption: &Encryption,
    is_known: impl Fn(TreeId) -> bool,
) -> Result<()> {
    let directory = path.join("trees");
    let context = || format!("reading {}", directory.display());
    let mut orphans = Vec::new();
    for entry in std::fs::read_dir(&directory).map_err(|source| Error::io(context(), source))? {
        let entry = entry.map_err(|source| Error::io(context(), source))?;
        match entry.file_name().to_str().and_then(TreeId::from_hex) {
            Some(tree) if is_known(tree) => {}
            Some(tree) => orphans.push(tree),
            None => tracing::warn!(path = %entry.path().display(), "not a tree: left alone"),
        }
    }
    if let Encryption::Keys(ring) = encryption {
        let server = TreeId([0; 16]);
        for tree in ring.trees().map_err(keys_error(server))? {
            if !is_known(tree) && !orphans.contains(&tree) {
                orphans.push(tree);
            }
        }
    }
    for tree in orphans {
        tracing::info!(%tree, "removing what an interrupted creation or drop left");
        remove_tree(path, encryption, tree)?;
    }
    Ok(())
}
