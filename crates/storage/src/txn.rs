//! Writing to a database: a transaction that keeps every index.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use bson::{RawBsonRef, RawDocument, RawDocumentBuf};
use document::ErrorCode;
use document::limits::MAX_DOCUMENT_BYTES;
use smallvec::SmallVec;
use tokio::sync::OwnedRwLockReadGuard;

use crate::catalog::{Collection, Index};
use crate::count::{Lease, Tally};
use crate::engine::{Durability, WriteTransaction};
use crate::error::{DuplicateKey, Error, Result};
use crate::index::{KeySet, KeyValues, values_of};
use crate::layout::{self, Key};
use crate::record_id::RecordId;
use crate::snapshot::{Reads, Snapshot};

/// A transaction on one database. Reads (it is a [`Snapshot`] too) see its own writes. Dropping
/// it undoes it.
///
/// A write that fails leaves the transaction as it was before it: go on, or commit what is there.
pub struct Txn {
    snapshot: Snapshot,
    /// When it began, by the database's commit clock.
    began: u64,
    /// The collections it may write.
    held: SmallVec<[Held; 1]>,
    is_dirty: bool,
}

/// A collection that the transaction writes.
struct Held {
    collection: Arc<Collection>,
    /// By how much its documents change in number and size.
    delta: Tally,
    /// Indexes that become multikey, and in which fields.
    multikey: Vec<(Arc<Index>, u64)>,
    _lock: OwnedRwLockReadGuard<()>,
}

impl Txn {
    pub(crate) fn new(snapshot: Snapshot, began: u64) -> Self {
        Self {
            snapshot,
            began,
            held: SmallVec::new(),
            is_dirty: false,
        }
    }

    /// The collection with this name, for writing: until the transaction ends, no index of it is
    /// added and it is not dropped. Waits for those that are at it.
    ///
    /// [`WriteConflict`](crate::Error::WriteConflict) if the collection changed since the
    /// transaction began (begin again), [`NamespaceNotFound`](crate::Error::NamespaceNotFound) if
    /// it does not exist, [`LockTimeout`](crate::Error::LockTimeout) if the transaction has locked
    /// another collection already and this one is not free soon.
    pub async fn collection_for_write(&mut self, name: &str) -> Result<Arc<Collection>> {
        if let Some(held) = self.held.iter().find(|held| held.collection.name == name) {
            return Ok(Arc::clone(&held.collection));
        }
        let database = &self.snapshot.database;
        let collection = self.snapshot.catalog.get(name).cloned();
        let Some(collection) = collection else {
            return Err(match database.catalogs.current().get(name) {
                Some(_) => Error::WriteConflict,
                None => Error::NamespaceNotFound {
                    namespace: database.namespace(name),
                },
            });
        };
        let lock = Arc::clone(&collection.state.lock).read_owned();
        let lock = if self.held.is_empty() {
            lock.await
        } else {
            // Two transactions and a drop that wait for each other would wait for ever.
            let limit = database.shared.options.lock_timeout;
            tokio::time::timeout(limit, lock)
                .await
                .map_err(|_| lock_timeout(&collection, limit))?
        };
        self.hold(Arc::clone(&collection), lock)?;
        Ok(collection)
    }

    /// Takes a collection whose lock is held.
    pub(crate) fn hold(
        &mut self,
        collection: Arc<Collection>,
        lock: OwnedRwLockReadGuard<()>,
    ) -> Result<()> {
        let is_current = self.snapshot.database.catalogs.current().holds(&collection);
        if !is_current || !self.snapshot.catalog.holds(&collection) {
            return Err(Error::WriteConflict);
        }
        self.held.push(Held {
            collection,
            delta: Tally::default(),
            multikey: Vec::new(),
            _lock: lock,
        });
        Ok(())
    }

    /// Inserts a document, which has an `_id`.
    /// [`DuplicateKey`](crate::Error::DuplicateKey) if the `_id` or a unique key is there.
    pub fn insert(&mut self, collection: &Collection, document: &RawDocument) -> Result<RecordId> {
        let collection = &*self.current(collection)?;
        let id = checked_id(document)?;
        let record = RecordId::new(id)?;
        let key = layout::record(collection.id, record.as_bytes());
        if self.reads().get(&key)?.is_some() {
            let values = bson::rawdoc! { "_id": bson::RawBson::from(id) };
            return Err(duplicate(collection, &crate::IndexSpec::id_index(), values));
        }
        let mut change = Change::default();
        for index in collection.secondary_indexes() {
            let keys = index.keys_of(document)?;
            self.add_keys(collection, index, keys, document, &record, &mut change)?;
        }
        change.puts.push((key, document.as_bytes().to_vec()));
        self.apply(collection, change, Tally::of(document.as_bytes()))?;
        Ok(record)
    }

