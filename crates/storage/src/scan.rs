//! Reading records in the order of `_id` or of an index.
//!
//! A scan borrows its snapshot and the engine's blocks, and is not `Send`: it does not live across
//! an `.await`. A cursor keeps the snapshot and the id or position it came to, and begins a new
//! scan there, which costs one seek.

use std::ops::Bound;
use std::sync::Arc;

use bson::{RawDocument, RawDocumentBuf};

use crate::bounds::{Direction, EncodedBounds, Verdict};
use crate::catalog::Index;
use crate::engine::{Cursor, ReadTransaction};
use crate::error::{Error, Result};
use crate::keyenc;
use crate::layout::{self, Key};
use crate::record_id::RecordId;

/// A record at the position of a scan, borrowed from the engine.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    id: &'a [u8],
    /// The document.
    pub document: &'a RawDocument,
}

impl Record<'_> {
    /// Its identity: where a later scan can go on.
    pub fn id(&self) -> RecordId {
        RecordId::from_bytes(self.id)
    }
}

/// What is between the end of a prefix's keys and its beginning.
fn end_of(prefix: &[u8]) -> Vec<u8> {
    // A prefix begins with a collection number, and the last one is never given out.
    keyenc::after_prefix(prefix).unwrap_or_else(|| vec![0xFF; prefix.len() + 1])
}

/// The smallest key after `key`.
fn successor(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

pub(crate) fn document(bytes: &[u8]) -> Result<&RawDocument> {
    RawDocument::from_bytes(bytes)
        .map_err(|_| Error::Corruption("a record is not a BSON document".to_owned()))
}

/// The records of a collection, in the order of `_id`.
pub struct Records<'a> {
    cursor: Box<dyn Cursor + 'a>,
    direction: Direction,
    prefix: usize,
    begun: bool,
    id: Vec<u8>,
}

impl<'a> Records<'a> {
    pub(crate) fn new(
        reads: &'a dyn ReadTransaction,
        collection: u32,
        direction: Direction,
        low: Bound<&RecordId>,
        high: Bound<&RecordId>,
    ) -> Result<Self> {
        let prefix = layout::records(collection);
        let key = |id: &RecordId| layout::record(collection, id.as_bytes());
        let start = match low {
            Bound::Unbounded => prefix.to_vec(),
            Bound::Included(id) => key(id).to_vec(),
            Bound::Excluded(id) => successor(&key(id)),
        };
        let end = match high {
            Bound::Unbounded => end_of(&prefix),
            Bound::Included(id) => successor(&key(id)),
            Bound::Excluded(id) => key(id).to_vec(),
        };
        let end = if end < start { start.clone() } else { end };
        let cursor = reads.cursor(&start, &end)?;
        Ok(Self {
            cursor,
            direction,
            prefix: prefix.len(),
            begun: false,
            id: Vec::new(),
        })
    }

    /// Goes to the next record. It is borrowed until the next call.
    #[allow(
        clippy::should_implement_trait,
        reason = "an iterator cannot lend what it owns"
    )]
    pub fn next(&mut self) -> Result<Option<Record<'_>>> {
        let moved = step(&mut *self.cursor, self.direction, &mut self.begun)?;
        if !moved {
            return Ok(None);
        }
        self.id.clear();
        self.id
            .extend_from_slice(self.cursor.key().get(self.prefix..).unwrap_or_default());
        let document = document(self.cursor.value()?)?;
        Ok(Some(Record {
            id: &self.id,
            document,
        }))
    }
}

fn step(cursor: &mut dyn Cursor, direction: Direction, begun: &mut bool) -> Result<bool> {
    match (std::mem::replace(begun, true), direction) {
        (false, Direction::Forward) => cursor.first(),
        (false, Direction::Backward) => cursor.last(),
        (true, Direction::Forward) => cursor.next(),
        (true, Direction::Backward) => cursor.previous(),
    }
}

