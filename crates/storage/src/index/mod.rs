//! Indexes: their specification, the keys that a document has in one, and building one.

mod spec;

pub use spec::{IndexField, IndexSpec, PartialFilter, PartialFilterCompiler};
