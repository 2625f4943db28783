//! What an index is created with.

use std::sync::Arc;

use bson::{RawDocument, RawDocumentBuf};

use crate::error::Result;

/// Decides whether a document is in a partial index.
pub trait PartialFilter: Send + Sync {
    /// Whether `document` matches the `partialFilterExpression`.
    fn matches(&self, document: &RawDocument) -> bool;
}

/// Makes a [`PartialFilter`] of a `partialFilterExpression`, or says why not. Also called when a
/// database is opened, for the expressions that it accepted before.
pub type PartialFilterCompiler =
    Arc<dyn Fn(&RawDocument) -> Result<Arc<dyn PartialFilter>, String> + Send + Sync>;

/// One field of a key pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexField {
    /// The dotted path.
    pub path: String,
    /// `-1` in the key pattern.
    pub descending: bool,
}

/// An index's specification: one document of `createIndexes`'s `indexes`.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexSpec {
    /// The name, unique in the collection.
    pub name: String,
    /// The fields, in order.
    pub fields: Vec<IndexField>,
    /// `unique`.
    pub unique: bool,
    /// `sparse`.
    pub sparse: bool,
    /// `hidden`.
    pub hidden: bool,
    /// `expireAfterSeconds`, of a TTL index.
    pub expire_after_seconds: Option<i64>,
    /// `partialFilterExpression`.
    pub partial_filter_expression: Option<RawDocumentBuf>,
    /// The whole specification as `listIndexes` lists it: `v`, `key`, `name` and the options.
    pub document: RawDocumentBuf,
}

impl IndexSpec {
    /// Reads a specification. Refuses, with MongoDB's codes, what is malformed, what is not known
    /// (`InvalidIndexSpecificationOption`) and what is not supported (`CannotCreateIndex`: text,
    /// hashed, geospatial and wildcard indexes, collations).
    pub fn parse(specification: &RawDocument) -> Result<Self> {
        let _ = specification;
        todo!()
    }

    /// The `_id_` index.
    pub fn id_index() -> Self {
        todo!()
    }

    /// The key pattern, `{a: 1, b: -1}`.
    pub fn key_pattern(&self) -> &RawDocument {
        todo!()
    }
}
