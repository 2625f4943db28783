//! `$unionWith`: the documents of another collection after those that are there.

use std::sync::Arc;

use bson::raw::RawBsonRef;
use document::types::type_name;

use super::{Stage, Transform};
use crate::expression::{ParseContext, fields};
use crate::pipeline::source::deferred;
use crate::pipeline::{Collections, Documents, Pipeline, from_documents};
use crate::{Error, Result};

#[derive(Debug)]
struct UnionWith {
    /// None for a pipeline that starts with `$documents`.
    collection: Option<String>,
    pipeline: Pipeline,
}

pub(super) fn parse(
    _: &'static str,
    argument: RawBsonRef<'_>,
    context: &ParseContext,
    stages: &mut Vec<Stage>,
) -> Result<()> {
    let mut collection = None;
    let mut pipeline = Pipeline::default();
    match argument {
        RawBsonRef::String(name) => collection = Some(name.to_owned()),
        RawBsonRef::Document(options) => {
            for (name, value) in fields(options) {
                match (name.as_str(), value) {
                    ("coll", RawBsonRef::String(name)) => collection = Some(name.to_owned()),
                    ("pipeline", RawBsonRef::Array(array)) => {
                        pipeline = Pipeline::parse_nested(array, context)?;
                    }
                    (name @ ("coll" | "pipeline"), other) => {
                        return Err(Error::type_mismatch(format!(
                            "$unionWith's '{name}' has the wrong type: {}",
                            type_name(&other)
                        )));
                    }
                    (other, _) => {
                        return Err(Error::new(
                            document::ErrorCode::IDLUnknownField,
                            format!("BSON field '$unionWith.{other}' is an unknown field."),
                        ));
                    }
                }
            }
        }
        other => {
            return Err(Error::failed_to_parse(format!(
                "the $unionWith stage specification must be an object or string, but found {}",
                type_name(&other)
            )));
        }
    }
    if collection.is_none() && !pipeline.makes_documents() {
        return Err(Error::failed_to_parse(
            "$unionWith stage without explicit collection must have a pipeline with $documents as \
             first stage",
        ));
    }
    stages.push(Stage::other(UnionWith {
        collection,
        pipeline,
    }));
    Ok(())
}

impl Transform for UnionWith {
    fn name(&self) -> &'static str {
        "$unionWith"
    }

    fn run(self: Arc<Self>, input: Documents, collections: &Arc<dyn Collections>) -> Documents {
        let collections = Arc::clone(collections);
        let others = deferred(move || match &self.collection {
            Some(collection) => {
                let (leading, rest) = self.pipeline.clone().leading();
                let found = collections.find(collection, leading)?;
                Ok(rest.run(found, &collections))
            }
            None => Ok(self.pipeline.run(from_documents([]), &collections)),
        });
        Box::new(input.chain(others))
    }

    fn foreign_collections<'s>(&'s self, found: &mut Vec<&'s str>) {
        found.extend(self.collection.as_deref());
        found.extend(self.pipeline.foreign_collections());
    }
}
