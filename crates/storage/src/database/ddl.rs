//! Changing the catalog: collections and indexes.
//!
//! Every change holds the database's catalog lock, and the lock of each collection that it
//! changes, alone: no transaction that knows the collection as it was is under way. What returns
//! is durable. The changes run as tasks of their own, so that a caller that goes away does not
//! leave one half done.

use std::sync::Arc;

use bson::RawDocument;
use document::ErrorCode;
use document::limits::MAX_INDEXES;
use tokio::sync::OwnedRwLockWriteGuard;

use super::{Database, DatabaseInner, build};
use crate::catalog::{self, Collection, CollectionState, Index, IndexState};
use crate::engine::{Durability, WriteTransaction};
use crate::error::{Error, Result};
use crate::index::IndexSpec;
use crate::layout;

/// So many keys are deleted one by one.
const FEW_KEYS: usize = 500;

/// What creating indexes did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreatedIndexes {
    /// How many indexes the collection had before.
    pub before: usize,
    /// How many it has now.
    pub after: usize,
}

impl Database {
    /// Creates a collection with its `_id_` index. `options` are kept as they are.
    /// [`NamespaceExists`](Error::NamespaceExists) if it is there.
    pub async fn create_collection(
        &self,
        name: &str,
        options: &RawDocument,
    ) -> Result<Arc<Collection>> {
        let (name, options) = (name.to_owned(), options.to_owned());
        self.run(async move |database| {
            let mut next = database.ddl.lock().await;
            if database.catalogs.current().get(&name).is_some() {
                return Err(Error::NamespaceExists {
                    namespace: database.namespace(&name),
                });
            }
            create(&database, &mut next, &name, &options).await
        })
        .await
    }

    /// The collection with this name, created without options if it is not there: what the
    /// first insert does.
    pub async fn collection_or_create(&self, name: &str) -> Result<Arc<Collection>> {
        if let Some(collection) = self.collection(name) {
            return Ok(collection);
        }
        let name = name.to_owned();
        self.run(async move |database| {
            let mut next = database.ddl.lock().await;
            if let Some(collection) = database.catalogs.current().get(&name) {
                return Ok(Arc::clone(collection));
            }
            create(&database, &mut next, &name, &bson::RawDocumentBuf::new()).await
        })
        .await
    }

    /// Drops a collection with all it holds. `false` if it is not there.
    pub async fn drop_collection(&self, name: &str) -> Result<bool> {
        let name = name.to_owned();
        self.run(async move |database| {
            let _ddl = database.ddl.lock().await;
            let Some(locked) = Locked::find(&database, &name).await else {
                return Ok(false);
            };
            let mut transaction = database.tree.begin()?;
            delete_collection(&mut *transaction, &locked.collection)?;
            database.catalogs.update(|catalog| {
                catalog.collections.remove(&name);
            });
            let committed = database.commit(transaction, Durability::Immediate).await;
            if committed.is_err() {
                locked.show(&database);
            }
            committed.map(|()| true)
        })
        .await
    }

    /// Gives a collection another name, in this database. With `drop_target` a collection that
    /// has the name already is dropped in the same step.
    pub async fn rename_collection(&self, from: &str, to: &str, drop_target: bool) -> Result<()> {
        let (from, to) = (from.to_owned(), to.to_owned());
        self.run(async move |database| {
            let _ddl = database.ddl.lock().await;
            if from == to {
                return Err(Error::refused(
                    ErrorCode::IllegalOperation,
                    "Can't rename a collection to itself",
                ));
            }
            let Some(source) = Locked::find(&database, &from).await else {
                return Err(Error::NamespaceNotFound {
                    namespace: database.namespace(&from),
                });
            };
            let target = Locked::find(&database, &to).await;
            if target.is_some() && !drop_target {
                return Err(Error::NamespaceExists {
                    namespace: database.namespace(&to),
                });
            }
            let mut renamed = Collection::clone(&source.collection);
            renamed.namespace = database.namespace(&to);
            renamed.name = to;
            let mut transaction = database.tree.begin()?;
            if let Some(target) = &target {
                delete_collection(&mut *transaction, &target.collection)?;
            }
            let key = layout::catalog_collection(renamed.id);
            transaction.put(&key, catalog::encode(&renamed))?;
            let renamed = Arc::new(renamed);
            database.catalogs.update(|catalog| {
                catalog.collections.remove(&from);
                catalog
                    .collections
                    .insert(renamed.name.clone(), Arc::clone(&renamed));
            });
            let committed = database.commit(transaction, Durability::Immediate).await;
            if committed.is_err() {
                database.catalogs.update(|catalog| {
                    catalog.collections.remove(&renamed.name);
                });
                source.show(&database);
                if let Some(target) = target {
                    target.show(&database);
                }
            }
            committed
        })
        .await
    }

