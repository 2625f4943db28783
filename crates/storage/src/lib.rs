//! The storage layer: an ordered, encrypted, transactional home for BSON documents.
//!
//! A [`Store`] is an open dbpath. It holds [`Database`]s, each a tree of its own (with a data key
//! of its own when the dbpath is encrypted). A database holds collections and their indexes, reads
//! through a [`Snapshot`] and writes through a [`Txn`], which keeps every index.
//!
//! | module | idea |
//! |---|---|
//! | [`engine`] | the ordered key-value engine behind a small trait; the one place that names it |
//! | [`keyenc`] | BSON values as bytes that sort as the values do |
//! | `key_values` | a database as a plain ordered map, for records that are no documents |
//! | [`keys`] | where data keys come from: the seam to the keystore |
//! | `layout` | which keys a tree holds |
//! | `catalog` | collections and indexes, in the same tree as their data |
//! | `index` | which keys a document has in an index; building an index |
//! | [`backup`] | a copy of a dbpath: its manifest, verifying and restoring it |
//! | `gate` | commits of all databases held back for a moment |
//! | `store` | the dbpath: lock, format file, server tree, databases, background sync |
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

pub mod backup;
mod bounds;
mod catalog;
mod count;
mod database;
pub mod engine;
mod error;
mod gate;
mod index;
mod key_values;
pub mod keyenc;
pub mod keys;
mod layout;
mod record_id;
mod scan;
mod snapshot;
mod store;
mod txn;

pub use bounds::{Direction, IndexBounds, Interval};
pub use catalog::{Collection, Index, IndexState};
pub use database::{CreatedIndexes, Database, WeakDatabase};
pub use engine::Durability;
pub use error::{DuplicateKey, Error, Result};
pub use index::{IndexField, IndexSpec, PartialFilter, PartialFilterCompiler};
pub use key_values::{KeyValueEntries, KeyValueSnapshot, KeyValueTransaction, KeyValues};
pub use keys::{Encryption, TreeId};
pub use record_id::RecordId;
pub use scan::{IndexEntries, IndexEntry, IndexPosition, IndexRecords, Record, Records};
pub use snapshot::Snapshot;
pub use store::{
    CheckpointOptions, CheckpointReport, CopyKeystore, DbpathLock, DbpathState, KeystoreCopy,
    Store, StoreOptions,
};
pub use txn::Txn;
