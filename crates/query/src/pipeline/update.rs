//! Pipelines as updates: stages that make one document of one document.
//!
//! Source: the manual's page "Updates with Aggregation Pipeline".

use std::sync::Arc;

use bson::raw::RawBsonRef;
use bson::{RawArray, RawDocument, RawDocumentBuf};
use document::ErrorCode;

use super::{Collections, NoCollections, Pipeline, from_documents, single_field};
use crate::expression::{ParseContext, items};
use crate::update::Transform;
use crate::{Error, Result};

/// The stages that an update may have, in alphabetical order.
const STAGES: &[&str] = &[
    "$addFields",
    "$project",
    "$replaceRoot",
    "$replaceWith",
    "$set",
    "$unset",
];

#[derive(Debug)]
struct UpdatePipeline {
    pipeline: Pipeline,
    collections: Arc<dyn Collections>,
}

/// Compiles the stages of an update, for [`Update::parse_with`](crate::update::Update::parse_with).
///
/// # Errors
///
/// `InvalidOptions` for a stage that an update may not have, and those of [`Pipeline::parse`].
pub fn update_transform(stages: &RawArray, context: &ParseContext) -> Result<Box<dyn Transform>> {
    for stage in items(stages) {
        if let RawBsonRef::Document(stage) = stage {
            let (name, _) = single_field(stage)?;
            if STAGES.binary_search(&name).is_err() && super::stages::names().any(|s| s == name) {
                return Err(Error::new(
                    ErrorCode::InvalidOptions,
                    format!("{name} is not allowed to be used within an update"),
                ));
            }
        }
    }
    Ok(Box::new(UpdatePipeline {
        pipeline: Pipeline::parse(stages, context)?,
        collections: Arc::new(NoCollections),
    }))
}

impl Transform for UpdatePipeline {
    fn transform(&self, document: &RawDocument) -> Result<RawDocumentBuf> {
        let input = from_documents([document.to_owned()]);
        let mut output = self.pipeline.run(input, &self.collections);
        output.next().unwrap_or_else(|| Ok(document.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stages_are_sorted_and_exist() {
        assert!(STAGES.is_sorted());
        for stage in STAGES {
            assert!(super::super::stages::names().any(|name| name == *stage));
        }
    }
}
