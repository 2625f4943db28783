//! Aggregation pipelines: stages as iterators over documents.
//!
//! [`Pipeline::parse`] compiles the array of stages once; [`Pipeline::leading`] splits off what the
//! planner can answer from an index (filter, sort, skip, limit); [`Pipeline::run`] is the rest: it
//! pulls documents through the stages one by one. Only stages that must see everything first
//! (a sort, a group) hold documents, within a limit.
//!
//! - [`stages`]: one file for each stage, and their table
//! - [`accumulators`]: one file for each accumulator of `$group`, and their table
//!
//! Source: the manual's pages "Aggregation Stages" and "Aggregation Pipeline Limits".

pub(crate) mod accumulators;
mod leading;
mod memory;
mod optimize;
mod paths;
mod source;
pub(crate) mod stages;
mod update;

use std::sync::Arc;

use bson::raw::RawBsonRef;
use bson::{RawArray, RawDocument};
use document::ErrorCode;

pub use leading::Leading;
pub use source::{Collections, Documents, NoCollections, from_documents};
pub use update::update_transform;

use crate::expression::{ParseContext, fields, items};
use crate::{Error, Result};
use stages::Stage;

/// The names of all stages, with `$`.
pub fn stage_names() -> impl Iterator<Item = &'static str> {
    stages::names()
}

/// The most stages of a pipeline. Source: the manual's page "Aggregation Pipeline Limits".
pub const MAX_STAGES: usize = 1000;

/// The most pipelines in each other (`$lookup`, `$facet`, `$unionWith`).
const MAX_NESTED_PIPELINES: u32 = 20;

/// A compiled pipeline.
///
/// Cheap to clone; running it does not change it.
#[derive(Debug, Clone, Default)]
pub struct Pipeline {
    stages: Vec<Stage>,
}

impl Pipeline {
    /// Compiles the stages.
    ///
    /// # Errors
    /// MongoDB's code for what is wrong: 40323 for a stage that is not one field, 40324 for an
    /// unknown one, and those of each stage and its expressions; `NotImplemented` for stages that
    /// MongoDB has and this does not.
    pub fn parse(stages: &RawArray, context: &ParseContext) -> Result<Self> {
        let mut parsed = Vec::new();
        for (index, stage) in items(stages).enumerate() {
            if index == MAX_STAGES {
                return Err(Error::new(
                    ErrorCode::Location(7_749_501),
                    format!("Pipeline length must be no longer than {MAX_STAGES} stages"),
                ));
            }
            let RawBsonRef::Document(stage) = stage else {
                return Err(Error::type_mismatch(
                    "Each element of the 'pipeline' array must be an object",
                ));
            };
            let (name, argument) = single_field(stage)?;
            if index > 0 && stages::must_be_first(name) {
                return Err(Error::new(
                    ErrorCode::Location(40602),
                    format!("{name} is only valid as the first stage in a pipeline"),
                ));
            }
            stages::parse(name, argument, context, &mut parsed)?;
        }
        Ok(Self {
            stages: optimize::optimize(parsed, context)?,
        })
    }

    /// Compiles a pipeline that lies in a stage of another one.
    pub(crate) fn parse_nested(stages: &RawArray, context: &ParseContext) -> Result<Self> {
        if context.pipeline_depth >= MAX_NESTED_PIPELINES {
            return Err(Error::new(
                ErrorCode::Location(5_544_301),
                format!(
                    "Maximum number of nested sub-pipelines exceeded. Limit is \
                     {MAX_NESTED_PIPELINES}"
                ),
            ));
        }
        let mut context = context.clone();
        context.pipeline_depth += 1;
        Self::parse(stages, &context)
    }

    /// The pipeline behind a `$match` with `filter`.
    pub(crate) fn after_match(&self, filter: &RawDocument, context: &ParseContext) -> Result<Self> {
        let mut stages = vec![Stage::Match(stages::compile_filter(filter, context)?)];
        stages.extend(self.stages.iter().cloned());
        Ok(Self {
            stages: optimize::optimize(stages, context)?,
        })
    }

    /// Whether nothing is left to do.
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// The names of the stages that run, in order. They may differ from those that were parsed:
    /// `$sortByCount` is a `$group` and a `$sort`.
    pub fn stage_names(&self) -> impl Iterator<Item = &'static str> {
        self.stages.iter().map(Stage::name)
    }

    /// Whether the pipeline makes its own documents (`$documents`) and reads no collection.
    pub fn makes_documents(&self) -> bool {
        self.stages
            .first()
            .is_some_and(|stage| stages::must_be_first(stage.name()))
    }

    /// The other collections of the database that the pipeline reads (`$lookup`, `$unionWith`), so
    /// that the caller can check that it may.
    pub fn foreign_collections(&self) -> Vec<&str> {
        let mut found = Vec::new();
        for stage in &self.stages {
            stage.foreign_collections(&mut found);
        }
        found
    }

    /// Splits off what a collection can answer itself, and the pipeline that is left to run on it.
    pub fn leading(self) -> (Leading, Self) {
        leading::split(self)
    }

    /// Runs the pipeline on `input`. Nothing is read before the first document is asked for; after
    /// an error there are no more documents.
    pub fn run(&self, input: Documents, collections: &Arc<dyn Collections>) -> Documents {
        let output = self
            .stages
            .iter()
            .fold(input, |input, stage| stage.clone().run(input, collections));
        source::until_error(output)
    }
}

/// The one field of a stage's specification.
fn single_field(stage: &RawDocument) -> Result<(&str, RawBsonRef<'_>)> {
    let mut all = fields(stage);
    match (all.next(), all.next()) {
        (Some((name, argument)), None) => Ok((name.as_str(), argument)),
        _ => Err(Error::new(
            ErrorCode::Location(40323),
            "A pipeline stage specification object must contain exactly one field.",
        )),
    }
}
