//! How many documents a collection has, without reading them, and exact after a crash.
//!
//! The count is the sum of parts ("slots") that are kept beside the documents and change in the
//! same transaction. A commit that changes the count leases a slot that nobody else has written
//! since it began, so that counting causes no conflict: there are about as many slots as there
//! ever were transactions at a time.

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

#[derive(Debug)]
struct Slot {
    number: u32,
    value: i64,
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

/// The count of one collection.
#[derive(Debug, Default)]
pub(crate) struct Count {
    total: AtomicI64,
    slots: Mutex<Slots>,
}

impl Count {
    /// Reads the count of `collection`.
    pub(crate) fn load(reads: &dyn ReadTransaction, collection: u32) -> Result<Self> {
        let (start, end) = layout::count_range(collection);
        let mut cursor = reads.cursor(&start, &end)?;
        let mut slots = Slots::default();
        let mut total = 0;
        let mut more = cursor.first()?;
        while more {
            let number = layout::number_of(cursor.key()).unwrap_or_default();
            let value = decode(cursor.value()?);
            total += value;
            slots.next = slots.next.max(number + 1);
            slots.free.push(Slot {
                number,
                value,
                written: 0,
            });
            more = cursor.next()?;
        }
        Ok(Self {
            total: AtomicI64::new(total),
            slots: Mutex::new(slots),
        })
    }

    /// The number of documents.
    pub(crate) fn get(&self) -> u64 {
        u64::try_from(self.total.load(Ordering::Acquire)).unwrap_or(0)
    }

    /// Adds `delta` in `transaction`, which began at `began`. The lease is to be told how the
    /// commit ended.
    pub(crate) fn add<'a>(
        &'a self,
        clock: &'a CommitClock,
        transaction: &mut dyn WriteTransaction,
        collection: u32,
        began: u64,
        delta: i64,
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
                        value: 0,
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
            let value = (slot.value + delta).to_be_bytes().to_vec();
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
            let value = value.map_or(0, |value| decode(&value));
            self.total.fetch_add(value - slot.value, Ordering::AcqRel);
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
    delta: i64,
    slot: Option<Slot>,
}

impl Lease<'_> {
    /// The transaction is committed.
    pub(crate) fn committed(mut self) {
        if let Some(mut slot) = self.slot.take() {
            slot.value += self.delta;
            slot.written = self.clock.tick();
            self.count.total.fetch_add(self.delta, Ordering::AcqRel);
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

fn decode(value: &[u8]) -> i64 {
    value
        .first_chunk()
        .map_or(0, |bytes| i64::from_be_bytes(*bytes))
}
