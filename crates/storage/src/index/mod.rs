//! Indexes: their specification, and the keys that a document has in one.

mod keygen;
mod spec;

pub(crate) use keygen::{KeySet, KeyValues, keys_of, values_of};
pub use spec::{IndexField, IndexSpec, PartialFilter, PartialFilterCompiler};
