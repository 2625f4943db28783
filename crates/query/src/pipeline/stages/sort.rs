//! `$sort`: all documents in an order, or with a `$limit` behind it the first ones.

use std::sync::Arc;

use bson::raw::RawBsonRef;

use super::{Stage, location};
use crate::Result;
use crate::expression::{ParseContext, fields};
use crate::pipeline::source::deferred;
use crate::pipeline::{Documents, from_documents};
use crate::sort::{SortSpec, Sorter};

/// A `$sort` stage.
#[derive(Debug, Clone)]
pub(crate) struct Sort {
    pub(crate) spec: SortSpec,
    /// How many documents are wanted of it, if a `$limit` follows.
    pub(crate) limit: Option<u64>,
    pub(crate) memory_limit_bytes: usize,
}

pub(super) fn parse(
    _: &'static str,
    argument: RawBsonRef<'_>,
    context: &ParseContext,
    stages: &mut Vec<Stage>,
) -> Result<()> {
    let Some(spec) = argument.as_document() else {
        return Err(location(
            15973,
            "the $sort key specification must be an object",
        ));
    };
    if fields(spec).next().is_none() {
        return Err(location(
            15976,
            "$sort stage must have at least one sort key",
        ));
    }
    let spec = SortSpec::parse(spec)?;
    if spec.natural().is_some() {
        return Err(location(
            16410,
            "FieldPath field names may not start with '$': $sort takes no $natural, use a hint",
        ));
    }
    stages.push(Stage::Sort(Arc::new(Sort {
        spec,
        limit: None,
        memory_limit_bytes: context.memory_limit_bytes,
    })));
    Ok(())
}

pub(super) fn run(sort: Arc<Sort>, input: Documents) -> Documents {
    deferred(move || {
        let limit = sort.limit.and_then(|limit| usize::try_from(limit).ok());
        let mut sorter = Sorter::with_memory(&sort.spec, limit, sort.memory_limit_bytes);
        for document in input {
            let document = document?;
            let bytes = document.as_bytes().len();
            sorter.push(&document, bytes, || document.clone())?;
        }
        let sorted: Vec<_> = sorter.finish().collect();
        Ok(from_documents(sorted))
    })
}
