//! Writing to a database: a transaction that keeps every index.

use std::ops::Deref;
use std::sync::Arc;

use bson::{RawBsonRef, RawDocument, RawDocumentBuf};

use crate::catalog::Collection;
use crate::engine::Durability;
use crate::error::Result;
use crate::record_id::RecordId;
use crate::snapshot::Snapshot;

/// A transaction on one database. Reads (it is a [`Snapshot`] too) see its own writes. Dropping
/// it undoes it.
///
/// A write that fails leaves the transaction as it was before it: go on, or commit what is there.
pub struct Txn {
    snapshot: Snapshot,
}

impl Txn {
    /// The collection with this name, for writing: until the transaction ends, no index of it is
    /// added and it is not dropped. Waits for those that are at it.
    ///
    /// [`WriteConflict`](crate::Error::WriteConflict) if the collection changed since the
    /// transaction began (begin again), [`NamespaceNotFound`](crate::Error::NamespaceNotFound) if
    /// it does not exist, [`LockTimeout`](crate::Error::LockTimeout) if the transaction has locked
    /// another collection already and this one is not free soon.
    pub async fn collection_for_write(&mut self, name: &str) -> Result<Arc<Collection>> {
        let _ = name;
        todo!()
    }

    /// Inserts a document, which has an `_id`.
    /// [`DuplicateKey`](crate::Error::DuplicateKey) if the `_id` or a unique key is there.
    pub fn insert(&mut self, collection: &Collection, document: &RawDocument) -> Result<RecordId> {
        let _ = (collection, document);
        todo!()
    }

    /// Replaces the document of a record by another one with the same `_id`. `false` if there is
    /// none. [`replace_known`](Self::replace_known) saves the read of the old document.
    pub fn replace(
        &mut self,
        collection: &Collection,
        id: &RecordId,
        document: &RawDocument,
    ) -> Result<bool> {
        let _ = (collection, id, document);
        todo!()
    }

    /// As [`replace`](Self::replace), with the old document at hand: as this transaction read it.
    pub fn replace_known(
        &mut self,
        collection: &Collection,
        id: &RecordId,
        old: &RawDocument,
        document: &RawDocument,
    ) -> Result<()> {
        let _ = (collection, id, old, document);
        todo!()
    }

    /// Deletes the document with this `_id`, and says whether it was there.
    pub fn delete(&mut self, collection: &Collection, id: RawBsonRef<'_>) -> Result<bool> {
        self.delete_record(collection, &RecordId::new(id)?)
            .map(|old| old.is_some())
    }

    /// Deletes a record, and gives the document that it was.
    pub fn delete_record(
        &mut self,
        collection: &Collection,
        id: &RecordId,
    ) -> Result<Option<RawDocumentBuf>> {
        let _ = (collection, id);
        todo!()
    }

    /// As [`delete_record`](Self::delete_record), with the document at hand: as this transaction
    /// read it.
    pub fn delete_known(
        &mut self,
        collection: &Collection,
        id: &RecordId,
        old: &RawDocument,
    ) -> Result<()> {
        let _ = (collection, id, old);
        todo!()
    }

    /// Makes the commit fail with a conflict if another transaction writes this record.
    pub fn lock_record(&mut self, collection: &Collection, id: &RecordId) -> Result<()> {
        let _ = (collection, id);
        todo!()
    }

    /// Whether anything was written.
    pub fn is_dirty(&self) -> bool {
        todo!()
    }

    /// Applies the writes, all or none. [`WriteConflict`](crate::Error::WriteConflict) if another
    /// transaction wrote one of the same documents first. Cancelling the future leaves open
    /// whether they were applied.
    pub async fn commit(self, durability: Durability) -> Result<()> {
        let _ = durability;
        todo!()
    }
}

impl Deref for Txn {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        &self.snapshot
    }
}
