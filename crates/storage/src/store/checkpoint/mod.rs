//! A copy of the whole dbpath as of one instant, while it is in use.
//!
//! 1. Every database is gathered (`staging`), one after the other, while commits go on: an open one
//!    through the engine, a closed one as its files lie there, and it stays closed. Those that were
//!    written to meanwhile are gathered again, which takes less time each time.
//! 2. Nothing is created, dropped, opened or closed any more, and the commits of all databases are
//!    held back (`gate`). What changed since step 1 is gathered once more: little, so that this
//!    takes milliseconds. This is the instant that the checkpoint is of.
//! 3. Commits go on. The keystore is copied, while nothing can add or destroy a data key.
//! 4. All else goes on. The gathered files are copied to the destination, with their digests, and
//!    the manifest is written last.

mod destination;
mod staging;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use document::ErrorCode;
use futures_util::future::join_all;

use self::destination::Destination;
use self::staging::Staging;
pub(super) use self::staging::remove_staging;
use super::databases::Entry;
use super::{FORMAT_FILE, Store, StoreInner, blocking, run};
use crate::backup::{
    DatabaseKey, FileEntry, KEYSTORE_FILE, Manifest, MasterKey, Progress, copy_file,
    create_directory, rfc3339, sync_directories,
};
use crate::error::{Error, Result};
use crate::keys::KeyError;

/// How often databases that were written to are gathered again before commits are held back.
const ROUNDS: u32 = 4;
/// A round that took no longer leaves little for the moment when commits are held back.
const SHORT_ROUND: Duration = Duration::from_millis(100);

/// Copies the keystore into a directory, durably, and says what it copied. It is called once, where
/// blocking is allowed, and while no data key is created, rotated or destroyed through the store.
pub type CopyKeystore = Box<dyn FnOnce(&Path) -> Result<KeystoreCopy, KeyError> + Send>;

/// What a copied keystore says of itself.
#[derive(Debug, Clone)]
pub struct KeystoreCopy {
    /// The dbpath's random identifier.
    pub dbpath_id: String,
    /// Which master key opens it.
    pub master_key: MasterKey,
    /// The master keys that databases in it have of their own.
    pub database_keys: Vec<DatabaseKey>,
}

/// What a checkpoint needs to know.
#[derive(Default)]
pub struct CheckpointOptions {
    /// For the manifest.
    pub server_version: String,
    /// Copies the keystore. Needed if the dbpath is encrypted.
    pub keystore: Option<CopyKeystore>,
    /// Hears how far the copying came, now and then, on a thread that may block.
    pub progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
}

/// What a checkpoint did.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CheckpointReport {
    /// Where it is.
    pub path: PathBuf,
    /// Bytes copied.
    pub bytes: u64,
    /// Files copied.
    pub files: u64,
    /// The instant that the data is of.
    pub point_in_time: SystemTime,
    /// For how long commits were held back.
    pub commits_held: Duration,
    /// Which master key opens it; nothing if the dbpath is not encrypted.
    pub master_key: Option<MasterKey>,
    /// The master keys that databases in it have of their own.
    pub database_keys: Vec<DatabaseKey>,
}

/// Stops the work when nobody waits for it any more.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Store {
    /// Copies the whole dbpath, as it is at one instant, into `to`: an absolute path of a directory
    /// that is empty or does not exist (its parent does), outside the dbpath. All that was
    /// acknowledged before the call is in it; of what is committed meanwhile either both of two
    /// commits are in it or only the one that came first, in whatever databases they are. Writes
    /// are held back for a moment, databases are created and dropped after it; reads go on.
    ///
    /// The copy is a backup: see [`backup`](crate::backup). If the call fails or is cancelled, what
    /// it wrote is removed; if the process ends, it is marked as incomplete.
    ///
    /// # Errors
    ///
    /// [`Refused`](Error::Refused) for the destination, or because another checkpoint is running;
    /// [`Io`](Error::Io); [`Keys`](Error::Keys) for the keystore; [`Closed`](Error::Closed).
    pub async fn checkpoint(
        &self,
        to: impl AsRef<Path>,
        options: CheckpointOptions,
    ) -> Result<CheckpointReport> {
        let (inner, to) = (Arc::clone(&self.inner), to.as_ref().to_owned());
        let stop = Arc::new(AtomicBool::new(false));
        let _stop = StopOnDrop(Arc::clone(&stop));
        run(async move { inner.checkpoint(to, options, stop).await }).await
    }
}

