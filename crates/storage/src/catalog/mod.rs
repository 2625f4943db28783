//! Collections and indexes of a database: kept in the tree with their data, changed in the same
//! transactions, and held in memory as immutable, shared versions.
//!
//! A snapshot must not see an index that is newer than itself (its keys would be missing) or one
//! that is gone. So what adds to the catalog is committed first and shown afterwards, what removes
//! is hidden first and committed afterwards, and a reader that takes the catalog, then a snapshot,
//! and finds the catalog unchanged has two that fit ([`Catalogs::with_current`]).

mod collection;
mod index;
mod record;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;

pub use collection::Collection;
pub(crate) use collection::CollectionState;
pub use index::{Index, IndexState};
pub(crate) use record::{compile, decode, encode};

use crate::error::Result;

/// One version of the catalog.
#[derive(Debug, Default, Clone)]
pub(crate) struct Catalog {
    pub(crate) collections: BTreeMap<String, Arc<Collection>>,
}

impl Catalog {
    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Collection>> {
        self.collections.get(name)
    }

    /// Whether `collection` is in this version, unchanged.
    pub(crate) fn holds(&self, collection: &Arc<Collection>) -> bool {
        self.get(&collection.name)
            .is_some_and(|held| Arc::ptr_eq(held, collection))
    }
}

/// The versions of the catalog: the current one, and how it is replaced.
#[derive(Debug)]
pub(crate) struct Catalogs {
    current: RwLock<Arc<Catalog>>,
}

impl Catalogs {
    pub(crate) fn new(catalog: Catalog) -> Self {
        Self {
            current: RwLock::new(Arc::new(catalog)),
        }
    }

    pub(crate) fn current(&self) -> Arc<Catalog> {
        Arc::clone(&self.current.read())
    }

    /// Takes a snapshot (with `open`) that fits the catalog it comes with.
    pub(crate) fn with_current<T>(
        &self,
        mut open: impl FnMut() -> Result<T>,
    ) -> Result<(Arc<Catalog>, T)> {
        let mut catalog = self.current();
        loop {
            let snapshot = open()?;
            let now = self.current();
            if Arc::ptr_eq(&catalog, &now) {
                return Ok((catalog, snapshot));
            }
            catalog = now;
        }
    }

    /// Shows the next version, made of the current one by `change`.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Catalog)) {
        let mut current = self.current.write();
        let mut next = Catalog::clone(&current);
        change(&mut next);
        *current = Arc::new(next);
    }
}
