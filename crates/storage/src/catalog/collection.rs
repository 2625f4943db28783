//! What is known of a collection.

use std::sync::Arc;

use bson::{RawDocument, RawDocumentBuf};

use super::index::Index;

/// A collection as a version of the catalog knows it: immutable, shared. Pass it to the
/// operations of the [`Snapshot`](crate::Snapshot) or [`Txn`](crate::Txn) that it was taken from.
#[derive(Debug)]
pub struct Collection {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) uuid: uuid::Uuid,
    pub(crate) options: RawDocumentBuf,
    pub(crate) indexes: Vec<Arc<Index>>,
}

impl Collection {
    /// The number of the collection in its database; never used again after a drop.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Its name, without the database's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its UUID, as `listCollections` tells it.
    pub fn uuid(&self) -> uuid::Uuid {
        self.uuid
    }

    /// The options it was created with, as the `create` command names them.
    pub fn options(&self) -> &RawDocument {
        &self.options
    }

    /// The indexes that reads may use, `_id_` first.
    pub fn indexes(&self) -> impl Iterator<Item = &Arc<Index>> {
        self.indexes.iter().filter(|index| index.is_ready())
    }

    /// Every index, those that are being built too: what writes keep and `listIndexes` lists.
    pub fn all_indexes(&self) -> &[Arc<Index>] {
        &self.indexes
    }

    /// The index with this name, ready or not.
    pub fn index(&self, name: &str) -> Option<&Arc<Index>> {
        self.indexes.iter().find(|index| index.name() == name)
    }

    /// The number of documents, without reading them: exact for what is committed, also after
    /// a crash.
    pub fn count(&self) -> u64 {
        todo!()
    }
}
