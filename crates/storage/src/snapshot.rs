//! Reading a database as it was at one moment.

use std::ops::Bound;
use std::sync::Arc;

use bson::{RawBsonRef, RawDocumentBuf};

use crate::bounds::{Direction, IndexBounds};
use crate::catalog::{Collection, Index};
use crate::error::Result;
use crate::record_id::RecordId;
use crate::scan::{IndexEntries, IndexPosition, IndexRecords, Records};

/// A database as it was when the snapshot was taken: its catalog and its documents. Cheap to
/// take. A long-lived one keeps old versions of documents from being freed.
pub struct Snapshot {}

impl Snapshot {
    /// The collections, sorted by name.
    pub fn collections(&self) -> Vec<Arc<Collection>> {
        todo!()
    }

    /// The collection with this name.
    pub fn collection(&self, name: &str) -> Option<Arc<Collection>> {
        let _ = name;
        todo!()
    }

    /// The collection with this UUID.
    pub fn collection_by_uuid(&self, uuid: uuid::Uuid) -> Option<Arc<Collection>> {
        let _ = uuid;
        todo!()
    }

    /// The document with this `_id`.
    pub fn get(
        &self,
        collection: &Collection,
        id: RawBsonRef<'_>,
    ) -> Result<Option<RawDocumentBuf>> {
        self.get_record(collection, &RecordId::new(id)?)
    }

    /// The document of a record.
    pub fn get_record(
        &self,
        collection: &Collection,
        id: &RecordId,
    ) -> Result<Option<RawDocumentBuf>> {
        let _ = (collection, id);
        todo!()
    }

    /// Every document in the order of `_id`; after `after` if given (in the scan's direction).
    pub fn scan<'a>(
        &'a self,
        collection: &Collection,
        direction: Direction,
        after: Option<&RecordId>,
    ) -> Result<Records<'a>> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        match direction {
            Direction::Forward => self.scan_range(collection, direction, after, Bound::Unbounded),
            Direction::Backward => self.scan_range(collection, direction, Bound::Unbounded, after),
        }
    }

    /// The documents whose record ids are in a range, `low` to `high` whatever the direction.
    pub fn scan_range<'a>(
        &'a self,
        collection: &Collection,
        direction: Direction,
        low: Bound<&RecordId>,
        high: Bound<&RecordId>,
    ) -> Result<Records<'a>> {
        let _ = (collection, direction, low, high);
        todo!()
    }

    /// The documents that `index` leads to within `bounds`, each once, fetched, in the order of
    /// the index. `_id_` is read as any other index is.
    pub fn scan_index<'a>(
        &'a self,
        collection: &Collection,
        index: &Arc<Index>,
        bounds: &IndexBounds,
        direction: Direction,
        after: Option<&IndexPosition>,
    ) -> Result<IndexRecords<'a>> {
        let _ = (collection, index, bounds, direction, after);
        todo!()
    }

    /// The keys of `index` within `bounds`, without the documents.
    pub fn scan_index_keys<'a>(
        &'a self,
        collection: &Collection,
        index: &Arc<Index>,
        bounds: &IndexBounds,
        direction: Direction,
        after: Option<&IndexPosition>,
    ) -> Result<IndexEntries<'a>> {
        let _ = (collection, index, bounds, direction, after);
        todo!()
    }
}
