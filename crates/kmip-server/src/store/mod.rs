//! Where objects are kept: a dbpath of the storage layer, sealed under keys of a keystore of its own.
//!
//! ```text
//! DIRECTORY/keystore            the keys, encrypted under the key-encryption key (`keystore`)
//! DIRECTORY/kek                 that key (0600), unless it comes from elsewhere
//! DIRECTORY/strongroom.format,
//! DIRECTORY/trees/…             the storage layer's
//! ```
//!
//! Every file of the trees is encrypted, so that neither names nor attributes are on the disk in clear. The objects
//! themselves are sealed once more before the storage layer gets them (`seal`): what it holds in memory of key
//! material, in caches that nobody wipes, is sealed, too.

mod key_file;
mod keystore;
mod seal;

pub use key_file::{KeyEncryptionKey, KeySource};
pub use keystore::{change_key, check_key, source};

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use storage::backup::{MasterKey, Progress};
use storage::{
    CheckpointOptions, CheckpointReport, DbpathState, Encryption, KeyValueTransaction, KeyValues,
    KeystoreCopy, Store, StoreOptions,
};
use thiserror::Error;
use zeroize::Zeroizing;

use self::keystore::{Keystore, Ring};
use self::seal::Sealer;
use crate::stats::Counter;

/// The database of the storage layer that holds all objects. Its name is in an encrypted file.
const DATABASE: &str = "kmip";

/// How much of the trees' files is kept in memory, in bytes.
const CACHE_BYTES: u64 = 64 << 20;
/// How much is held in memory before a file is written, in bytes.
const MEMTABLE_BYTES: usize = 32 << 20;

/// Called now and then with how far a backup came.
pub type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

/// How something goes that is done again and again.
#[derive(Default)]
struct Health {
    is_failing: AtomicBool,
    failures: Counter,
}

impl Health {
    fn noted<T>(&self, result: storage::Result<T>) -> storage::Result<T> {
        if result.is_err() {
            self.failures.add_one();
        }
        self.is_failing.store(result.is_err(), Ordering::Relaxed);
        result
    }

    fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Relaxed)
    }
}

/// An open store.
pub(crate) struct ObjectStore {
    store: Store,
    keystore: Arc<Keystore>,
    sealer: Sealer,
    pub(crate) map: KeyValues,
    writes: Health,
    syncs: Health,
}

impl ObjectStore {
    /// Opens the store in the directory, or makes one (mode 0700). A key file that is missing is made if there is no
    /// object yet.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub(crate) async fn open(directory: &Path, key: &KeySource) -> Result<Self, StoreError> {
        make_directory(directory)?;
        refuse_files_of_old(directory)?;
        let keystore = {
            // Nobody else makes a keystore meanwhile. The store takes the lock itself afterwards.
            let _lock = storage::DbpathLock::take(directory)?;
            let is_new = Store::inspect(directory)? == DbpathState::Empty;
            Arc::new(Keystore::open(directory, key, is_new)?)
        };
        let encryption = Encryption::Keys(Arc::new(Ring(keystore.clone())));
        let options = StoreOptions {
            cache_bytes: CACHE_BYTES,
            memtable_bytes: MEMTABLE_BYTES,
            ..StoreOptions::default()
        };
        let store = Store::open(directory, encryption, options).await?;
        let database = store.database_or_create(DATABASE).await?;
        Ok(Self {
            sealer: keystore.sealer(),
            map: database.key_values(),
            writes: Health::default(),
            syncs: Health::default(),
            store,
            keystore,
        })
    }

    /// Applies a transaction. Seen when this returns, by everybody, and not durable yet.
    pub(crate) async fn commit(&self, transaction: KeyValueTransaction) -> storage::Result<u64> {
        self.writes.noted(self.map.commit(transaction).await)
    }

    /// Waits until a commit and all before it are durable. Blocks.
    pub(crate) fn wait_durable(&self, commit: u64) -> storage::Result<()> {
        if self.map.is_durable(commit) {
            return Ok(());
        }
        self.syncs.noted(self.map.wait_durable(commit))
    }

    /// Whether the last write and the last sync went well. After a failed sync nothing is written any more: only a
    /// restart helps.
    pub(crate) fn is_healthy(&self) -> bool {
        !self.writes.is_failing() && !self.syncs.is_failing()
    }

    /// How many writes and syncs have failed.
    pub(crate) fn failures(&self) -> u64 {
        self.writes.failures.get() + self.syncs.failures.get()
    }

    /// Encrypts a record.
    pub(crate) fn seal(&self, key: &[u8], record: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.sealer.seal(key, record).ok_or(StoreError::Crypto)
    }

    /// Decrypts a record; `None` if it is not what was sealed under this key.
    pub(crate) fn unseal(&self, key: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.sealer.open(key, sealed)
    }

    /// Copies everything, as it is at one instant, into a directory that is empty or does not exist.
    pub(crate) async fn backup(
        &self,
        to: &Path,
        progress: Option<OnProgress>,
    ) -> Result<CheckpointReport, StoreError> {
        let keystore = self.keystore.clone();
        let options = CheckpointOptions {
            server_version: env!("CARGO_PKG_VERSION").to_owned(),
            keystore: Some(Box::new(move |directory| {
                keystore.copy_to(directory)?;
                Ok(KeystoreCopy {
                    dbpath_id: DATABASE.to_owned(),
                    master_key: MasterKey {
                        provider: keystore.source().to_owned(),
                        key_id: None,
                        key_name: None,
                        generation: 1,
                        servers: Vec::new(),
                        wrap_on_server: None,
                        cipher_mode: "AES256-GCM".to_owned(),
                    },
                    database_keys: Vec::new(),
                })
            })),
            progress,
        };
        Ok(self.store.checkpoint(to, options).await?)
    }

    /// Makes everything durable and gives up the directory. What still uses it fails.
    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        Ok(self.store.close().await?)
    }
}

