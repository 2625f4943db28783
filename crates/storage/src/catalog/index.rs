//! What is known of an index.

use bson::RawDocument;

use crate::index::IndexSpec;

/// Whether reads may use an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexState {
    /// It is being built: writes keep it, reads do not use it.
    Building,
    /// It is complete.
    Ready,
}

/// An index of a collection.
#[derive(Debug)]
pub struct Index {
    pub(crate) id: u32,
    pub(crate) spec: IndexSpec,
    pub(crate) state: IndexState,
}

impl Index {
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
        todo!()
    }

    /// Whether a document is in the index, by its `partialFilterExpression` alone. `true` for an
    /// index that has none.
    pub fn may_hold(&self, document: &RawDocument) -> bool {
        let _ = document;
        todo!()
    }
}
