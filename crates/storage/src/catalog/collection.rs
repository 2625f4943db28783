//! What is known of a collection.

use std::sync::Arc;

use bson::{RawDocument, RawDocumentBuf};

use super::index::Index;
use crate::count::Count;

/// A collection as a version of the catalog knows it: immutable, shared. Pass it to the
/// operations of the [`Snapshot`](crate::Snapshot) or [`Txn`](crate::Txn) that it was taken from.
#[derive(Debug, Clone)]
pub struct Collection {
    pub(crate) id: u32,
    pub(crate) name: String,
    /// `database.collection`, for messages.
    pub(crate) namespace: String,
    pub(crate) uuid: uuid::Uuid,
    pub(crate) options: RawDocumentBuf,
    /// `_id_` first, the others as they were created.
    pub(crate) indexes: Vec<Arc<Index>>,
    pub(crate) next_index: u32,
    /// What all versions of the collection share.
    pub(crate) state: Arc<CollectionState>,
}

/// What all versions of a collection share.
#[derive(Debug, Default)]
pub(crate) struct CollectionState {
    /// Held shared by transactions that write, until they end; held alone by what changes the
    /// collection's metadata, and by a batch of an index build.
    pub(crate) lock: Arc<tokio::sync::RwLock<()>>,
    /// One after the other: writes that met a conflict and run again.
    pub(crate) retries: tokio::sync::Mutex<()>,
    /// One after the other: index builds.
    pub(crate) builds: Arc<tokio::sync::Mutex<()>>,
    pub(crate) count: Count,
}

impl CollectionState {
    pub(crate) fn new(count: Count) -> Self {
        Self {
            count,
            ..Self::default()
        }
    }
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

    /// `database.collection`.
    pub fn namespace(&self) -> &str {
        &self.namespace
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

    /// The number of documents, without reading them: of all that is committed, also after a
    /// crash.
    pub fn count(&self) -> u64 {
        self.state.count.documents()
    }

    /// The bytes of the documents together, as BSON, without reading them: of all that is
    /// committed, also after a crash.
    pub fn data_bytes(&self) -> u64 {
        self.state.count.bytes()
    }

    /// The indexes that have keys of their own: all but `_id_`.
    pub(crate) fn secondary_indexes(&self) -> impl Iterator<Item = &Arc<Index>> {
        self.indexes.iter().filter(|index| !index.is_id_index())
    }
}
