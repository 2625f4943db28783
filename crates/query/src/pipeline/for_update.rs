//! Pipelines as updates: the stages that change one document, applied to it.
//!
//! Source: the manual's page "Updates with Aggregation Pipeline".

use std::sync::Arc;

use bson::{RawArray, RawDocument, RawDocumentBuf};
use document::ErrorCode;

use super::{Collections, NoCollections, Pipeline, from_documents};
use crate::expression::ParseContext;
use crate::update::Transform;
use crate::{Error, Result};

/// The stages that an update may have, under the names that they run by.
const STAGES: &[&str] = &[
    "$addFields",
    "$set",
    "$project",
    "$unset",
    "$replaceRoot",
    "$replaceWith",
];

#[derive(Debug)]
struct UpdatePipeline {
    pipeline: Pipeline,
    collections: Arc<dyn Collections>,
}

/// Compiles the stages of an update.
///
/// # Errors
/// As [`Pipeline::parse`]; `InvalidOptions` for a stage that makes more of a document than one.
pub fn update_transform(stages: &RawArray, context: &ParseContext) -> Result<Box<dyn Transform>> {
    let pipeline = Pipeline::parse(stages, context)?;
    if let Some(name) = pipeline.stage_names().find(|name| !STAGES.contains(name)) {
        return Err(Error::new(
            ErrorCode::InvalidOptions,
            format!("{name} is not allowed to be used within an update"),
        ));
    }
    Ok(Box::new(UpdatePipeline {
        pipeline,
        collections: Arc::new(NoCollections),
    }))
}

impl Transform for UpdatePipeline {
    fn transform(&self, document: &RawDocument) -> Result<RawDocumentBuf> {
        let input = from_documents([document.to_owned()]);
        self.pipeline
            .run(input, &self.collections)
            .next()
            .unwrap_or_else(|| Ok(document.to_owned()))
    }
}
