//! Reading a database as it was at one moment.

use std::ops::Bound;
use std::sync::Arc;

use bson::{RawBsonRef, RawDocumentBuf};
use document::ErrorCode;

use crate::bounds::{Direction, EncodedBounds, IndexBounds};
use crate::catalog::{Catalog, Collection, Index};
use crate::database::DatabaseInner;
use crate::engine::{ReadTransaction, WriteTransaction};
use crate::error::{Error, Result};
use crate::layout;
use crate::record_id::RecordId;
use crate::scan::{IndexEntries, IndexPosition, IndexRecords, Records};

/// What a snapshot reads through.
pub(crate) enum Reads {
    /// A snapshot.
    Snapshot(Box<dyn ReadTransaction>),
    /// A transaction, with its writes.
    Transaction(Box<dyn WriteTransaction>),
}

/// A database as it was when the snapshot was taken: its catalog and its documents. Cheap to
/// take. A long-lived one keeps old versions of documents from being freed.
pub struct Snapshot {
    // Before the database: what reads it is gone before it can close.
    pub(crate) reads: Reads,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) database: Arc<DatabaseInner>,
}

impl Snapshot {
    /// The name of the database.
    pub fn database_name(&self) -> &str {
        &self.database.name
    }

    /// The collections, sorted by name.
    pub fn collections(&self) -> Vec<Arc<Collection>> {
        self.catalog.collections.values().cloned().collect()
    }

    /// The collection with this name.
    pub fn collection(&self, name: &str) -> Option<Arc<Collection>> {
        self.catalog.get(name).cloned()
    }

    /// The collection with this UUID.
    pub fn collection_by_uuid(&self, uuid: uuid::Uuid) -> Option<Arc<Collection>> {
        self.catalog
            .collections
            .values()
            .find(|collection| collection.uuid == uuid)
            .cloned()
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
        let key = layout::record(collection.id, id.as_bytes());
        let Some(bytes) = self.reads().get(&key)? else {
            return Ok(None);
        };
        RawDocumentBuf::from_bytes(bytes)
            .map(Some)
            .map_err(|_| Error::Corruption("a record is not a BSON document".to_owned()))
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
        Records::new(self.reads(), collection.id, direction, low, high)
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
        let entries = self.scan_index_keys(collection, index, bounds, direction, after)?;
        Ok(IndexRecords::new(
            self.reads(),
            collection.id,
            Arc::clone(index),
            entries,
        ))
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
        self.check_index(collection, index)?;
        let bounds = EncodedBounds::new(bounds, &index.spec)?;
        IndexEntries::new(self.reads(), collection.id, index, bounds, direction, after)
    }

    /// Refuses an index that is not of this snapshot: its keys may not all be there.
    fn check_index(&self, collection: &Collection, index: &Index) -> Result<()> {
        let known = self.catalog.get(&collection.name).is_some_and(|known| {
            known.id == collection.id && known.indexes().any(|known| known.id == index.id)
        });
        if known {
            return Ok(());
        }
        Err(Error::refused(
            // What MongoDB answers when an index that a cursor reads was dropped.
            ErrorCode::QueryPlanKilled,
            format!(
                "index '{}' of {} is not one of this snapshot: it was dropped, or is newer",
                index.name(),
                collection.namespace
            ),
        ))
    }

    pub(crate) fn reads(&self) -> &dyn ReadTransaction {
        match &self.reads {
            Reads::Snapshot(snapshot) => &**snapshot,
            Reads::Transaction(transaction) => transaction.as_read(),
        }
    }
}
