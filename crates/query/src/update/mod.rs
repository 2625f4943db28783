//! Updates: operators (`$set`, `$inc`, `$push` …), replacement documents and pipelines, applied to
//! raw documents.
//!
//! An update is parsed once ([`Update::parse`]) into a tree of paths with a modifier at each end.
//! Applying it ([`Update::apply`]) walks the document and the tree together and writes the new
//! document in one pass: what is not touched is copied as it stands, and a document that does not
//! change is not copied at all.
//!
//! - `path`: dotted paths with `$`, `$[]` and `$[identifier]`
//! - `array_filters`: what the identifiers stand for
//! - `tree`: the paths of an update as a tree; conflicts between them
//! - `parse`: from BSON to the tree
//! - `operators`: one file for each operator, and the table of them
//! - `apply` and `rewriter`: the one pass
//! - `replacement`, `pipeline`, `upsert`
//!
//! Source: the manual's page "Update Operators" and the pages of the operators.

mod apply;
mod array_filters;
mod operators;
mod parse;
mod path;
mod pipeline;
mod replacement;
mod rewriter;
mod tree;
mod upsert;

use bson::{DateTime, RawBsonRef, RawDocument, RawDocumentBuf, Timestamp};

pub use pipeline::{NoPipelines, Transform, TransformFactory};
pub use upsert::upsert_document;

use crate::{Error, Result};

/// A compiled update.
#[derive(Debug)]
pub struct Update {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Replacement(replacement::Replacement),
    Operators(tree::Operators),
    Pipeline(Box<dyn Transform>),
}

/// What an update needs to know of the statement and of the match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpdateContext {
    /// When the statement started: `$currentDate`.
    pub now: DateTime,
    /// The timestamp of this write: `$currentDate` with `$type: "timestamp"`, and what replaces an
    /// empty timestamp in a replacement document.
    pub timestamp: Timestamp,
    /// Whether the document is being made by an upsert: `$setOnInsert` takes effect.
    pub is_insert: bool,
    /// The array element that the filter matched, which `$` stands for
    /// ([`Matcher::matches_with_position`](crate::filter::Matcher::matches_with_position)).
    pub position: Option<usize>,
}

/// What an update did to a document.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Nothing: the document already is what the update would make of it. It counts as matched,
    /// not as modified.
    Unchanged,
    /// The document to store instead.
    Changed(RawDocumentBuf),
}

impl Update {
    /// Compiles an update: a document of operators or a replacement. Pipelines are refused; see
    /// [`Update::parse_with`].
    ///
    /// # Errors
    ///
    /// `FailedToParse` for an unknown operator and for array filters that are malformed or not
    /// used, `ConflictingUpdateOperators`, `EmptyFieldName`, `DollarPrefixedFieldName`, and each
    /// operator's own for its argument.
    pub fn parse(update: RawBsonRef<'_>, array_filters: &[&RawDocument]) -> Result<Self> {
        Self::parse_with(update, array_filters, &NoPipelines)
    }

    /// Compiles an update; `pipelines` compiles it if it is an array of stages.
    ///
    /// # Errors
    ///
    /// As [`Update::parse`], and what `pipelines` answers.
    pub fn parse_with(
        update: RawBsonRef<'_>,
        array_filters: &[&RawDocument],
        pipelines: &dyn TransformFactory,
    ) -> Result<Self> {
        let kind = match update {
            RawBsonRef::Array(stages) => {
                refuse_array_filters(array_filters, "pipeline-style")?;
                Kind::Pipeline(pipelines.compile(stages)?)
            }
            RawBsonRef::Document(document) if parse::has_operators(document) => {
                Kind::Operators(parse::operators(document, array_filters)?)
            }
            RawBsonRef::Document(document) => {
                refuse_array_filters(array_filters, "replacement-style")?;
                Kind::Replacement(replacement::Replacement::parse(document)?)
            }
            other => {
                return Err(Error::failed_to_parse(format!(
                    "Update argument must be either an object or an array, but it is of type {}",
                    document::types::type_name(&other)
                )));
            }
        };
        Ok(Self { kind })
    }

    /// Whether the update is a replacement document. `multi: true` is refused for one.
    pub const fn is_replacement(&self) -> bool {
        matches!(self.kind, Kind::Replacement(_))
    }

    /// Whether the filter has to tell which array element it matched, for a path with `$`.
    pub const fn needs_position(&self) -> bool {
        match &self.kind {
            Kind::Operators(operators) => operators.needs_position,
            Kind::Replacement(_) | Kind::Pipeline(_) => false,
        }
    }

    /// Applies the update to a stored document (or, in an upsert, to the one being made).
    ///
    /// # Errors
    ///
    /// `PathNotViable`, `ImmutableField` for a change of `_id`, `TypeMismatch` and `BadValue` where
    /// an operator meets a value that it cannot change, `BSONObjectTooLarge` for a result over
    /// 16 MiB, `Overflow` for one with too many levels.
    pub fn apply(&self, document: &RawDocument, context: &UpdateContext) -> Result<Outcome> {
        match &self.kind {
            Kind::Operators(operators) => apply::apply(operators, document, context),
            Kind::Replacement(replacement) => replacement.apply(document, context),
            Kind::Pipeline(pipeline) => pipeline::apply(&**pipeline, document),
        }
    }
}

fn refuse_array_filters(array_filters: &[&RawDocument], style: &str) -> Result<()> {
    if array_filters.is_empty() {
        return Ok(());
    }
    Err(Error::failed_to_parse(format!(
        "arrayFilters may not be specified for {style} updates"
    )))
}
