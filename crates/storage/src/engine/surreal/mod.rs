//! The engine over SurrealKV: an LSM tree with snapshot isolation, group commit and encryption of
//! every file.
//!
//! What is settled here and why:
//! - Values stay in the tables (no value log): a document is read with one access, and a scan does
//!   not jump.
//! - Old versions are not kept beyond what a snapshot still sees.
//! - One block cache for all trees: thousands of open ones share it. A tree's memtable is address
//!   space that is touched as it fills.
//! - Tables from level 1 down are compressed with Snappy, as `mongod` does by default; level 0 is
//!   short-lived. Blocks are compressed before they are sealed, which saves more time (there is less
//!   to seal and open) than it takes.
//! - Closing syncs the log and leaves the memtable to it: hundreds of databases close in the time
//!   that a few would take to write a table each. Opening replays the log, as after a crash.
//! - A torn record at the end of the log is what a crash leaves, and is cut off; damage anywhere
//!   else stops the opening.

mod cursor;
mod errors;
mod keys;
mod transaction;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use surrealkv::{
    BytewiseComparator, CipherSuite, CompactRangeOptions, CompressionType, Options, TreeBuilder,
    WalRecoveryMode,
};

use self::errors::Translate;
use self::keys::Manager;
use self::transaction::{Reader, Writer};
use super::{Engine, EngineFuture, ReadTransaction, Tree, WriteTransaction, size_of_files};
use crate::error::{Error, Result};
use crate::keys::{DataCipher, DataKeyUse, DataKeys, DataKeysInUse};

/// The size of a data block before compression, in bytes: what a point read that misses the cache
/// reads, opens and searches.
const BLOCK_BYTES: usize = 16 * 1024;

/// Opens SurrealKV trees.
pub struct SurrealEngine {
    /// What every tree has in common, the block cache among it.
    options: Options,
}

impl SurrealEngine {
    /// An engine whose trees share a cache of `cache_bytes` and write a table when they hold
    /// `memtable_bytes` in memory.
    pub fn new(cache_bytes: u64, memtable_bytes: usize) -> Self {
        let options = Options::new()
            .with_comparator(Arc::new(BytewiseComparator {}))
            .with_block_cache_capacity(cache_bytes)
            .with_max_memtable_size(memtable_bytes)
            .with_block_size(BLOCK_BYTES)
            .with_enable_vlog(false)
            .with_versioning(false, 0)
            .with_flush_on_close(false)
            .with_wal_recovery_mode(WalRecoveryMode::TolerateTornTail)
            .with_compression_per_level(vec![
                CompressionType::None,
                CompressionType::SnappyCompression,
            ]);
        Self { options }
    }
}

impl Engine for SurrealEngine {
    fn open(&self, path: &Path, keys: Option<Arc<dyn DataKeys>>) -> Result<Arc<dyn Tree>> {
        let mut options = self.options.clone().with_path(path.to_owned());
        if let Some(keys) = keys {
            let cipher = match keys.cipher() {
                DataCipher::Aes256Gcm => CipherSuite::Aes256Gcm,
                DataCipher::XChaCha20Poly1305 => CipherSuite::XChaCha20Poly1305,
            };
            options = options.with_encryption(Arc::new(Manager::new(keys)), cipher);
        }
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let translate = Translate { tree: name.into() };
        let tree = TreeBuilder::with_options(options)
            .build()
            .map_err(|error| translate.error(error))?;
        Ok(Arc::new(SurrealTree {
            tree,
            translate,
            path: path.to_owned(),
            closed: AtomicBool::new(false),
        }))
    }
}

struct SurrealTree {
    /// Never cloned: the engine closes a tree when any of its clones is dropped.
    tree: surrealkv::Tree,
    translate: Translate,
    path: std::path::PathBuf,
    closed: AtomicBool,
}

impl SurrealTree {
    fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            Err(Error::Closed)
        } else {
            Ok(())
        }
    }

    fn compact(&self, options: &CompactRangeOptions) -> Result<()> {
        self.check_open()?;
        self.tree
            .compact_range(None, None, options)
            .map_err(|error| self.translate.error(error))
    }
}

impl Tree for SurrealTree {
    fn snapshot(&self) -> Result<Box<dyn ReadTransaction>> {
        self.check_open()?;
        let transaction = self
            .tree
            .begin_with_mode(surrealkv::Mode::ReadOnly)
            .map_err(|error| self.translate.error(error))?;
        Ok(Box::new(Reader::new(transaction, self.translate.clone())))
    }

    fn begin(&self) -> Result<Box<dyn WriteTransaction>> {
        self.check_open()?;
        let transaction = self
            .tree
            .begin()
            .map_err(|error| self.translate.error(error))?;
        Ok(Box::new(Writer::new(transaction, self.translate.clone())))
    }

    fn sync(&self) -> Result<()> {
        self.check_open()?;
        self.tree
            .flush_wal(true)
            .map_err(|error| self.translate.error(error))
    }

    fn approximate_size(&self) -> Result<u64> {
        size_of_files(&self.path)
    }

    fn checkpoint(&self, to: &Path) -> Result<()> {
        self.check_open()?;
        self.tree
            .create_checkpoint(to)
            .map_err(|error| self.translate.error(error))?;
        // The engine's own restore wants it; a copy that is opened as it is does not.
        let metadata = to.join("CHECKPOINT_METADATA");
        std::fs::remove_file(&metadata)
            .map_err(|source| Error::io(format!("removing {}", metadata.display()), source))
    }

    fn flush(&self) -> Result<()> {
        // Compacting down to the level where tables are written first: nothing but the flush.
        self.compact(&CompactRangeOptions {
            flush_memtable: true,
            target_level: Some(0),
            rewrite_bottommost: false,
        })
    }

    fn rewrite(&self) -> Result<()> {
        self.compact(&CompactRangeOptions {
            flush_memtable: false,
            ..CompactRangeOptions::default()
        })
    }

    fn data_keys_in_use(&self) -> Result<DataKeysInUse> {
        self.check_open()?;
        let status = self
            .tree
            .encryption_status()
            .map_err(|error| self.translate.error(error))?;
        let keys = status.keys.iter().map(|usage| DataKeyUse {
            id: usage.key_id,
            active: status.active_key_id == Some(usage.key_id),
            files: usage.total().files,
            bytes: usage.total().bytes,
        });
        Ok(DataKeysInUse {
            keys: keys.collect(),
            unattributed_files: status.unattributed.files,
        })
    }

    fn refresh_keys(&self) -> Result<()> {
        self.check_open()?;
        self.tree
            .prepare_keys()
            .map_err(|error| self.translate.error(error))
    }

    fn close(&self) -> EngineFuture<'_, Result<()>> {
        self.closed.store(true, Ordering::Release);
        Box::pin(async move {
            self.tree
                .close()
                .await
                .map_err(|error| self.translate.error(error))
        })
    }
}
