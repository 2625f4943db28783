//! Building indexes.
//!
//! 1. The indexes are added in state `Building`, with the collection locked: from here on every
//!    write keeps them.
//! 2. The records are read in batches, each with the collection locked for as long as it takes,
//!    so that no write comes between the reading of a document and the writing of its keys. Writes
//!    get their turn between batches.
//! 3. The indexes become `Ready`, with the collection locked; or, if a key is there twice or a
//!    document cannot be indexed, they are removed.
//!
//! A crash leaves indexes in state `Building`, which are removed when the database is opened.

use std::ops::Bound;
use std::sync::Arc;

use super::DatabaseInner;
use super::ddl::{CreatedIndexes, Locked, new_indexes, remove_indexes, replace};
use crate::bounds::Direction;
use crate::catalog::{Collection, Index, IndexState};
use crate::engine::{Durability, WriteTransaction};
use crate::error::{Error, Result};
use crate::index::{IndexSpec, values_of};
use crate::layout;
use crate::record_id::RecordId;
use crate::scan::Records;
use crate::txn::{duplicate, index_entry};
use document::ErrorCode;

/// A batch ends after so many documents,
const BATCH_DOCUMENTS: usize = 1000;
/// or so many bytes of documents.
const BATCH_BYTES: usize = 4 << 20;

pub(super) async fn create_indexes(
    database: &Arc<DatabaseInner>,
    collection: u32,
    name: &str,
    specifications: &[IndexSpec],
) -> Result<CreatedIndexes> {
    let (building, created) = {
        let _ddl = database.ddl.lock().await;
        let locked = Locked::existing(database, name).await?;
        same(database, &locked, collection)?;
        let before = locked.collection.indexes.len();
        let mut added = new_indexes(database, &locked.collection, specifications)?;
        let created = CreatedIndexes {
            before,
            after: before + added.len(),
        };
        if added.is_empty() {
            return Ok(created);
        }
        let is_empty = is_empty(database, collection)?;
        if is_empty {
            for index in &mut added {
                index.state = IndexState::Ready;
            }
        }
        let mut changed = Collection::clone(&locked.collection);
        changed.next_index += u32::try_from(added.len()).unwrap_or(0);
        let ids: Vec<u32> = added.iter().map(|index| index.id).collect();
        changed.indexes.extend(added.into_iter().map(Arc::new));
        replace(database, changed).await?;
        if is_empty {
            return Ok(created);
        }
        (ids, created)
    };
    let built = build(database, collection, name, &building).await;
    let _ddl = database.ddl.lock().await;
    let locked = match Locked::existing(database, name).await {
        Ok(locked) if locked.collection.id == collection => locked,
        // It was dropped, and the indexes with it.
        _ => return Err(gone(database, name)),
    };
    if let Err(error) = built {
        let left: Vec<u32> = locked
            .collection
            .indexes
            .iter()
            .map(|index| index.id)
            .filter(|id| building.contains(id))
            .collect();
        remove_indexes(database, &locked, &left).await?;
        return Err(error);
    }
    let mut changed = Collection::clone(&locked.collection);
    let mut ready = 0;
    for index in changed
        .indexes
        .iter_mut()
        .filter(|index| building.contains(&index.id))
    {
        *index = Arc::new(Index {
            state: IndexState::Ready,
            ..Index::clone(index)
        });
        ready += 1;
    }
    if ready < building.len() {
        return Err(gone(database, name));
    }
    replace(database, changed).await?;
    Ok(created)
}

fn gone(database: &DatabaseInner, name: &str) -> Error {
    Error::refused(
        ErrorCode::IndexBuildAborted,
        format!(
            "the index build on {} was aborted: the collection or the index was dropped",
            database.namespace(name)
        ),
    )
}

fn same(database: &DatabaseInner, locked: &Locked, collection: u32) -> Result<()> {
    if locked.collection.id == collection {
        return Ok(());
    }
    Err(gone(database, &locked.collection.name))
}

fn is_empty(database: &DatabaseInner, collection: u32) -> Result<bool> {
    let snapshot = database.tree.snapshot()?;
    let mut records = Records::new(
        &*snapshot,
        collection,
        Direction::Forward,
        Bound::Unbounded,
        Bound::Unbounded,
    )?;
    Ok(records.next()?.is_none())
}

async fn build(
    database: &Arc<DatabaseInner>,
    collection: u32,
    name: &str,
    building: &[u32],
) -> Result<()> {
    let mut after = None;
    loop {
        let Some(current) = database.catalogs.current().get(name).cloned() else {
            return Err(gone(database, name));
        };
        let _lock = current.state.lock.write().await;
        // A rename or a drop may have come before the lock.
        let current = database.catalogs.current().get(name).cloned();
        let Some(current) = current.filter(|current| current.id == collection) else {
            return Err(gone(database, name));
        };
        let indexes: Vec<Arc<Index>> = current
            .indexes
            .iter()
            .filter(|index| building.contains(&index.id))
            .cloned()
            .collect();
        if indexes.len() < building.len() {
            return Err(gone(database, name));
        }
        let batch = {
            let (database, current) = (Arc::clone(database), Arc::clone(&current));
            let after = after.take();
            crate::store::blocking(move || read_batch(&database, &current, &indexes, after)).await?
        };
        database
            .commit(batch.transaction, Durability::Eventual)
            .await?;
        for (index, fields) in batch.multikey {
            index.multikey.stored(fields);
        }
        match batch.last {
            Some(last) => after = Some(last),
            None => return Ok(()),
        }
    }
}

struct Batch {
    transaction: Box<dyn WriteTransaction>,
    multikey: Vec<(Arc<Index>, u64)>,
    /// Where the next batch goes on; nothing if this was the last one.
    last: Option<RecordId>,
}

fn read_batch(
    database: &DatabaseInner,
    collection: &Collection,
    indexes: &[Arc<Index>],
    after: Option<RecordId>,
) -> Result<Batch> {
    let snapshot = database.tree.snapshot()?;
    let mut transaction = database.tree.begin()?;
    let mut multikey = vec![0_u64; indexes.len()];
    let low = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
    let mut records = Records::new(
        &*snapshot,
        collection.id,
        Direction::Forward,
        low,
        Bound::Unbounded,
    )?;
    let (mut documents, mut bytes, mut last) = (0, 0, None);
    while let Some(record) = records.next()? {
        let id = record.id();
        for (index, fields) in indexes.iter().zip(&mut multikey) {
            let set = index.keys_of(record.document)?;
            *fields |= set.multikey;
            for key in &set.keys {
                let (entry, value) = index_entry(collection, index, key, &id);
                if index.spec.unique
                    && let Some(holder) = transaction.get(&entry)?
                    && holder != id.as_bytes()
                {
                    let values = values_of(&index.spec, record.document, key);
                    return Err(duplicate(collection, &index.spec, values));
                }
                transaction.put(&entry, value)?;
            }
        }
        documents += 1;
        bytes += record.document.as_bytes().len();
        if documents >= BATCH_DOCUMENTS || bytes >= BATCH_BYTES {
            last = Some(id);
            break;
        }
    }
    let mut shown = Vec::new();
    for (index, fields) in indexes.iter().zip(multikey) {
        if let Some(fields) = index.multikey.show(fields) {
            let key = layout::multikey(collection.id, index.id);
            transaction.put(&key, fields.to_be_bytes().to_vec())?;
            shown.push((Arc::clone(index), fields));
        }
    }
    drop(records);
    Ok(Batch {
        transaction,
        multikey: shown,
        last,
    })
}
