//! Filters: the `$eq`, `$and`, `$elemMatch` … of `find`, compiled to a tree of matchers.
//!
//! [`Matcher::parse`] compiles a filter once; [`Matcher::matches`] then runs over raw documents
//! without deserialising them and without allocating. What a filter means is the manual's page
//! "Query and Projection Operators" and, for arrays and null, "Query an Array" and "Query for Null
//! or Missing Fields".
//!
//! - [`path`]: how a dotted path reaches the values of a document, through arrays too
//! - [`node`]: the tree, and how it is evaluated
//! - [`test`]: what is asked of one value
//! - [`parse`]: from BSON to the tree; the table of operators
//! - [`operators`]: one file for each family of operators
//! - [`element`]: filters over a single value: `$pull`, `$elemMatch` in projections, `arrayFilters`

pub mod element;
pub(crate) mod node;
pub(crate) mod operators;
pub(crate) mod parse;
pub(crate) mod path;
mod predicate;
pub(crate) mod test;

use bson::{RawBsonRef, RawDocument, RawDocumentBuf};

pub use element::ElementMatcher;
pub use predicate::{Predicate, PredicateFactory};

use crate::Result;
use node::{Evaluation, Node};
use path::Subject;

/// The most levels of operators that a filter may nest. Source: the manual's page "MongoDB Limits
/// and Thresholds" (nesting of BSON documents).
pub const MAX_DEPTH: usize = 100;

/// A compiled filter.
///
/// Cheap to share between threads (`&Matcher` is all that matching takes); not cheap to build when
/// it holds regular expressions.
#[derive(Debug)]
pub struct Matcher {
    root: Node,
    source: RawDocumentBuf,
}

impl Matcher {
    /// Compiles `filter`, refusing `$expr`.
    ///
    /// # Errors
    ///
    /// `BadValue` for unknown operators and wrong arguments, and the codes that MongoDB gives to
    /// the rest (`FailedToParse`, `TypeMismatch`, `Location51091` for a regular expression …).
    pub fn parse(filter: &RawDocument) -> Result<Self> {
        Self::parse_with(filter, &predicate::NoPredicates)
    }

    /// Compiles `filter`; `factory` compiles the arguments of `$expr`.
    ///
    /// # Errors
    ///
    /// As [`Matcher::parse`], and what `factory` answers.
    pub fn parse_with(filter: &RawDocument, factory: &dyn PredicateFactory) -> Result<Self> {
        Ok(Self {
            root: parse::parse_filter(filter, factory)?,
            source: filter.to_owned(),
        })
    }

    /// A filter that every document passes: `{}`.
    pub fn all() -> Self {
        Self {
            root: Node::And(Vec::new()),
            source: RawDocumentBuf::new(),
        }
    }

    /// Whether `document` passes the filter.
    ///
    /// # Errors
    ///
    /// Only a `$expr` that fails, a regular expression that exceeds its limit of backtracking, and
    /// a path of array positions that can be read in too many ways: MongoDB's filters do not fail
    /// otherwise.
    pub fn matches(&self, document: &RawDocument) -> Result<bool> {
        let mut evaluation = Evaluation::default();
        let matched = self
            .root
            .matches(Subject::Document(document), &mut evaluation);
        evaluation.finish(matched)
    }

    /// Whether `document` passes, and the index of the first array element that the filter
    /// matched: what `$` stands for in updates and projections.
    ///
    /// The index is that of the outermost array that the filter walked through; without one, and
    /// for what stands under a negation, it is `None`. With conditions on several arrays, the last
    /// one in the filter decides (MongoDB leaves it undefined).
    ///
    /// # Errors
    ///
    /// As [`Matcher::matches`].
    pub fn matches_with_position(&self, document: &RawDocument) -> Result<(bool, Option<usize>)> {
        let mut evaluation = Evaluation::default();
        let matched = self
            .root
            .matches(Subject::Document(document), &mut evaluation);
        let position = evaluation.position.filter(|_| matched);
        Ok((evaluation.finish(matched)?, position))
    }

    /// Whether `value` passes, when the first component of every path stands for it: how an
    /// `arrayFilters` entry such as `{ "elem.grade": { $gte: 85 } }` asks about an element.
    ///
    /// # Errors
    ///
    /// As [`Matcher::matches`].
    pub fn matches_root(&self, value: RawBsonRef<'_>) -> Result<bool> {
        let mut evaluation = Evaluation::default();
        let matched = self.root.matches(Subject::Root(value), &mut evaluation);
        evaluation.finish(matched)
    }

    /// Whether every document passes (`{}`).
    pub fn is_empty(&self) -> bool {
        matches!(&self.root, Node::And(nodes) if nodes.is_empty())
    }

    /// The filter as it was given.
    pub fn source(&self) -> &RawDocument {
        &self.source
    }

    /// The conditions of equality that hold for every document that passes, as `(path, value)`:
    /// what an upsert starts its new document from. `$and` is looked into, and an `$or`, `$in` or
    /// `$all` of one value.
    pub fn equalities(&self) -> Vec<(&str, RawBsonRef<'_>)> {
        let mut found = Vec::new();
        self.root.collect_equalities(&mut found);
        found
    }

    /// The first components of all paths that the filter names; `arrayFilters` want exactly one.
    pub fn root_fields(&self) -> std::collections::BTreeSet<&str> {
        let mut found = std::collections::BTreeSet::new();
        self.root.collect_root_fields(&mut found);
        found
    }

    pub(crate) fn root(&self) -> &Node {
        &self.root
    }
}