    /// Replaces the document of a record by another one with the same `_id`. `false` if there is
    /// none. [`replace_known`](Self::replace_known) saves the read of the old document.
    pub fn replace(
        &mut self,
        collection: &Collection,
        id: &RecordId,
        document: &RawDocument,
    ) -> Result<bool> {
        let Some(old) = self.get_record(collection, id)? else {
            return Ok(false);
        };
        self.replace_known(collection, id, &old, document)?;
        Ok(true)
    }

    /// As [`replace`](Self::replace), with the old document at hand: as this transaction read it.
    pub fn replace_known(
        &mut self,
        collection: &Collection,
        id: &RecordId,
        old: &RawDocument,
        document: &RawDocument,
    ) -> Result<()> {
        let collection = &*self.current(collection)?;
        if RecordId::new(checked_id(document)?)? != *id {
            return Err(Error::BadDocument {
                code: ErrorCode::ImmutableField,
                message: "the _id of a document cannot be changed: delete it and insert another",
            });
        }
        let mut change = Change::default();
        for index in collection.secondary_indexes() {
            let old_keys = index.keys_of(old)?.keys;
            let mut new_keys = index.keys_of(document)?;
            for key in &old_keys {
                if new_keys.keys.binary_search(key).is_err() {
                    change
                        .deletes
                        .push(index_entry(collection, index, key, id).0);
                }
            }
            new_keys
                .keys
                .retain(|key| old_keys.binary_search(key).is_err());
            self.add_keys(collection, index, new_keys, document, id, &mut change)?;
        }
        let key = layout::record(collection.id, id.as_bytes());
        change.puts.push((key, document.as_bytes().to_vec()));
        let delta = Tally::of(document.as_bytes()) - Tally::of(old.as_bytes());
        self.apply(collection, change, delta)
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
        let Some(old) = self.get_record(collection, id)? else {
            return Ok(None);
        };
        self.delete_known(collection, id, &old)?;
        Ok(Some(old))
    }

    /// As [`delete_record`](Self::delete_record), with the document at hand: as this transaction
    /// read it.
    pub fn delete_known(
        &mut self,
        collection: &Collection,
        id: &RecordId,
        old: &RawDocument,
    ) -> Result<()> {
        let collection = &*self.current(collection)?;
        let mut change = Change::default();
        for index in collection.secondary_indexes() {
            for key in index.keys_of(old)?.keys {
                change
                    .deletes
                    .push(index_entry(collection, index, &key, id).0);
            }
        }
        change
            .deletes
            .push(layout::record(collection.id, id.as_bytes()));
        self.apply(
            collection,
            change,
            Tally::default() - Tally::of(old.as_bytes()),
        )
    }

    /// Makes the commit fail with a conflict if another transaction writes this record.
    pub fn lock_record(&mut self, collection: &Collection, id: &RecordId) -> Result<()> {
        self.held(collection)?;
        self.is_dirty = true;
        let key = layout::record(collection.id, id.as_bytes());
        self.writes()?.lock(&key)
    }

    /// Whether anything was written or locked: whether there is something to commit.
    pub fn is_dirty(&self) -> bool {
        self.is_dirty
    }

    /// Applies the writes, all or none. [`WriteConflict`](crate::Error::WriteConflict) if another
    /// transaction wrote one of the same documents first. Cancelling the future leaves open
    /// whether they were applied.
    pub async fn commit(self, durability: Durability) -> Result<()> {
        let Self {
            snapshot,
            began,
            held,
            is_dirty,
        } = self;
        let Snapshot {
            reads,
            database,
            catalog: _,
        } = snapshot;
        let Reads::Transaction(mut transaction) = reads else {
            return Err(Error::Closed);
        };
        if !is_dirty {
            return Ok(());
        }
        let mut leases = SmallVec::<[_; 1]>::new();
        let mut multikey = SmallVec::<[_; 1]>::new();
        for held in &held {
            let collection = &held.collection;
            for (index, fields) in &held.multikey {
                if let Some(fields) = index.multikey.show(*fields) {
                    let key = layout::multikey(collection.id, index.id);
                    transaction.put(&key, fields.to_be_bytes().to_vec())?;
                    multikey.push((index, fields));
                }
            }
            if !held.delta.is_zero() {
                leases.push(collection.state.count.add(
                    &database.clock,
                    &mut *transaction,
                    collection.id,
                    began,
                    held.delta,
                )?);
            }
        }
        let committed = database.commit(transaction, durability).await;
        match &committed {
            Ok(()) => {
                for (index, fields) in multikey {
                    index.multikey.stored(fields);
                }
                leases.into_iter().for_each(Lease::committed);
            }
            Err(Error::WriteConflict | Error::TransactionTooLarge) => {
                leases.into_iter().for_each(Lease::aborted);
            }
            // Nobody knows, until the database is opened again.
            Err(_) => drop(leases),
        }
        committed
    }

