//! A database: its collections, and the transactions on them.

use std::sync::Arc;

use bson::RawDocument;

use crate::catalog::Collection;
use crate::engine::Durability;
use crate::error::{Error, Result};
use crate::index::IndexSpec;
use crate::snapshot::Snapshot;
use crate::txn::Txn;

/// An open database. Clones share it; while one is held the database is not closed for idleness.
#[derive(Clone)]
pub struct Database {}

/// What creating indexes did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreatedIndexes {
    /// How many indexes the collection had before.
    pub before: usize,
    /// How many it has now.
    pub after: usize,
}

impl Database {
    /// Its name.
    pub fn name(&self) -> &str {
        todo!()
    }

    /// The collections as they are now, sorted by name.
    pub fn collections(&self) -> Vec<Arc<Collection>> {
        todo!()
    }

    /// The collection with this name as it is now.
    pub fn collection(&self, name: &str) -> Option<Arc<Collection>> {
        let _ = name;
        todo!()
    }

    /// The bytes that the database's files take on the disk, about.
    pub async fn size_on_disk(&self) -> Result<u64> {
        todo!()
    }

    /// Takes a snapshot of now.
    pub fn snapshot(&self) -> Result<Snapshot> {
        todo!()
    }

    /// Begins a transaction.
    pub fn begin(&self) -> Result<Txn> {
        todo!()
    }

    /// Runs `write` in a transaction of its own on one collection and commits; runs it again, on
    /// a new transaction and after a bounded, growing pause, when the commit meets a conflict. So
    /// `write` reads all that it decides on through the transaction it is given, and has no
    /// effect outside. An error of `write` ends it, with nothing written.
    pub async fn retry_write<T, E, F>(
        &self,
        collection: &str,
        durability: Durability,
        write: F,
    ) -> Result<T, E>
    where
        E: From<Error>,
        F: FnMut(&mut Txn, &Arc<Collection>) -> Result<T, E>,
    {
        let _ = (collection, durability, write);
        todo!()
    }

    /// Creates a collection with its `_id_` index. `options` are kept as they are.
    /// [`NamespaceExists`](Error::NamespaceExists) if it is there.
    pub async fn create_collection(
        &self,
        name: &str,
        options: &RawDocument,
    ) -> Result<Arc<Collection>> {
        let _ = (name, options);
        todo!()
    }

    /// The collection with this name, created without options if it is not there: what the
    /// first insert does.
    pub async fn collection_or_create(&self, name: &str) -> Result<Arc<Collection>> {
        let _ = name;
        todo!()
    }

    /// Drops a collection with all it holds. `false` if it is not there.
    pub async fn drop_collection(&self, name: &str) -> Result<bool> {
        let _ = name;
        todo!()
    }

    /// Gives a collection another name, in this database. With `drop_target` a collection that
    /// has the name already is dropped in the same step.
    pub async fn rename_collection(&self, from: &str, to: &str, drop_target: bool) -> Result<()> {
        let _ = (from, to, drop_target);
        todo!()
    }

    /// Replaces the options of a collection: what `collMod` does.
    pub async fn set_collection_options(&self, name: &str, options: &RawDocument) -> Result<()> {
        let _ = (name, options);
        todo!()
    }

    /// Creates indexes and builds them, all or none. Those that are there, with the same
    /// specification, are left alone. Writes go on while they are built.
    pub async fn create_indexes(
        &self,
        collection: &str,
        specifications: &[IndexSpec],
    ) -> Result<CreatedIndexes> {
        let _ = (collection, specifications);
        todo!()
    }

    /// Drops an index by its name. `_id_` is refused.
    pub async fn drop_index(&self, collection: &str, index: &str) -> Result<()> {
        let _ = (collection, index);
        todo!()
    }

    /// Replaces the specification of an index by one with the same key pattern, name and
    /// uniqueness: what `collMod` does to `hidden` and `expireAfterSeconds`.
    pub async fn modify_index(&self, collection: &str, specification: &IndexSpec) -> Result<()> {
        let _ = (collection, specification);
        todo!()
    }
}
