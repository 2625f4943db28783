//! How many documents a collection has and how many bytes they take, without reading them, and
//! exact after a crash.
//!
//! The tally is the sum of parts ("slots") that are kept beside the documents and change in the
//! same transaction. A commit that changes it leases a slot that nobody else has written
//! since it began, so that counting causes no conflict: there are about as many slots as there
//! ever were transactions at a time.

use std::ops::{Add, Sub};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::engine::{ReadTransaction, WriteTransaction};
use crate::error::Result;
use crate::layout;

/// Tells which of two came first: the end of a commit or the begin of a transaction.
#[derive(Debug, Default)]
pub(crate) struct CommitClock(AtomicU64);

impl CommitClock {
    /// To be read before a transaction takes its snapshot.
    pub(crate) fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// To be called after a commit: a transaction that reads this time or a later one sees it.
    fn tick(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// A number of documents and of their bytes, or by how much they change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    pub(crate) documents: i64,
    pub(crate) bytes: i64,
}

impl Tally {
    /// One document of this many bytes.
    pub(crate) fn of(document: &[u8]) -> Self {
        // Documents have 31 bits of length.
        Self {
            documents: 1,
            bytes: i64::try_from(document.len()).unwrap_or(i64::MAX),
        }
    }

    pub(crate) fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    fn encode(self) -> Vec<u8> {
        [self.documents.to_be_bytes(), self.bytes.to_be_bytes()].concat()
    }

    fn decode(value: &[u8]) -> Self {
        let part = |at: usize| {
            let bytes = value.get(at..).and_then(<[u8]>::first_chunk);
            bytes.map_or(0, |bytes| i64::from_be_bytes(*bytes))
        };
        Self {
            documents: part(0),
            bytes: part(8),
        }
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            documents: self.documents.wrapping_add(other.documents),
            bytes: self.bytes.wrapping_add(other.bytes),
        }
    }
}

impl Sub for Tally {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            documents: self.documents.wrapping_sub(other.documents),
            bytes: self.bytes.wrapping_sub(other.bytes),
        }
    }
}

#[derive(Debug)]
struct Slot {
    number: u32,
    value: Tally,
    /// When it was written last.
    written: u64,
}

#[derive(Debug, Default)]
struct Slots {
    free: Vec<Slot>,
    /// Slots of commits that were cancelled: what they hold must be read.
    unknown: Vec<Slot>,
    next: u32,
}

/// The tally of one collection.
#[derive(Debug, Default)]
pub(crate) struct Count {
    documents: AtomicI64,
    bytes: AtomicI64,
    slots: Mutex<Slots>,
}

impl Count {
    /// Reads the count of `collection`.
    pub(crate) fn load(reads: &dyn ReadTransaction, collection: u32) -> Result<Self> {
        let (start, end) = layout::count_range(collection);
        let mut cursor = reads.cursor(&start, &end)?;
        let mut slots = Slots::default();
        let mut total = Tally::default();
        let mut more = cursor.first()?;
        while more {
            let number = layout::number_of(cursor.key()).unwrap_or_default();
            let value = Tally::decode(cursor.value()?);
            total = total + value;
            slots.next = slots.next.max(number.saturating_add(1));
            slots.free.push(Slot {
                number,
                value,
                written: 0,
            });
            more = cursor.next()?;
        }
        Ok(Self {
            documents: AtomicI64::new(total.documents),
            bytes: AtomicI64::new(total.bytes),
            slots: Mutex::new(slots),
        })
    }

    /// The number of documents.
    pub(crate) fn documents(&self) -> u64 {
        u64::try_from(self.documents.load(Ordering::Acquire)).unwrap_or(0)
    }

    /// Their bytes.
    pub(crate) fn bytes(&self) -> u64 {
        u64::try_from(self.bytes.load(Ordering::Acquire)).unwrap_or(0)
    }

    fn change(&self, delta: Tally) {
        self.documents.fetch_add(delta.documents, Ordering::AcqRel);
        self.bytes.fetch_add(delta.bytes, Ordering::AcqRel);
    }

    /// Adds `delta` in `transaction`, which began at `began`. The lease is to be told how the
    /// commit ended.
    pub(crate) fn add<'a>(
        &'a self,
        clock: &'a CommitClock,
        transaction: &mut dyn WriteTransaction,
        collection: u32,
        began: u64,
        delta: Tally,
    ) -> Result<Lease<'a>> {
        let slot = {
            let mut slots = self.slots.lock();
            match slots.free.iter().rposition(|slot| slot.written <= began) {
                Some(at) => slots.free.swap_remove(at),
                None => {
                    let number = slots.next;
                    slots.next += 1;
                    Slot {
                        number,
                        value: Tally::default(),
                        written: 0,
                    }
                }
            }
        };
        let lease = Lease {
            count: self,
            clock,
            delta,
            slot: Some(slot),
        };
        if let Some(slot) = &lease.slot {
            let value = (slot.value + delta).encode();
            transaction.put(&layout::count(collection, slot.number), value)?;
        }
        Ok(lease)
    }

    /// Whether a cancelled commit left the count in doubt.
    pub(crate) fn is_in_doubt(&self) -> bool {
        !self.slots.lock().unknown.is_empty()
    }

    /// Settles what cancelled commits left, from a snapshot taken after they must have ended.
    pub(crate) fn settle(
        &self,
        clock: &CommitClock,
        reads: &dyn ReadTransaction,
        collection: u32,
    ) -> Result<()> {
        let unknown = std::mem::take(&mut self.slots.lock().unknown);
        for mut slot in unknown {
            let value = reads.get(&layout::count(collection, slot.number))?;
            let value = value.map_or(Tally::default(), |value| Tally::decode(&value));
            self.change(value - slot.value);
            slot.value = value;
            slot.written = clock.tick();
            self.slots.lock().free.push(slot);
        }
        Ok(())
    }
}

/// A slot that a commit under way writes.
pub(crate) struct Lease<'a> {
    count: &'a Count,
    clock: &'a CommitClock,
    delta: Tally,
    slot: Option<Slot>,
}

impl Lease<'_> {
    /// The transaction is committed.
    pub(crate) fn committed(mut self) {
        if let Some(mut slot) = self.slot.take() {
            slot.value = slot.value + self.delta;
            slot.written = self.clock.tick();
            self.count.change(self.delta);
            self.count.slots.lock().free.push(slot);
        }
    }

    /// The transaction had no effect.
    pub(crate) fn aborted(mut self) {
        if let Some(slot) = self.slot.take() {
            self.count.slots.lock().free.push(slot);
        }
    }
}

impl Drop for Lease<'_> {
    /// Nobody knows how the commit ended.
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            self.count.slots.lock().unknown.push(slot);
        }
    }
}