    /// Replaces the options of a collection: what `collMod` does.
    pub async fn set_collection_options(&self, name: &str, options: &RawDocument) -> Result<()> {
        let (name, options) = (name.to_owned(), options.to_owned());
        self.run(async move |database| {
            let _ddl = database.ddl.lock().await;
            let locked = Locked::existing(&database, &name).await?;
            let mut changed = Collection::clone(&locked.collection);
            changed.options = options;
            replace(&database, changed).await
        })
        .await
    }

    /// Creates indexes and builds them, all or none. Those that are there, with the same
    /// specification, are left alone. Writes go on while they are built.
    pub async fn create_indexes(
        &self,
        collection: &str,
        specifications: &[IndexSpec],
    ) -> Result<CreatedIndexes> {
        let (name, specifications) = (collection.to_owned(), specifications.to_vec());
        self.run(async move |database| {
            let found = database.catalogs.current().get(&name).cloned();
            let Some(found) = found else {
                return Err(Error::NamespaceNotFound {
                    namespace: database.namespace(&name),
                });
            };
            // One after the other, so that the same index asked for twice is waited for.
            let _build = Arc::clone(&found.state.builds).lock_owned().await;
            build::create_indexes(&database, found.id, &name, &specifications).await
        })
        .await
    }

    /// Drops an index by its name. `_id_` is refused.
    pub async fn drop_index(&self, collection: &str, index: &str) -> Result<()> {
        let (name, index) = (collection.to_owned(), index.to_owned());
        self.run(async move |database| {
            let _ddl = database.ddl.lock().await;
            let locked = Locked::existing(&database, &name).await?;
            let Some(found) = locked.collection.index(&index) else {
                return Err(Error::IndexNotFound { name: index });
            };
            if found.is_id_index() {
                return Err(Error::refused(
                    ErrorCode::InvalidOptions,
                    "cannot drop _id index",
                ));
            }
            remove_indexes(&database, &locked, &[found.id]).await
        })
        .await
    }

    /// Replaces the specification of an index by one with the same key pattern, name and
    /// uniqueness: what `collMod` does to `hidden` and `expireAfterSeconds`.
    pub async fn modify_index(&self, collection: &str, specification: &IndexSpec) -> Result<()> {
        let (name, specification) = (collection.to_owned(), specification.clone());
        self.run(async move |database| {
            let _ddl = database.ddl.lock().await;
            let locked = Locked::existing(&database, &name).await?;
            let mut changed = Collection::clone(&locked.collection);
            let found = changed
                .indexes
                .iter_mut()
                .find(|i| i.name() == specification.name);
            let Some(found) = found else {
                return Err(Error::IndexNotFound {
                    name: specification.name,
                });
            };
            if found.is_id_index()
                || !found.spec.is_equivalent(&specification)
                || found.spec.unique != specification.unique
            {
                return Err(Error::refused(
                    ErrorCode::InvalidOptions,
                    "only 'hidden' and 'expireAfterSeconds' of an index can be changed, and \
                     nothing of '_id_'",
                ));
            }
            *found = Arc::new(Index {
                spec: specification,
                ..Index::clone(found)
            });
            replace(&database, changed).await
        })
        .await
    }

