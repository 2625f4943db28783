//! Sorting in bounded memory.

use bson::RawDocument;
use document::ErrorCode;
use document::limits::MAX_BLOCKING_STAGE_BYTES;

use super::spec::{SortKey, SortSpec};
use crate::{Error, Result};

/// Sorts what is pushed into it, by keys that are extracted once for each document.
///
/// Stable: what sorts equal stays in the order it came. With a limit, only the first so many are
/// kept, and a document that cannot be among them costs a comparison.
#[derive(Debug)]
pub struct Sorter<T> {
    spec: SortSpec,
    limit: Option<usize>,
    max_bytes: usize,
    bytes: usize,
    entries: Vec<Entry<T>>,
    /// The last key that was within the limit: a later document has to be less than it.
    bound: Option<SortKey>,
    pushed: u64,
}

#[derive(Debug)]
struct Entry<T> {
    key: SortKey,
    /// Which came first: what makes an unstable selection stable.
    sequence: u64,
    bytes: usize,
    payload: T,
}

impl<T> Sorter<T> {
    /// A sorter that keeps the first `limit` (skip and limit together), or all, within
    /// [`MAX_BLOCKING_STAGE_BYTES`].
    pub fn new(spec: &SortSpec, limit: Option<usize>) -> Self {
        Self::with_memory(spec, limit, MAX_BLOCKING_STAGE_BYTES)
    }

    /// A sorter within `max_bytes` of memory for keys and payloads.
    pub fn with_memory(spec: &SortSpec, limit: Option<usize>, max_bytes: usize) -> Self {
        Self {
            spec: spec.clone(),
            limit,
            max_bytes,
            bytes: 0,
            entries: Vec::new(),
            bound: None,
            pushed: 0,
        }
    }

    /// Adds what `payload` makes, which takes `payload_bytes`, under the key of `document`.
    /// `payload` is called only if it is worth keeping.
    ///
    /// # Errors
    ///
    /// `QueryExceededMemoryLimitNoDiskUseAllowed` when the memory is used up, and what
    /// [`SortSpec::key`] answers.
    pub fn push(
        &mut self,
        document: &RawDocument,
        payload_bytes: usize,
        payload: impl FnOnce() -> T,
    ) -> Result<()> {
        let key = self.spec.key_refs(document)?;
        let sequence = self.pushed;
        self.pushed += 1;
        let beyond = match &self.bound {
            Some(bound) => self.spec.compare_with_key(&key, bound).is_ge(),
            None => self.limit == Some(0),
        };
        if beyond {
            return Ok(());
        }
        let key = SortSpec::own(&key);
        let bytes = size_of::<Entry<T>>() + key.size_bytes() + payload_bytes;
        self.bytes += bytes;
        self.entries.push(Entry {
            key,
            sequence,
            bytes,
            payload: payload(),
        });
        self.trim()
    }

    /// Drops what is beyond the limit. Waits until that is half of all, so that each document
    /// takes part in a constant number of selections, unless the memory runs out.
    fn trim(&mut self) -> Result<()> {
        if let Some(limit) = self.limit
            && self.entries.len() > limit
            && (self.entries.len() / 2 >= limit || self.bytes > self.max_bytes)
        {
            let Self { spec, entries, .. } = self;
            entries.select_nth_unstable_by(limit, |left, right| compare(spec, left, right));
            for dropped in entries.drain(limit..) {
                self.bytes -= dropped.bytes;
            }
            self.bound = entries
                .iter()
                .max_by(|left, right| compare(spec, left, right))
                .map(|last| last.key.clone());
        }
        if self.bytes > self.max_bytes {
            return Err(Error::new(
                ErrorCode::QueryExceededMemoryLimitNoDiskUseAllowed,
                format!(
                    "Sort exceeded memory limit of {} bytes, and this server sorts in memory \
                     only: add an index that gives the order, or a limit",
                    self.max_bytes
                ),
            ));
        }
        Ok(())
    }

    /// What was kept, in order.
    pub fn finish(mut self) -> impl ExactSizeIterator<Item = T> {
        let Self { spec, entries, .. } = &mut self;
        entries.sort_unstable_by(|left, right| compare(spec, left, right));
        if let Some(limit) = self.limit {
            self.entries.truncate(limit);
        }
        self.entries.into_iter().map(|entry| entry.payload)
    }
}

fn compare<T>(spec: &SortSpec, left: &Entry<T>, right: &Entry<T>) -> std::cmp::Ordering {
    spec.compare_keys(&left.key, &right.key)
        .then(left.sequence.cmp(&right.sequence))
}
