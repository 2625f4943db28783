//! The table of stages.

mod add_fields;
mod bucket;
mod count;
mod documents;
mod facet;
mod filter;
mod group;
mod limit;
mod lookup;
mod project;
mod redact;
mod replace_root;
mod sample;
mod skip;
mod sort;
mod sort_by_count;
mod union_with;
mod unset;
mod unwind;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use bson::raw::RawBsonRef;
use document::ErrorCode;

pub(super) use filter::compile as compile_filter;
pub(super) use sort::Sort;

use super::{Collections, Documents};
use crate::expression::ParseContext;
use crate::filter::Matcher;
use crate::{Error, Result};

/// A stage, ready to run. Those that a planner can take over are told apart from the rest.
#[derive(Debug, Clone)]
pub(crate) enum Stage {
    Match(Arc<Matcher>),
    Sort(Arc<Sort>),
    Skip(u64),
    Limit(u64),
    Other(Arc<dyn Transform>),
}

/// Any other stage.
pub(crate) trait Transform: fmt::Debug + Send + Sync {
    /// The stage's name, with `$`.
    fn name(&self) -> &'static str;

    /// Runs the stage on `input`; nothing is read before the first document is asked for.
    fn run(self: Arc<Self>, input: Documents, collections: &Arc<dyn Collections>) -> Documents;

    /// Whether a `$match` on these fields of the outermost document finds the same documents before
    /// this stage as after it.
    fn commutes_with_match_on(&self, _fields: &BTreeSet<&str>) -> bool {
        false
    }

    /// Adds the other collections that the stage reads.
    fn foreign_collections<'s>(&'s self, _found: &mut Vec<&'s str>) {}
}

/// Parses a stage's argument and adds what it becomes: one stage, or several.
type Parse = fn(&'static str, RawBsonRef<'_>, &ParseContext, &mut Vec<Stage>) -> Result<()>;

/// Every stage.
const STAGES: &[(&str, Parse)] = &[
    ("$addFields", add_fields::parse),
    ("$bucket", bucket::parse),
    ("$bucketAuto", bucket::parse_auto),
    ("$count", count::parse),
    ("$documents", documents::parse),
    ("$facet", facet::parse),
    ("$group", group::parse),
    ("$limit", limit::parse),
    ("$lookup", lookup::parse),
    ("$match", filter::parse),
    ("$project", project::parse),
    ("$redact", redact::parse),
    ("$replaceRoot", replace_root::parse_root),
    ("$replaceWith", replace_root::parse_with),
    ("$sample", sample::parse),
    ("$set", add_fields::parse),
    ("$skip", skip::parse),
    ("$sort", sort::parse),
    ("$sortByCount", sort_by_count::parse),
    ("$unionWith", union_with::parse),
    ("$unset", unset::parse),
    ("$unwind", unwind::parse),
];

/// Stages that MongoDB has and this does not.
const NOT_SUPPORTED: &[&str] = &[
    "$changeStream",
    "$changeStreamSplitLargeEvent",
    "$collStats",
    "$currentOp",
    "$densify",
    "$fill",
    "$geoNear",
    "$graphLookup",
    "$indexStats",
    "$listLocalSessions",
    "$listSampledQueries",
    "$listSearchIndexes",
    "$listSessions",
    "$merge",
    "$out",
    "$planCacheStats",
    "$queryStats",
    "$search",
    "$searchMeta",
    "$setWindowFields",
    "$shardedDataDistribution",
    "$vectorSearch",
];

/// Parses the stage `name`.
pub(super) fn parse(
    name: &str,
    argument: RawBsonRef<'_>,
    context: &ParseContext,
    stages: &mut Vec<Stage>,
) -> Result<()> {
    if let Some((name, parse)) = STAGES.iter().find(|(known, _)| *known == name) {
        return parse(name, argument, context, stages);
    }
    if NOT_SUPPORTED.contains(&name) {
        return Err(Error::new(
            ErrorCode::NotImplemented,
            format!("the pipeline stage {name} is not supported"),
        ));
    }
    Err(location(
        40324,
        format!("Unrecognized pipeline stage name: '{name}'"),
    ))
}

/// Whether the stage makes documents and so can only stand first.
pub(super) fn must_be_first(name: &str) -> bool {
    name == "$documents"
}

/// The names of all stages.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    STAGES.iter().map(|(name, _)| *name)
}

impl Stage {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Match(_) => "$match",
            Self::Sort(_) => "$sort",
            Self::Skip(_) => "$skip",
            Self::Limit(_) => "$limit",
            Self::Other(stage) => stage.name(),
        }
    }

    pub(super) fn run(self, input: Documents, collections: &Arc<dyn Collections>) -> Documents {
        match self {
            Self::Match(matcher) => filter::run(matcher, input),
            Self::Sort(sort) => sort::run(sort, input),
            Self::Skip(count) => skip::run(count, input),
            Self::Limit(count) => limit::run(count, input),
            Self::Other(stage) => stage.run(input, collections),
        }
    }

    pub(super) fn foreign_collections<'s>(&'s self, found: &mut Vec<&'s str>) {
        if let Self::Other(stage) = self {
            stage.foreign_collections(found);
        }
    }

    pub(crate) fn other(stage: impl Transform + 'static) -> Self {
        Self::Other(Arc::new(stage))
    }
}

/// A refusal with a numbered code.
fn location(code: i32, message: impl Into<String>) -> Error {
    Error::new(ErrorCode::Location(code), message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_says_what_is_there() {
        assert!(names().is_sorted());
        assert!(NOT_SUPPORTED.is_sorted());
        assert!(!names().any(|name| NOT_SUPPORTED.contains(&name)));
    }
}
