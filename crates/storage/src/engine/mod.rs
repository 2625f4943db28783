//! An ordered, transactional key-value engine: what the layers above need of one, and no more.
//!
//! A tree maps keys to values, both byte strings, in byte order. Reads are of a snapshot; a
//! transaction reads its snapshot with its own writes on top and commits if nobody else wrote a
//! key that it wrote or locked (snapshot isolation, first committer wins).
//!
//! [`surreal`] implements it over SurrealKV, whose types appear nowhere else.

pub mod surreal;

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::keys::{DataKeys, DataKeysInUse};

/// A future of the engine.
pub type EngineFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a commit waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The write is in the log's buffer: it survives a crash of the process, and one of the
    /// machine once the log was synced (every `commitIntervalMs`).
    #[default]
    Eventual,
    /// The write is on the disk.
    Immediate,
}

/// Opens trees.
pub trait Engine: Send + Sync {
    /// Opens the tree in the directory `path`, or creates it. With `keys` every file of it is
    /// sealed; a tree keeps what it was created with. Blocks; needs the context of a Tokio runtime.
    fn open(&self, path: &Path, keys: Option<Arc<dyn DataKeys>>) -> Result<Arc<dyn Tree>>;
}

/// An open tree.
pub trait Tree: Send + Sync {
    /// The tree as it is now, for reading.
    fn snapshot(&self) -> Result<Box<dyn ReadTransaction>>;

    /// Begins a transaction on a snapshot of now.
    fn begin(&self) -> Result<Box<dyn WriteTransaction>>;

    /// Makes every commit that has returned durable. Blocks.
    fn sync(&self) -> Result<()>;

    /// The bytes that the tree's files take on the disk, about. Blocks.
    fn approximate_size(&self) -> Result<u64>;

    /// Makes the new directory `to` a tree of its own, closed, that holds every commit that has
    /// returned, and of those under way each whole or not at all. Its files stay sealed under the
    /// data keys of this one; where they can be they are hard links, so that it takes neither time
    /// nor space. What is in memory is written to files first. Blocks.
    fn checkpoint(&self, to: &Path) -> Result<()>;

    /// Writes what is in memory to files, and begins a new log: both under the data key that is
    /// active now. Does nothing if nothing was written since the last time. Blocks.
    fn flush(&self) -> Result<()>;

    /// Writes every table anew, under the data key that is active now. What is in memory is no table
    /// yet: [`flush`](Tree::flush) before. Takes as long as reading and writing all data; reads and
    /// writes go on meanwhile. Blocks.
    fn rewrite(&self) -> Result<()>;

    /// Which data keys the tree's files are under, by their headers. Empty if the tree is in clear.
    /// Blocks.
    fn data_keys_in_use(&self) -> Result<DataKeysInUse>;

    /// Tells the engine that another data key is active now, before it meets it. Blocks.
    fn refresh_keys(&self) -> Result<()>;

    /// Flushes and closes: what is used afterwards answers [`Error::Closed`](crate::Error::Closed).
    fn close(&self) -> EngineFuture<'_, Result<()>>;
}

/// Reads of one snapshot.
pub trait ReadTransaction: Send + Sync {
    /// The value of `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// A cursor over the keys from `start` (included) to `end` (excluded), not yet at one.
    fn cursor<'a>(&'a self, start: &[u8], end: &[u8]) -> Result<Box<dyn Cursor + 'a>>;
}

/// A transaction: reads see its own writes. Dropping it undoes it.
pub trait WriteTransaction: ReadTransaction {
    /// This transaction, for reading.
    fn as_read(&self) -> &dyn ReadTransaction;

    /// Sets the value of `key`.
    fn put(&mut self, key: &[u8], value: Vec<u8>) -> Result<()>;

    /// Removes `key`, whether it is there or not.
    fn delete(&mut self, key: &[u8]) -> Result<()>;

    /// Removes the keys from `start` (included) to `end` (excluded). Conflicts with nothing: the
    /// caller keeps writers of the range away.
    fn delete_range(&mut self, start: &[u8], end: &[u8]) -> Result<()>;

    /// Makes the commit fail if another transaction wrote `key` since this one began.
    fn lock(&mut self, key: &[u8]) -> Result<()>;

    /// Applies the writes, all or none.
    /// [`Error::WriteConflict`](crate::Error::WriteConflict) if another transaction got in first.
    /// Cancelling the future leaves open whether they were applied.
    fn commit(self: Box<Self>, durability: Durability) -> EngineFuture<'static, Result<()>>;
}

/// A position in a range of keys. Moving invalidates what was borrowed. Not `Send`: a cursor does
/// not live across an `.await`; a new one that seeks is cheap.
pub trait Cursor {
    /// Goes to the first key of the range. Whether there is one.
    fn first(&mut self) -> Result<bool>;

    /// Goes to the last key of the range. Whether there is one.
    fn last(&mut self) -> Result<bool>;

    /// Goes to the first key of the range that is `key` or after it. Whether there is one.
    fn seek(&mut self, key: &[u8]) -> Result<bool>;

    /// Goes to the last key of the range that is before `key`. Whether there is one.
    fn seek_before(&mut self, key: &[u8]) -> Result<bool>;

    /// Goes to the next key. Whether there is one.
    fn next(&mut self) -> Result<bool>;

    /// Goes to the key before. Whether there is one.
    fn previous(&mut self) -> Result<bool>;

    /// The key; empty if the cursor is not at one.
    fn key(&self) -> &[u8];

    /// The value; empty if the cursor is not at a key.
    fn value(&mut self) -> Result<&[u8]>;
}

/// The bytes of the files in a tree's directory, whether or not it is open. Blocks.
pub(crate) fn size_of_files(path: &Path) -> Result<u64> {
    fn size(path: &Path) -> std::io::Result<u64> {
        let mut total = 0;
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            // Files come and go while they are counted.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            total += if metadata.is_dir() {
                size(&entry.path()).unwrap_or(0)
            } else {
                metadata.len()
            };
        }
        Ok(total)
    }
    size(path).map_err(|source| Error::io(path.display().to_string(), source))
}