    /// Runs a change to its end, whether or not somebody waits for it.
    async fn run<T, F, C>(&self, change: C) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
        C: FnOnce(Arc<DatabaseInner>) -> F,
    {
        let task = tokio::spawn(change(Arc::clone(&self.inner)));
        // A panic of the change is one of the caller; the runtime's end is the database's.
        task.await
            .unwrap_or_else(|error| match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(Error::Closed),
            })
    }
}

/// A collection that nobody writes.
pub(super) struct Locked {
    pub(super) collection: Arc<Collection>,
    _lock: OwnedRwLockWriteGuard<()>,
}

impl Locked {
    /// The collection as it is now, locked. To be called with the catalog lock held.
    pub(super) async fn find(database: &DatabaseInner, name: &str) -> Option<Self> {
        let collection = database.catalogs.current().get(name).cloned()?;
        let lock = Arc::clone(&collection.state.lock).write_owned().await;
        Some(Self {
            collection,
            _lock: lock,
        })
    }

    pub(super) async fn existing(database: &DatabaseInner, name: &str) -> Result<Self> {
        let found = Self::find(database, name).await;
        found.ok_or_else(|| Error::NamespaceNotFound {
            namespace: database.namespace(name),
        })
    }

    /// Shows the collection again that was hidden in vain.
    fn show(&self, database: &DatabaseInner) {
        database.catalogs.update(|catalog| {
            catalog
                .collections
                .insert(self.collection.name.clone(), Arc::clone(&self.collection));
        });
    }
}

async fn create(
    database: &DatabaseInner,
    next: &mut u32,
    name: &str,
    options: &RawDocument,
) -> Result<Arc<Collection>> {
    let collection = Collection {
        id: *next,
        name: name.to_owned(),
        namespace: database.namespace(name),
        uuid: uuid::Uuid::new_v4(),
        options: options.to_owned(),
        indexes: vec![Arc::new(Index::id_index())],
        next_index: 1,
        state: Arc::new(CollectionState::default()),
    };
    // The last number would have no number after it to end its range.
    let after = next
        .checked_add(1)
        .filter(|after| *after < u32::MAX)
        .ok_or_else(|| {
            Error::refused(
                ErrorCode::OperationFailed,
                "this database has used up its collections",
            )
        })?;
    let mut transaction = database.tree.begin()?;
    transaction.put(&layout::catalog_sequence(), after.to_be_bytes().to_vec())?;
    let key = layout::catalog_collection(collection.id);
    transaction.put(&key, catalog::encode(&collection))?;
    database.commit(transaction, Durability::Immediate).await?;
    *next = after;
    let collection = Arc::new(collection);
    database.catalogs.update(|catalog| {
        catalog
            .collections
            .insert(name.to_owned(), Arc::clone(&collection));
    });
    Ok(collection)
}

/// Stores and shows a changed collection, which is locked.
pub(super) async fn replace(database: &DatabaseInner, changed: Collection) -> Result<()> {
    let mut transaction = database.tree.begin()?;
    let key = layout::catalog_collection(changed.id);
    transaction.put(&key, catalog::encode(&changed))?;
    database.commit(transaction, Durability::Immediate).await?;
    let changed = Arc::new(changed);
    database.catalogs.update(|catalog| {
        catalog.collections.insert(changed.name.clone(), changed);
    });
    Ok(())
}

/// Removes indexes of a locked collection with their keys.
pub(super) async fn remove_indexes(
    database: &DatabaseInner,
    locked: &Locked,
    indexes: &[u32],
) -> Result<()> {
    let mut changed = Collection::clone(&locked.collection);
    changed.indexes.retain(|index| !indexes.contains(&index.id));
    let mut transaction = database.tree.begin()?;
    for &index in indexes {
        delete_index(&mut *transaction, changed.id, index)?;
    }
    let key = layout::catalog_collection(changed.id);
    transaction.put(&key, catalog::encode(&changed))?;
    let changed = Arc::new(changed);
    database.catalogs.update(|catalog| {
        catalog.collections.insert(changed.name.clone(), changed);
    });
    let committed = database.commit(transaction, Durability::Immediate).await;
    if committed.is_err() {
        locked.show(database);
    }
    committed
}

