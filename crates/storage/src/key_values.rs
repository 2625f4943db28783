//! A database as a plain ordered map of bytes, for those whose records are no BSON documents.
//!
//! What is kept so lies beside the collections of the database, under keys of its own
//! (`layout::key_value`), and shares what a database is: the data key, the log, checkpoints.
//!
//! A commit is seen at once and is durable later. Whoever answers for it waits: commits are
//! numbered, and [`KeyValues::wait_durable`] waits until one of them, and with it all before it, is
//! on the disk. Those that wait at the same time share one sync.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::bounds::Direction;
use crate::database::{Database, DatabaseInner};
use crate::engine::{Cursor, Durability, ReadTransaction, WriteTransaction};
use crate::error::Result;
use crate::layout::{self, Key};

/// A database as an ordered map of bytes. Clones share it, and keep the database open.
#[derive(Clone)]
pub struct KeyValues {
    inner: Arc<Inner>,
}

struct Inner {
    database: Arc<DatabaseInner>,
    /// How many commits have returned.
    committed: AtomicU64,
    /// How many of them are on the disk.
    durable: AtomicU64,
    /// Held by the one that syncs for all.
    syncing: Mutex<()>,
}

impl Database {
    /// This database as an ordered map. Its commits are numbered from 1 by each map that is made of it: make one.
    pub fn key_values(&self) -> KeyValues {
        KeyValues {
            inner: Arc::new(Inner {
                database: Arc::clone(&self.inner),
                committed: AtomicU64::new(0),
                durable: AtomicU64::new(0),
                syncing: Mutex::new(()),
            }),
        }
    }
}

impl KeyValues {
    /// The map as it is now, for reading.
    ///
    /// # Errors
    /// What the engine says.
    pub fn snapshot(&self) -> Result<KeyValueSnapshot> {
        Ok(KeyValueSnapshot {
            reads: self.inner.database.tree.snapshot()?,
        })
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// What the engine says.
    pub fn begin(&self) -> Result<KeyValueTransaction> {
        Ok(KeyValueTransaction {
            transaction: self.inner.database.tree.begin()?,
        })
    }

    /// Applies the writes of a transaction, all or none, and returns the number of the commit. It is seen when this
    /// returns, and not durable yet.
    ///
    /// # Errors
    /// [`WriteConflict`](crate::Error::WriteConflict) if another transaction got in first: nothing was applied.
    pub async fn commit(&self, transaction: KeyValueTransaction) -> Result<u64> {
        let KeyValueTransaction { transaction } = transaction;
        let database = &self.inner.database;
        database.commit(transaction, Durability::Eventual).await?;
        Ok(self.inner.committed.fetch_add(1, Ordering::AcqRel) + 1)
    }

    /// The number of the last commit that has returned: what is read now is of no later one, but for those that are
    /// just returning.
    pub fn last_commit(&self) -> u64 {
        self.inner.committed.load(Ordering::Acquire)
    }

    /// Whether this commit and all before it are on the disk.
    pub fn is_durable(&self, commit: u64) -> bool {
        self.inner.durable.load(Ordering::Acquire) >= commit
    }

    /// Waits until this commit and all before it are on the disk. Blocks.
    ///
    /// # Errors
    /// The log cannot be synced. Whether these commits survive a power failure is unknown, and stays so: the engine
    /// accepts nothing more, and every later call fails.
    pub fn wait_durable(&self, commit: u64) -> Result<()> {
        if self.is_durable(commit) {
            return Ok(());
        }
        let _turn = self.inner.syncing.lock();
        // The one before may have synced for this one, too.
        if self.is_durable(commit) {
            return Ok(());
        }
        let covered = self.last_commit();
        self.inner.database.sync_now()?;
        self.inner.durable.store(covered, Ordering::Release);
        Ok(())
    }
}

/// A map as it was at one moment. A long-lived one keeps old values from being freed.
pub struct KeyValueSnapshot {
    reads: Box<dyn ReadTransaction>,
}

impl KeyValueSnapshot {
    /// The value of a key.
    ///
    /// # Errors
    /// What the engine says.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.reads.get(&layout::key_value(key))
    }