/// Where a scan of an index stands: give it to a later scan with the same bounds and direction,
/// which goes on after it.
#[derive(Clone, PartialEq, Eq)]
pub struct IndexPosition(pub(crate) Vec<u8>);

// The bytes hold values, which are user data.
impl std::fmt::Debug for IndexPosition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IndexPosition({} bytes)", self.0.len())
    }
}

/// One key of an index, borrowed from the engine.
pub struct IndexEntry<'a> {
    /// The key, without the index's prefix.
    key: &'a [u8],
    values: usize,
    record: &'a [u8],
}

impl IndexEntry<'_> {
    /// The record it leads to.
    pub fn record_id(&self) -> RecordId {
        RecordId::from_bytes(self.record)
    }

    /// Where it stands in the index.
    pub fn position(&self) -> IndexPosition {
        IndexPosition(self.key.to_vec())
    }

    /// The ordered encoding of its values: two entries with the same values have the same.
    pub fn encoded_values(&self) -> &[u8] {
        self.key.get(..self.values).unwrap_or_default()
    }
}

/// How the keys of an index lead to records.
#[derive(Clone, Copy)]
enum Shape {
    /// `_id_`: the keys are the records.
    Records,
    /// The record's id ends the key, and the value says where it begins.
    IdInKey,
    /// The record's id is the value.
    IdInValue,
}

/// The keys of an index within bounds. In a multikey index a document has many keys, and
/// is met once for each of them that is within the bounds.
pub struct IndexEntries<'a> {
    cursor: Box<dyn Cursor + 'a>,
    bounds: EncodedBounds,
    direction: Direction,
    shape: Shape,
    prefix: Key,
    begun: bool,
    done: bool,
    examined: u64,
    key: Vec<u8>,
}

impl<'a> IndexEntries<'a> {
    pub(crate) fn new(
        reads: &'a dyn ReadTransaction,
        collection: u32,
        index: &Index,
        bounds: EncodedBounds,
        direction: Direction,
        after: Option<&IndexPosition>,
    ) -> Result<Self> {
        let (shape, prefix) = if index.is_id_index() {
            (Shape::Records, layout::records(collection))
        } else if index.spec.unique {
            (Shape::IdInValue, layout::index(collection, index.id))
        } else {
            (Shape::IdInKey, layout::index(collection, index.id))
        };
        let (low, high) = bounds.outer();
        let mut start = [&prefix, low].concat();
        let mut end = end_of(&high.map_or(prefix.to_vec(), |high| [&prefix, high].concat()));
        if let Some(IndexPosition(position)) = after {
            let position = [&prefix, position.as_slice()].concat();
            match direction {
                Direction::Forward => start = start.max(successor(&position)),
                Direction::Backward => end = end.min(position),
            }
        }
        let done = bounds.is_empty() || end <= start;
        let end = end.max(start.clone());
        Ok(Self {
            cursor: reads.cursor(&start, &end)?,
            bounds,
            direction,
            shape,
            prefix,
            begun: false,
            done,
            examined: 0,
            key: Vec::new(),
        })
    }

