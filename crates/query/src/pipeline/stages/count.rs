//! `$count`: one document with the number of documents, none if there are none.

use std::sync::Arc;

use bson::RawDocumentBuf;
use bson::raw::{CString, RawBsonRef};

use super::{Stage, Transform, location};
use crate::Result;
use crate::expression::ParseContext;
use crate::pipeline::source::deferred;
use crate::pipeline::{Collections, Documents, from_documents};

#[derive(Debug)]
struct Count {
    field: CString,
}

pub(super) fn parse(
    _: &'static str,
    argument: RawBsonRef<'_>,
    _: &ParseContext,
    stages: &mut Vec<Stage>,
) -> Result<()> {
    let Some(field) = argument.as_str() else {
        return Err(location(
            40156,
            "the count field must be a non-empty string",
        ));
    };
    if field.is_empty() {
        return Err(location(
            40157,
            "the count field must be a non-empty string",
        ));
    }
    if field.starts_with('$') {
        return Err(location(
            40158,
            "the count field cannot be a $-prefixed path",
        ));
    }
    if field.contains('.') {
        return Err(location(40160, "the count field cannot contain '.'"));
    }
    let field = CString::try_from(field)
        .map_err(|_| location(40159, "the count field cannot contain a null byte"))?;
    stages.push(Stage::other(Count { field }));
    Ok(())
}

impl Transform for Count {
    fn name(&self) -> &'static str {
        "$count"
    }

    fn run(self: Arc<Self>, input: Documents, _: &Arc<dyn Collections>) -> Documents {
        deferred(move || {
            let mut count = 0_i64;
            for document in input {
                document?;
                count += 1;
            }
            let mut result = RawDocumentBuf::new();
            match i32::try_from(count) {
                Ok(0) => return Ok(from_documents([])),
                Ok(count) => result.append(&self.field, count),
                Err(_) => result.append(&self.field, count),
            }
            Ok(from_documents([result]))
        })
    }
}