    /// A cursor over the keys that begin with `prefix`, in one direction, at the first of them.
    ///
    /// # Errors
    /// What the engine says.
    pub fn entries(&self, prefix: &[u8], direction: Direction) -> Result<KeyValueEntries<'_>> {
        let mut end = Key::from_slice(prefix);
        increment(&mut end);
        self.range(prefix, &end, direction)
    }

    /// A cursor over the keys from `start` (included) to `end` (excluded; if it is empty, to the last), in one
    /// direction, at the first of them.
    ///
    /// # Errors
    /// What the engine says.
    pub fn range(
        &self,
        start: &[u8],
        end: &[u8],
        direction: Direction,
    ) -> Result<KeyValueEntries<'_>> {
        let start = layout::key_value(start);
        let end = if end.is_empty() {
            layout::key_values_end()
        } else {
            layout::key_value(end)
        };
        let mut entries = KeyValueEntries {
            cursor: self.reads.cursor(&start, &end)?,
            direction,
            is_valid: false,
        };
        entries.is_valid = match direction {
            Direction::Forward => entries.cursor.first()?,
            Direction::Backward => entries.cursor.last()?,
        };
        Ok(entries)
    }
}

/// Makes it the first key that does not begin with it any more; empty if there is none.
fn increment(key: &mut Key) {
    while let Some(last) = key.pop() {
        if let Some(next) = last.checked_add(1) {
            key.push(next);
            return;
        }
    }
}

/// A position among the keys of a range. Not `Send`.
pub struct KeyValueEntries<'a> {
    cursor: Box<dyn Cursor + 'a>,
    direction: Direction,
    is_valid: bool,
}

impl KeyValueEntries<'_> {
    /// The key; nothing past the end.
    pub fn key(&self) -> Option<&[u8]> {
        self.is_valid
            .then(|| layout::key_of_value(self.cursor.key()))
    }

    /// The value; empty past the end.
    ///
    /// # Errors
    /// What the engine says.
    pub fn value(&mut self) -> Result<&[u8]> {
        if self.is_valid {
            self.cursor.value()
        } else {
            Ok(&[])
        }
    }

    /// Goes to the next key in its direction.
    ///
    /// # Errors
    /// What the engine says.
    pub fn advance(&mut self) -> Result<()> {
        if self.is_valid {
            self.is_valid = match self.direction {
                Direction::Forward => self.cursor.next()?,
                Direction::Backward => self.cursor.previous()?,
            };
        }
        Ok(())
    }

    /// Goes to the first key, in its direction, that is this one or lies beyond it.
    ///
    /// # Errors
    /// What the engine says.
    pub fn seek(&mut self, key: &[u8]) -> Result<()> {
        let full = layout::key_value(key);
        self.is_valid = match self.direction {
            Direction::Forward => self.cursor.seek(&full)?,
            Direction::Backward => {
                let is_there = self.cursor.seek(&full)?;
                if is_there && self.cursor.key() == full.as_slice() {
                    true
                } else {
                    self.cursor.seek_before(&full)?
                }
            }
        };
        Ok(())
    }
}

/// A transaction on a map. Reads see its own writes. Dropping it undoes it.
pub struct KeyValueTransaction {
    transaction: Box<dyn WriteTransaction>,
}

impl KeyValueTransaction {
    /// The value of a key.
    ///
    /// # Errors
    /// What the engine says.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.transaction.get(&layout::key_value(key))
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    /// What the engine says.
    pub fn put(&mut self, key: &[u8], value: Vec<u8>) -> Result<()> {
        self.transaction.put(&layout::key_value(key), value)
    }

    /// Removes a key, whether it is there or not.
    ///
    /// # Errors
    /// What the engine says.
    pub fn delete(&mut self, key: &[u8]) -> Result<()> {
        self.transaction.delete(&layout::key_value(key))
    }
}
