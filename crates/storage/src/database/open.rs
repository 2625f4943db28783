//! Opening a database: reading its catalog, and removing what a crash left half built.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::DatabaseInner;
use crate::catalog::{self, Catalog, Catalogs, Collection, CollectionState};
use crate::count::{CommitClock, Count};
use crate::engine::{Durability, Tree};
use crate::error::{Error, Result};
use crate::gate::CommitGate;
use crate::layout;
use crate::store::Shared;

impl DatabaseInner {
    /// The database in an open tree.
    pub(crate) async fn open(
        name: String,
        tree: Arc<dyn Tree>,
        shared: Arc<Shared>,
        gate: Arc<CommitGate>,
    ) -> Result<Self> {
        let mut catalog = {
            let (name, tree, shared) = (name.clone(), Arc::clone(&tree), Arc::clone(&shared));
            crate::store::blocking(move || read_catalog(&name, &*tree, &shared)).await?
        };
        let next = next_collection(&*tree, &catalog)?;
        remove_unfinished_indexes(&*tree, &mut catalog).await?;
        Ok(Self {
            name,
            tree,
            catalogs: Catalogs::new(catalog),
            clock: CommitClock::default(),
            gate,
            ddl: tokio::sync::Mutex::new(next),
            unsynced: AtomicBool::new(false),
            shared,
        })
    }
}

fn read_catalog(name: &str, tree: &dyn Tree, shared: &Shared) -> Result<Catalog> {
    let snapshot = tree.snapshot()?;
    let (start, end) = layout::catalog_range();
    let mut cursor = snapshot.cursor(&start, &end)?;
    let mut catalog = Catalog::default();
    let mut more = cursor.first()?;
    while more {
        let id = layout::number_of(cursor.key())
            .ok_or_else(|| Error::Corruption("a key of the catalog is damaged".to_owned()))?;
        let state = CollectionState::new(Count::load(&*snapshot, id)?);
        let compiler = shared.options.partial_filters.as_ref();
        let collection = catalog::decode(id, cursor.value()?, name, state, compiler, |index| {
            let stored = snapshot.get(&layout::multikey(id, index))?;
            let bytes = stored.as_deref().and_then(<[u8]>::first_chunk);
            Ok(bytes.map_or(0, |bytes| u64::from_be_bytes(*bytes)))
        })?;
        catalog
            .collections
            .insert(collection.name.clone(), Arc::new(collection));
        more = cursor.next()?;
    }
    Ok(catalog)
}

fn next_collection(tree: &dyn Tree, catalog: &Catalog) -> Result<u32> {
    let stored = tree.snapshot()?.get(&layout::catalog_sequence())?;
    let stored = stored.as_deref().and_then(<[u8]>::first_chunk);
    let stored = stored.map_or(1, |bytes| u32::from_be_bytes(*bytes));
    let used = catalog
        .collections
        .values()
        .map(|collection| collection.id.saturating_add(1))
        .max();
    Ok(stored.max(used.unwrap_or(1)))
}

/// An index that was being built when the process ended is gone: as if it had not been asked for.
async fn remove_unfinished_indexes(tree: &dyn Tree, catalog: &mut Catalog) -> Result<()> {
    let mut transaction = tree.begin()?;
    let mut is_dirty = false;
    for collection in catalog.collections.values_mut() {
        let unfinished: Vec<u32> = collection
            .indexes
            .iter()
            .filter(|i| !i.is_ready())
            .map(|i| i.id)
            .collect();
        if unfinished.is_empty() {
            continue;
        }
        for &index in &unfinished {
            super::ddl::delete_index(&mut *transaction, collection.id, index)?;
        }
        let mut finished = Collection::clone(collection);
        finished.indexes.retain(|index| index.is_ready());
        transaction.put(
            &layout::catalog_collection(finished.id),
            catalog::encode(&finished),
        )?;
        *collection = Arc::new(finished);
        is_dirty = true;
    }
    if is_dirty {
        transaction.commit(Durability::Immediate).await?;
    }
    Ok(())
}