fn make_directory(path: &Path) -> Result<(), StoreError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(StoreError::io("create", path))
}

/// Before this format, each object was a file.
fn refuse_files_of_old(directory: &Path) -> Result<(), StoreError> {
    let objects = directory.join("objects");
    let has_files = std::fs::read_dir(&objects).is_ok_and(|mut files| files.next().is_some());
    if has_files {
        return Err(StoreError::OldFormat { path: objects });
    }
    Ok(())
}

/// Why objects cannot be kept or found again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The key-encryption key is missing although there are objects under it.
    #[error(
        "{} is missing, but there are objects encrypted with it in {}: put it back from a backup",
        key.display(), objects.display()
    )]
    KeyMissing {
        /// The key file.
        key: PathBuf,
        /// The directory of the objects.
        objects: PathBuf,
    },
    /// The key file is not what this server writes.
    #[error("{} is not a key file: expected 32 bytes in base64", path.display())]
    KeyMalformed {
        /// The key file.
        path: PathBuf,
    },
    /// The key file is no secret.
    #[error("{} can be read by others (mode {mode:o}): chmod 600 it", path.display())]
    KeyExposed {
        /// The key file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The keystore is under another key-encryption key.
    #[error("{} is encrypted under another key-encryption key than the one given", path.display())]
    WrongKey {
        /// The keystore.
        path: PathBuf,
    },
    /// The keystore is under a key of another source.
    #[error(
        "{} is encrypted under a key from another source than the one given; its source is {stored:?}", path.display()
    )]
    OtherSource {
        /// The keystore.
        path: PathBuf,
        /// Where it says that its key comes from.
        stored: String,
    },
    /// The keystore cannot be used.
    #[error("{}: {what}", path.display())]
    Keystore {
        /// The keystore.
        path: PathBuf,
        /// What is wrong, and what to do.
        what: String,
    },
    /// Files of a version before the first release.
    #[error(
        "{} holds objects of an unreleased version, each in a file, which this one does not read: give an empty \
         directory, or move the objects with Export and Import while that version serves them", path.display()
    )]
    OldFormat {
        /// Where they are.
        path: PathBuf,
    },
    /// What the storage layer says.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// A record is damaged, or does not make sense.
    #[error("the object {identifier} is damaged: {detail}")]
    Record {
        /// The object.
        identifier: String,
        /// What is wrong.
        detail: String,
    },
    /// An index entry makes no sense.
    #[error("an index of the objects is damaged: {detail}")]
    Index {
        /// What is wrong.
        detail: &'static str,
    },
    /// No random numbers, no encryption.
    #[error("encryption failed")]
    Crypto,
}

impl StoreError {
    fn io<'a>(action: &'static str, path: &'a Path) -> impl Fn(std::io::Error) -> Self + 'a {
        move |source| Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }

    /// Whether it is the key-encryption key that is wrong, not the objects.
    #[must_use]
    pub fn is_about_the_key(&self) -> bool {
        matches!(
            self,
            Self::KeyMissing { .. }
                | Self::KeyMalformed { .. }
                | Self::KeyExposed { .. }
                | Self::WrongKey { .. }
                | Self::OtherSource { .. }
        )
    }

    /// Whether another process uses the directory.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        matches!(self, Self::Storage(storage::Error::InUse { .. }))
    }
}
