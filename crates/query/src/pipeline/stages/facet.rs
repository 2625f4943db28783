//! `$facet`: several pipelines over the same documents, each an array in one document.

use std::sync::Arc;

use bson::RawDocumentBuf;
use bson::raw::{CString, RawBsonRef};
use document::types::type_name;

use super::{Stage, Transform, location};
use crate::Result;
use crate::expression::bounds::MAX_VALUE_BYTES;
use crate::expression::bounds::{ArrayBuilder, check_document, size_of, too_large};
use crate::expression::{ParseContext, fields, items};
use crate::pipeline::memory::Memory;
use crate::pipeline::source::deferred;
use crate::pipeline::{Collections, Documents, Pipeline, from_documents};

#[derive(Debug)]
struct Facet {
    facets: Vec<(CString, Pipeline)>,
    memory_limit_bytes: usize,
}

/// Stages that cannot stand in a facet.
const NOT_ALLOWED: &[&str] = &[
    "$collStats",
    "$documents",
    "$facet",
    "$geoNear",
    "$indexStats",
    "$merge",
    "$out",
    "$planCacheStats",
];

pub(super) fn parse(
    _: &'static str,
    argument: RawBsonRef<'_>,
    context: &ParseContext,
    stages: &mut Vec<Stage>,
) -> Result<()> {
    let spec = argument
        .as_document()
        .filter(|spec| fields(spec).next().is_some())
        .ok_or_else(|| location(40169, "the $facet specification must be a non-empty object"))?;
    let mut facets = Vec::new();
    for (name, pipeline) in fields(spec) {
        if name.as_str().starts_with('$') || name.as_str().contains('.') {
            return Err(location(
                40171,
                format!(
                    "the name of a facet may not start with '$' nor contain '.': {}",
                    name.as_str()
                ),
            ));
        }
        let RawBsonRef::Array(pipeline) = pipeline else {
            return Err(location(
                40170,
                format!(
                    "arguments to $facet must be arrays, {} is type {}",
                    name.as_str(),
                    type_name(&pipeline)
                ),
            ));
        };
        for stage in items(pipeline) {
            let name = stage
                .as_document()
                .and_then(|stage| fields(stage).next())
                .map_or("", |(name, _)| name.as_str());
            if NOT_ALLOWED.contains(&name) {
                return Err(location(
                    40600,
                    format!("{name} is not allowed to be used within a $facet stage"),
                ));
            }
        }
        facets.push((name.into(), Pipeline::parse_nested(pipeline, context)?));
    }
    stages.push(Stage::other(Facet {
        facets,
        memory_limit_bytes: context.memory_limit_bytes,
    }));
    Ok(())
}

impl Transform for Facet {
    fn name(&self) -> &'static str {
        "$facet"
    }

    fn run(self: Arc<Self>, input: Documents, collections: &Arc<dyn Collections>) -> Documents {
        let collections = Arc::clone(collections);
        deferred(move || {
            let mut memory = Memory::new("$facet", self.memory_limit_bytes);
            let mut all = Vec::new();
            for document in input {
                let document = document?;
                memory.grow(document.as_bytes().len())?;
                all.push(document);
            }
            let all = Arc::new(all);
            let mut result = RawDocumentBuf::new();
            for (name, pipeline) in &self.facets {
                let mut array = ArrayBuilder::new();
                for document in pipeline.run(shared(&all), &collections) {
                    array.push(RawBsonRef::Document(&document?))?;
                }
                let array = array.finish();
                let array = array.as_bson_or_null();
                if result.as_bytes().len() + size_of(array) > MAX_VALUE_BYTES {
                    return Err(too_large());
                }
                result.append(name, array);
            }
            check_document(&result)?;
            Ok(from_documents([result]))
        })
    }

    fn foreign_collections<'s>(&'s self, found: &mut Vec<&'s str>) {
        for (_, pipeline) in &self.facets {
            found.extend(pipeline.foreign_collections());
        }
    }
}

fn shared(documents: &Arc<Vec<RawDocumentBuf>>) -> Documents {
    let documents = Arc::clone(documents);
    let mut next = 0;
    Box::new(std::iter::from_fn(move || {
        let document = documents.get(next)?.clone();
        next += 1;
        Some(Ok(document))
    }))
}
