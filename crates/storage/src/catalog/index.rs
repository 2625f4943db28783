//! What is known of an index.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bson::RawDocument;

use crate::error::Result;
use crate::index::{IndexSpec, KeySet, PartialFilter, keys_of};

/// Whether reads may use an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexState {
    /// It is being built: writes keep it, reads do not use it.
    Building,
    /// It is complete.
    Ready,
}

/// Which fields of an index are multikey: shared by all versions of the index.
#[derive(Debug, Default)]
pub(crate) struct Multikey {
    /// What readers go by: set before the commit that makes it so, so that no snapshot sees a
    /// multikey document and not this.
    seen: AtomicU64,
    /// What the tree holds.
    stored: AtomicU64,
}

impl Multikey {
    pub(crate) fn new(stored: u64) -> Self {
        Self {
            seen: AtomicU64::new(stored),
            stored: AtomicU64::new(stored),
        }
    }

    /// Shows `fields` to readers. What the transaction has to store, if the tree does not hold
    /// them yet.
    pub(crate) fn show(&self, fields: u64) -> Option<u64> {
        if !self.is_pending(fields) {
            return None;
        }
        Some(self.seen.fetch_or(fields, Ordering::AcqRel) | fields)
    }

    /// Whether the tree does not hold all of `fields` yet.
    pub(crate) fn is_pending(&self, fields: u64) -> bool {
        fields & !self.stored.load(Ordering::Acquire) != 0
    }

    /// The tree holds `fields`.
    pub(crate) fn stored(&self, fields: u64) {
        self.stored.fetch_or(fields, Ordering::AcqRel);
    }
}

/// An index of a collection.
#[derive(Clone)]
pub struct Index {
    pub(crate) id: u32,
    pub(crate) spec: IndexSpec,
    pub(crate) state: IndexState,
    pub(crate) partial: Option<Arc<dyn PartialFilter>>,
    pub(crate) multikey: Arc<Multikey>,
}

impl Index {
    /// The `_id_` index.
    pub(crate) fn id_index() -> Self {
        Self {
            id: 0,
            spec: IndexSpec::id_index(),
            state: IndexState::Ready,
            partial: None,
            multikey: Arc::default(),
        }
    }

    /// The number of the index in its collection; 0 is `_id_`. Never used again after a drop.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// Whether it is `_id_`, which is the order that the records themselves are in.
    pub fn is_id_index(&self) -> bool {
        self.id == 0
    }

    /// What it was created with.
    pub fn spec(&self) -> &IndexSpec {
        &self.spec
    }

    /// Whether reads may use it.
    pub fn is_ready(&self) -> bool {
        self.state == IndexState::Ready
    }

    /// Whether it is complete.
    pub fn state(&self) -> IndexState {
        self.state
    }

    /// Whether any document ever had an array on the way of an indexed path.
    pub fn is_multikey(&self) -> bool {
        self.multikey_fields() != 0
    }

    /// Which fields of the key pattern that is: bit `i` for the field at position `i`.
    pub fn multikey_fields(&self) -> u64 {
        self.multikey.seen.load(Ordering::Acquire)
    }

    /// Whether a document is in the index, by its `partialFilterExpression` alone. `true` for an
    /// index that has none.
    pub fn may_hold(&self, document: &RawDocument) -> bool {
        self.partial
            .as_ref()
            .is_none_or(|filter| filter.matches(document))
    }

    /// The keys that a document has in the index.
    pub(crate) fn keys_of(&self, document: &RawDocument) -> Result<KeySet> {
        if self.may_hold(document) {
            keys_of(&self.spec, document)
        } else {
            Ok(KeySet::default())
        }
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index")
            .field("id", &self.id)
            .field("name", &self.spec.name)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
