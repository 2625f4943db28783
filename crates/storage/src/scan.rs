//! Reading records in the order of `_id` or of an index.

use bson::{RawDocument, RawDocumentBuf};

use crate::engine::ReadTransaction;
use crate::error::Result;
use crate::record_id::RecordId;

/// A record at the position of a scan, borrowed from the engine.
#[derive(Debug, Clone, Copy)]
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

/// The records of a collection, in the order of `_id`.
pub struct Records<'a> {
    reads: &'a dyn ReadTransaction,
}

impl Records<'_> {
    /// Goes to the next record. It is borrowed until the next call.
    pub fn next(&mut self) -> Result<Option<Record<'_>>> {
        let _ = self.reads;
        todo!()
    }
}

/// Where a scan of an index stands: give it to a later scan with the same bounds and direction,
/// which goes on after it.
#[derive(Clone, PartialEq, Eq)]
pub struct IndexPosition(pub(crate) Vec<u8>);

/// One key of an index, borrowed from the engine.
pub struct IndexEntry<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) record: &'a [u8],
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
}

/// The keys of an index within bounds. In a multikey index a document has many keys, and
/// is met once for each of them that is within the bounds.
pub struct IndexEntries<'a> {
    reads: &'a dyn ReadTransaction,
}

impl IndexEntries<'_> {
    /// Goes to the next key. It is borrowed until the next call.
    pub fn next(&mut self) -> Result<Option<IndexEntry<'_>>> {
        let _ = self.reads;
        todo!()
    }

    /// How many keys were looked at so far: `totalKeysExamined` of `explain`.
    pub fn keys_examined(&self) -> u64 {
        todo!()
    }
}

/// The records that an index leads to, each once, in the order of the index.
pub struct IndexRecords<'a> {
    entries: IndexEntries<'a>,
}

impl IndexRecords<'_> {
    /// The next record, fetched.
    pub fn next(&mut self) -> Result<Option<(RecordId, RawDocumentBuf)>> {
        let _ = &self.entries;
        todo!()
    }

    /// Where the scan stands: after the record that was returned last. `None` before the first.
    pub fn position(&self) -> Option<IndexPosition> {
        todo!()
    }

    /// How many keys were looked at so far: `totalKeysExamined` of `explain`.
    pub fn keys_examined(&self) -> u64 {
        self.entries.keys_examined()
    }
}