impl StoreInner {
    async fn checkpoint(
        self: Arc<Self>,
        to: PathBuf,
        options: CheckpointOptions,
        stop: Arc<AtomicBool>,
    ) -> Result<CheckpointReport> {
        let started = SystemTime::now();
        let Ok(_only) = self.checkpoint.try_lock() else {
            return Err(Error::refused(
                ErrorCode::ConflictingOperationInProgress,
                "another backup is running: wait for it to end",
            ));
        };
        self.check_open()?;
        if self.encryption.is_on() && options.keystore.is_none() {
            return Err(Error::refused(
                ErrorCode::IllegalOperation,
                "an encrypted dbpath is copied with its keystore",
            ));
        }
        let dbpath = self.path.clone();
        let (destination, staging) = blocking(move || {
            let destination = Destination::prepare(&to, &dbpath)?;
            Ok((destination, Staging::create(&dbpath)?))
        })
        .await?;
        let gathered = self
            .gather(&destination, &Arc::new(staging), options.keystore, &stop)
            .await?;
        let work = Copying {
            store: Arc::clone(&self),
            destination,
            stop,
            progress: options.progress,
        };
        let server_version = options.server_version;
        blocking(move || work.copy(gathered, started, server_version)).await
    }

    /// Steps 1 to 3.
    async fn gather(
        self: &Arc<Self>,
        destination: &Destination,
        staging: &Arc<Staging>,
        keystore: Option<CopyKeystore>,
        stop: &AtomicBool,
    ) -> Result<Gathered> {
        let mut staged = BTreeSet::new();
        for _ in 0..ROUNDS {
            let round = Instant::now();
            let entries: Vec<_> = self.databases.read().values().cloned().collect();
            for entry in &entries {
                if staged.contains(&entry.tree) && !entry.gate.has_changed() {
                    continue;
                }
                self.check_goes_on(stop)?;
                let _changing = entry.changing.lock().await;
                // It may have been dropped while it was waited for.
                if !entry.is_dropped() {
                    self.stage(staging, entry).await?;
                    staged.insert(entry.tree);
                }
            }
            if round.elapsed() <= SHORT_ROUND {
                break;
            }
        }

        let _ddl = self.ddl.lock().await;
        self.check_goes_on(stop)?;
        let entries: Vec<_> = self.databases.read().values().cloned().collect();
        let mut unchanging = Vec::with_capacity(entries.len());
        for entry in &entries {
            unchanging.push(entry.changing.lock().await);
        }
        let current: BTreeSet<_> = entries.iter().map(|entry| entry.tree).collect();
        let dropped: Vec<_> = staged.difference(&current).copied().collect();
        for entry in entries.iter().filter(|entry| !staged.contains(&entry.tree)) {
            self.stage(staging, entry).await?;
        }
        {
            let (store, staging) = (Arc::clone(self), Arc::clone(staging));
            blocking(move || {
                for tree in dropped {
                    staging.remove(tree)?;
                }
                // Only what creates and drops databases writes to it.
                staging.stage_open(store.server_tree, store.server.tree())
            })
            .await?;
        }

        let held = Instant::now();
        let closed: Vec<_> = entries.iter().map(|entry| entry.gate.close()).collect();
        for gate in &closed {
            gate.drained().await;
        }
        let point_in_time = SystemTime::now();
        let changed = entries.iter().filter(|entry| entry.gate.has_changed());
        let staged = join_all(changed.map(|entry| self.stage(staging, entry))).await;
        drop(closed);
        let commits_held = held.elapsed();
        drop(unchanging);
        staged.into_iter().collect::<Result<()>>()?;

        let directory = destination.path().to_owned();
        let keystore = match keystore.filter(|_| self.encryption.is_on()) {
            Some(copy) => Some(blocking(move || copy(&directory).map_err(keystore_error)).await?),
            None => None,
        };
        Ok(Gathered {
            staging: Arc::clone(staging),
            point_in_time,
            commits_held,
            keystore,
        })
    }