    /// Plans the keys that a document gains in an index, and checks that they may be.
    fn add_keys(
        &self,
        collection: &Collection,
        index: &Arc<Index>,
        keys: KeySet,
        document: &RawDocument,
        record: &RecordId,
        change: &mut Change,
    ) -> Result<()> {
        for key in &keys.keys {
            let (entry, value) = index_entry(collection, index, key, record);
            if index.spec.unique
                && let Some(holder) = self.reads().get(&entry)?
                && holder != record.as_bytes()
            {
                let values = values_of(&index.spec, document, key);
                return Err(duplicate(collection, &index.spec, values));
            }
            change.puts.push((entry, value));
        }
        if index.multikey.is_pending(keys.multikey) {
            change.multikey.push((Arc::clone(index), keys.multikey));
        }
        Ok(())
    }

    /// Does what was planned: nothing of it can be refused any more.
    fn apply(&mut self, collection: &Collection, change: Change, delta: Tally) -> Result<()> {
        let held = self.held(collection)?;
        held.delta = held.delta + delta;
        for (index, fields) in change.multikey {
            // From now on this transaction's own reads meet the index so.
            index.multikey.show(fields);
            match held
                .multikey
                .iter_mut()
                .find(|(known, _)| known.id == index.id)
            {
                Some((_, known)) => *known |= fields,
                None => held.multikey.push((index, fields)),
            }
        }
        self.is_dirty = true;
        let writes = self.writes()?;
        for key in change.deletes {
            writes.delete(&key)?;
        }
        for (key, value) in change.puts {
            writes.put(&key, value)?;
        }
        Ok(())
    }

    /// The version of a collection that is written: with all its indexes, whichever version the
    /// caller has.
    fn current(&mut self, collection: &Collection) -> Result<Arc<Collection>> {
        self.held(collection)
            .map(|held| Arc::clone(&held.collection))
    }

    fn held(&mut self, collection: &Collection) -> Result<&mut Held> {
        self.held
            .iter_mut()
            .find(|held| held.collection.id == collection.id)
            .ok_or_else(|| {
                Error::refused(
                    ErrorCode::IllegalOperation,
                    format!(
                        "{} was not opened for writing by this transaction",
                        collection.namespace
                    ),
                )
            })
    }

    fn writes(&mut self) -> Result<&mut dyn WriteTransaction> {
        match &mut self.snapshot.reads {
            Reads::Transaction(transaction) => Ok(&mut **transaction),
            Reads::Snapshot(_) => Err(Error::Closed),
        }
    }
}

impl Deref for Txn {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        &self.snapshot
    }
}

/// What one write does, before any of it is done.
#[derive(Default)]
struct Change {
    deletes: SmallVec<[Key; 4]>,
    puts: SmallVec<[(Key, Vec<u8>); 4]>,
    multikey: Vec<(Arc<Index>, u64)>,
}

/// The entry of a key in an index: its key and its value.
pub(crate) fn index_entry(
    collection: &Collection,
    index: &Index,
    values: &KeyValues,
    record: &RecordId,
) -> (Key, Vec<u8>) {
    let mut key = layout::index(collection.id, index.id);
    key.extend_from_slice(values);
    if index.spec.unique {
        return (key, record.as_bytes().to_vec());
    }
    key.extend_from_slice(record.as_bytes());
    // The lengths of documents have 31 bits.
    let at = u32::try_from(values.len()).unwrap_or(u32::MAX);
    (key, at.to_be_bytes().to_vec())
}

pub(crate) fn duplicate(
    collection: &Collection,
    spec: &crate::IndexSpec,
    key_value: RawDocumentBuf,
) -> Error {
    Error::DuplicateKey(Box::new(DuplicateKey {
        namespace: collection.namespace.clone(),
        index: spec.name.clone(),
        key_pattern: spec.key_pattern().to_owned(),
        key_value,
    }))
}

fn lock_timeout(collection: &Collection, waited: Duration) -> Error {
    Error::LockTimeout {
        namespace: collection.namespace.clone(),
        waited_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
    }
}

/// The `_id` of a document that can be stored.
fn checked_id(document: &RawDocument) -> Result<RawBsonRef<'_>> {
    let bad = |code, message| Err(Error::BadDocument { code, message });
    if document.as_bytes().len() > MAX_DOCUMENT_BYTES {
        return bad(
            ErrorCode::BSONObjectTooLarge,
            "object to insert is larger than 16 MiB",
        );
    }
    match document.get("_id").ok().flatten() {
        None => bad(ErrorCode::InvalidIdField, "the document has no '_id' field"),
        Some(RawBsonRef::Array(_)) => bad(
            ErrorCode::InvalidIdField,
            "The '_id' value cannot be of type array",
        ),
        Some(RawBsonRef::RegularExpression(_)) => bad(
            ErrorCode::InvalidIdField,
            "The '_id' value cannot be of type regex",
        ),
        Some(RawBsonRef::Undefined) => bad(
            ErrorCode::InvalidIdField,
            "The '_id' value cannot be of type undefined",
        ),
        Some(id) => Ok(id),
    }
}
