//! `$unwind`: a document for each item of an array.

use std::collections::BTreeSet;
use std::sync::Arc;

use bson::RawDocumentBuf;
use bson::raw::{RawBson, RawBsonRef};
use document::types::type_name;

use super::{Stage, Transform, location};
use crate::Result;
use crate::expression::{ParseContext, fields, items};
use crate::pipeline::paths::DocumentPath;
use crate::pipeline::{Collections, Documents};

#[derive(Debug)]
struct Unwind {
    path: DocumentPath,
    index: Option<DocumentPath>,
    preserve: bool,
}

pub(super) fn parse(
    _: &'static str,
    argument: RawBsonRef<'_>,
    _: &ParseContext,
    stages: &mut Vec<Stage>,
) -> Result<()> {
    let mut path = None;
    let mut index = None;
    let mut preserve = false;
    match argument {
        RawBsonRef::String(text) => path = Some(text),
        RawBsonRef::Document(options) => {
            for (name, value) in fields(options) {
                match (name.as_str(), value) {
                    ("path", RawBsonRef::String(text)) => path = Some(text),
                    ("path", other) => {
                        return Err(location(
                            28808,
                            format!(
                                "expected a string as the path for $unwind stage, got {}",
                                type_name(&other)
                            ),
                        ));
                    }
                    ("preserveNullAndEmptyArrays", RawBsonRef::Boolean(value)) => preserve = value,
                    ("preserveNullAndEmptyArrays", other) => {
                        return Err(location(
                            28809,
                            format!(
                                "expected a boolean for the preserveNullAndEmptyArrays option to \
                                 $unwind stage, got {}",
                                type_name(&other)
                            ),
                        ));
                    }
                    ("includeArrayIndex", RawBsonRef::String(text)) if !text.is_empty() => {
                        if text.starts_with('$') {
                            return Err(location(
                                28822,
                                "includeArrayIndex option to $unwind stage should not be prefixed \
                                 with a '$'",
                            ));
                        }
                        index = Some(DocumentPath::parse(text)?);
                    }
                    ("includeArrayIndex", other) => {
                        return Err(location(
                            28810,
                            format!(
                                "expected a non-empty string for the includeArrayIndex option to \
                                 $unwind stage, got {}",
                                type_name(&other)
                            ),
                        ));
                    }
                    (other, _) => {
                        return Err(location(
                            28811,
                            format!("unrecognized option to $unwind stage: {other}"),
                        ));
                    }
                }
            }
        }
        other => {
            return Err(location(
                15981,
                format!(
                    "expected either a string or an object as specification for $unwind stage, \
                     got {}",
                    type_name(&other)
                ),
            ));
        }
    }
    let path = path.ok_or_else(|| location(28812, "no path specified to $unwind stage"))?;
    let Some(path) = path.strip_prefix('$') else {
        return Err(location(
            28818,
            "path option to $unwind stage should be prefixed with a '$'",
        ));
    };
    stages.push(Stage::other(Unwind {
        path: DocumentPath::parse(path)?,
        index,
        preserve,
    }));
    Ok(())
}

impl Transform for Unwind {
    fn name(&self) -> &'static str {
        "$unwind"
    }

    fn run(self: Arc<Self>, input: Documents, _: &Arc<dyn Collections>) -> Documents {
        Box::new(input.flat_map(move |document| match document {
            Ok(document) => Arc::clone(&self).unwind(document),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }))
    }

    fn commutes_with_match_on(&self, fields: &BTreeSet<&str>) -> bool {
        !fields.contains(self.path.root())
            && !self
                .index
                .as_ref()
                .is_some_and(|index| fields.contains(index.root()))
    }
}

impl Unwind {
    fn unwind(self: Arc<Self>, document: RawDocumentBuf) -> Documents {
        let Some(RawBsonRef::Array(array)) = self.path.get(&document) else {
            return self.keep(document);
        };
        if array.is_empty() {
            return if self.preserve {
                Box::new(std::iter::once(Ok(
                    self.with_index(self.path.set(&document, None), None)
                )))
            } else {
                Box::new(std::iter::empty())
            };
        }
        let items: Vec<RawBson> = items(array).map(RawBson::from).collect();
        Box::new((0_i64..).zip(items).map(move |(position, item)| {
            let result = self.path.set(&document, Some(item.as_raw_bson_ref()));
            Ok(self.with_index(result, Some(position)))
        }))
    }

    /// A document without an array at the path: any other value stands for itself.
    fn keep(&self, document: RawDocumentBuf) -> Documents {
        let is_absent = matches!(
            self.path.get(&document),
            None | Some(RawBsonRef::Null | RawBsonRef::Undefined)
        );
        if is_absent && !self.preserve {
            return Box::new(std::iter::empty());
        }
        Box::new(std::iter::once(Ok(self.with_index(document, None))))
    }

    fn with_index(&self, document: RawDocumentBuf, position: Option<i64>) -> RawDocumentBuf {
        match &self.index {
            None => document,
            Some(index) => {
                let position = position.map_or(RawBsonRef::Null, RawBsonRef::Int64);
                index.set(&document, Some(position))
            }
        }
    }
}