    /// Gathers a database that is neither opened nor closed meanwhile.
    async fn stage(self: &Arc<Self>, staging: &Arc<Staging>, entry: &Arc<Entry>) -> Result<()> {
        entry.gate.forget_changes();
        let (store, staging, entry) = (Arc::clone(self), Arc::clone(staging), Arc::clone(entry));
        blocking(move || match entry.opened() {
            Some(database) => staging.stage_open(entry.tree, &*database.tree),
            None => staging.stage_closed(entry.tree, &store.path),
        })
        .await
    }

    fn check_goes_on(&self, stop: &AtomicBool) -> Result<()> {
        if stop.load(Ordering::Acquire) {
            return Err(Error::Closed);
        }
        self.check_open()
    }
}

fn keystore_error(reason: KeyError) -> Error {
    Error::Keys {
        tree: KEYSTORE_FILE.to_owned(),
        reason,
    }
}

/// What steps 1 to 3 brought.
struct Gathered {
    staging: Arc<Staging>,
    point_in_time: SystemTime,
    commits_held: Duration,
    keystore: Option<KeystoreCopy>,
}

/// Step 4.
struct Copying {
    store: Arc<StoreInner>,
    destination: Destination,
    stop: Arc<AtomicBool>,
    progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
}

impl Copying {
    /// Blocks.
    fn copy(
        self,
        gathered: Gathered,
        started: SystemTime,
        server_version: String,
    ) -> Result<CheckpointReport> {
        let to = self.destination.path();
        let mut made = BTreeSet::new();
        let staged = gathered.staging.files()?;
        let mut at = Progress {
            files_total: staged.len() as u64,
            bytes_total: staged.iter().map(|file| file.bytes).sum(),
            ..Progress::default()
        };
        let mut files = Vec::with_capacity(staged.len() + 2);
        let mut copied = |path: &str, source: &Path, at: &mut Progress| {
            let target = to.join(path);
            if let Some(directory) = target.parent() {
                create_directory(to, directory, &mut made)?;
            }
            let contents = copy_file(source, &target, &mut |bytes| {
                at.bytes += bytes;
                self.tell(*at)
            })?;
            at.files += 1;
            Ok::<_, Error>(FileEntry {
                path: path.to_owned(),
                bytes: contents.bytes,
                sha256: contents.sha256,
            })
        };
        for file in &staged {
            files.push(copied(&file.path, &file.source, &mut at)?);
        }
        // What makes a dbpath of it, after what it stands for.
        files.push(copied(
            FORMAT_FILE,
            &self.store.path.join(FORMAT_FILE),
            &mut at,
        )?);
        if gathered.keystore.is_some() {
            files.push(self.digest_keystore()?);
        }
        sync_directories(to, &made)?;
        drop(gathered.staging);

        files.sort_by(|a, b| a.path.cmp(&b.path));
        let (dbpath_id, master_key, database_keys) = match gathered.keystore {
            Some(copy) => (copy.dbpath_id, Some(copy.master_key), copy.database_keys),
            None => (self.store.server_tree.to_string(), None, Vec::new()),
        };
        let manifest = Manifest {
            format: Manifest::VERSION,
            server_version,
            dbpath_id,
            started_at: rfc3339(started),
            point_in_time: rfc3339(gathered.point_in_time),
            finished_at: rfc3339(SystemTime::now()),
            master_key,
            database_keys,
            bytes: files.iter().map(|file| file.bytes).sum(),
            files,
        };
        manifest.write(to)?;
        let report = CheckpointReport {
            path: to.to_owned(),
            bytes: manifest.bytes,
            files: manifest.files.len() as u64,
            point_in_time: gathered.point_in_time,
            commits_held: gathered.commits_held,
            master_key: manifest.master_key,
            database_keys: manifest.database_keys,
        };
        self.destination.keep()?;
        Ok(report)
    }

    fn digest_keystore(&self) -> Result<FileEntry> {
        let path = self.destination.path().join(KEYSTORE_FILE);
        let contents = crate::backup::digest_file(&path, &mut |_| Ok(()))?;
        Ok(FileEntry {
            path: KEYSTORE_FILE.to_owned(),
            bytes: contents.bytes,
            sha256: contents.sha256,
        })
    }

    /// Says how far it came, and stops it if it is not to go on.
    fn tell(&self, at: Progress) -> Result<()> {
        if let Some(progress) = &self.progress {
            progress(at);
        }
        self.store.check_goes_on(&self.stop)
    }
}