    /// Goes to the next key. It is borrowed until the next call.
    #[allow(
        clippy::should_implement_trait,
        reason = "an iterator cannot lend what it owns"
    )]
    pub fn next(&mut self) -> Result<Option<IndexEntry<'_>>> {
        if !self.advance()? {
            return Ok(None);
        }
        let damaged = || Error::Corruption("a key of an index is damaged".to_owned());
        let (values, record) = match self.shape {
            Shape::Records => (self.key.len(), self.key.as_slice()),
            Shape::IdInValue => (self.key.len(), self.cursor.value()?),
            Shape::IdInKey => {
                let at = self.cursor.value()?.first_chunk().ok_or_else(damaged)?;
                let at = u32::from_be_bytes(*at) as usize;
                (at, self.key.get(at..).ok_or_else(damaged)?)
            }
        };
        Ok(Some(IndexEntry {
            key: &self.key,
            values,
            record,
        }))
    }

    /// How many keys were looked at so far: `totalKeysExamined` of `explain`.
    pub fn keys_examined(&self) -> u64 {
        self.examined
    }

    /// Goes to the next key within the bounds, and copies it.
    fn advance(&mut self) -> Result<bool> {
        if self.done {
            return Ok(false);
        }
        let mut moved = step(&mut *self.cursor, self.direction, &mut self.begun)?;
        loop {
            if !moved {
                break;
            }
            self.examined += 1;
            let key = self
                .cursor
                .key()
                .get(self.prefix.len()..)
                .unwrap_or_default();
            match self.bounds.check(key, self.direction) {
                Verdict::Within => {
                    self.key.clear();
                    self.key.extend_from_slice(key);
                    return Ok(true);
                }
                Verdict::Done => break,
                Verdict::SkipTo(target) => {
                    let target = [&self.prefix, target.as_slice()].concat();
                    moved = match self.direction {
                        Direction::Forward => self.cursor.seek(&target)?,
                        Direction::Backward => self.cursor.seek_before(&target)?,
                    };
                }
            }
        }
        self.done = true;
        Ok(false)
    }
}

/// The records that an index leads to, each once, in the order of the index.
pub struct IndexRecords<'a> {
    reads: &'a dyn ReadTransaction,
    collection: u32,
    index: Arc<Index>,
    entries: IndexEntries<'a>,
    position: Option<IndexPosition>,
}

impl<'a> IndexRecords<'a> {
    pub(crate) fn new(
        reads: &'a dyn ReadTransaction,
        collection: u32,
        index: Arc<Index>,
        entries: IndexEntries<'a>,
    ) -> Self {
        Self {
            reads,
            collection,
            index,
            entries,
            position: None,
        }
    }

    /// The next record, fetched.
    #[allow(clippy::should_implement_trait, reason = "the same as those that lend")]
    pub fn next(&mut self) -> Result<Option<(RecordId, RawDocumentBuf)>> {
        loop {
            let Some(entry) = self.entries.next()? else {
                return Ok(None);
            };
            let id = entry.record_id();
            let values = entry.values;
            let bytes = match self.entries.shape {
                Shape::Records => self.entries.cursor.value()?.to_vec(),
                _ => {
                    let key = layout::record(self.collection, id.as_bytes());
                    self.reads.get(&key)?.ok_or_else(|| {
                        Error::Corruption(format!(
                            "index {} leads to a record that is not there",
                            self.index.id
                        ))
                    })?
                }
            };
            let document = RawDocumentBuf::from_bytes(bytes)
                .map_err(|_| Error::Corruption("a record is not a BSON document".to_owned()))?;
            if self.index.is_multikey() && !self.is_first(&document, values)? {
                continue;
            }
            self.position = Some(IndexPosition(self.entries.key.clone()));
            return Ok(Some((id, document)));
        }
    }

    /// Where the scan stands: after the record that was returned last. `None` before the first.
    pub fn position(&self) -> Option<IndexPosition> {
        self.position.clone()
    }

    /// How many keys were looked at so far: `totalKeysExamined` of `explain`.
    pub fn keys_examined(&self) -> u64 {
        self.entries.keys_examined()
    }

    /// Whether this key is the first one of the document that the scan meets. Found from the
    /// document, so that nothing has to be remembered, here or by a cursor.
    fn is_first(&self, document: &RawDocument, values: usize) -> Result<bool> {
        let set = self.index.keys_of(document)?;
        let within = |key: &&crate::index::KeyValues| self.entries.bounds.contains(key);
        let first = match self.entries.direction {
            Direction::Forward => set.keys.iter().find(within),
            Direction::Backward => set.keys.iter().rfind(within),
        };
        let current = self.entries.key.get(..values);
        Ok(first.is_none_or(|first| Some(first.as_slice()) == current))
    }
}