fn delete_collection(
    transaction: &mut dyn WriteTransaction,
    collection: &Collection,
) -> Result<()> {
    let (start, end) = layout::collection_range(collection.id);
    delete_all(transaction, &start, &end)?;
    transaction.delete(&layout::catalog_collection(collection.id))
}

/// Deletes every key of a range, which nobody writes. A few are deleted one by one: the tombstone
/// of a range costs every read of the tree a little until it is compacted away.
fn delete_all(transaction: &mut dyn WriteTransaction, start: &[u8], end: &[u8]) -> Result<()> {
    let mut keys = Vec::new();
    {
        let mut cursor = transaction.cursor(start, end)?;
        let mut more = cursor.first()?;
        while more {
            if keys.len() == FEW_KEYS {
                drop(cursor);
                return transaction.delete_range(start, end);
            }
            keys.push(cursor.key().to_vec());
            more = cursor.next()?;
        }
    }
    keys.iter().try_for_each(|key| transaction.delete(key))
}

/// Deletes what the tree holds of an index.
pub(super) fn delete_index(
    transaction: &mut dyn WriteTransaction,
    collection: u32,
    index: u32,
) -> Result<()> {
    let (start, end) = layout::index_range(collection, index);
    delete_all(transaction, &start, &end)?;
    transaction.delete(&layout::multikey(collection, index))
}

/// The indexes of `specifications` that are not there, as they are to be added.
pub(super) fn new_indexes(
    database: &DatabaseInner,
    collection: &Collection,
    specifications: &[IndexSpec],
) -> Result<Vec<Index>> {
    let mut added: Vec<Index> = Vec::new();
    for spec in specifications {
        let there = collection.indexes.iter().map(|index| &index.spec);
        let mut known = there.chain(added.iter().map(|index| &index.spec));
        if known
            .clone()
            .any(|known| known.is_identical(spec) || known.is_id_index() && spec.is_id_index())
        {
            continue;
        }
        if let Some(known) =
            known.find(|known| known.name == spec.name || known.is_equivalent(spec))
        {
            return Err(conflict(known, spec));
        }
        if collection.indexes.len() + added.len() >= MAX_INDEXES {
            return Err(Error::refused(
                ErrorCode::CannotCreateIndex,
                format!(
                    "add index fails, too many indexes for {}: the most is {MAX_INDEXES}",
                    collection.namespace
                ),
            ));
        }
        let id = u32::try_from(added.len())
            .ok()
            .and_then(|n| collection.next_index.checked_add(n));
        added.push(Index {
            id: id.filter(|id| *id < u32::MAX).ok_or_else(|| {
                Error::refused(
                    ErrorCode::OperationFailed,
                    "this collection has used up its indexes",
                )
            })?,
            spec: spec.clone(),
            state: IndexState::Building,
            partial: catalog::compile(spec, database.shared.options.partial_filters.as_ref())?,
            multikey: Arc::default(),
        });
    }
    Ok(added)
}

fn conflict(known: &IndexSpec, wanted: &IndexSpec) -> Error {
    if known.is_equivalent(wanted) {
        let message = if known.name == wanted.name {
            format!(
                "An equivalent index already exists with the same name but different options: \
                 '{}'. Drop it first, or change it with collMod.",
                known.name
            )
        } else {
            format!("Index already exists with a different name: {}", known.name)
        };
        return Error::refused(ErrorCode::IndexOptionsConflict, message);
    }
    Error::refused(
        ErrorCode::IndexKeySpecsConflict,
        format!(
            "An existing index has the same name as the requested index: '{}', with another key \
             pattern or other options. When index names are not specified, they are auto \
             generated and can cause conflicts.",
            known.name
        ),
    )
}
