//! `$replaceRoot`, `$replaceWith`: a document out of each document.

use std::sync::Arc;

use bson::raw::{RawBson, RawBsonRef};

use super::{Stage, Transform, location};
use crate::Result;
use crate::expression::bounds::check_document;
use crate::expression::{EvalContext, Expr, ParseContext, Value, fields};
use crate::pipeline::source::mapped;
use crate::pipeline::{Collections, Documents};

#[derive(Debug)]
struct ReplaceRoot {
    name: &'static str,
    new_root: Expr,
}

pub(super) fn parse_root(
    name: &'static str,
    argument: RawBsonRef<'_>,
    context: &ParseContext,
    stages: &mut Vec<Stage>,
) -> Result<()> {
    let Some(spec) = argument.as_document() else {
        return Err(location(
            40229,
            format!(
                "expected an object as specification for $replaceRoot stage, got {}",
                document::types::type_name(&argument)
            ),
        ));
    };
    let mut new_root = None;
    for (field, value) in fields(spec) {
        if field.as_str() != "newRoot" {
            return Err(location(
                40230,
                format!(
                    "unrecognized option to $replaceRoot stage: {}, only valid option is 'newRoot'.",
                    field.as_str()
                ),
            ));
        }
        new_root = Some(value);
    }
    match new_root {
        Some(new_root) => parse_with(name, new_root, context, stages),
        None => Err(location(
            40231,
            "no newRoot specified for the $replaceRoot stage",
        )),
    }
}

pub(super) fn parse_with(
    name: &'static str,
    argument: RawBsonRef<'_>,
    context: &ParseContext,
    stages: &mut Vec<Stage>,
) -> Result<()> {
    let new_root = Expr::parse(argument, context)?;
    stages.push(Stage::other(ReplaceRoot { name, new_root }));
    Ok(())
}

impl Transform for ReplaceRoot {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(self: Arc<Self>, input: Documents, _: &Arc<dyn Collections>) -> Documents {
        mapped(input, move |document| {
            let value = self.new_root.eval(&EvalContext::new(&document))?;
            match value {
                Value::Owned(RawBson::Document(new_root)) => {
                    check_document(&new_root)?;
                    Ok(new_root)
                }
                Value::Borrowed(RawBsonRef::Document(new_root)) => Ok(new_root.to_owned()),
                other => Err(location(
                    40228,
                    format!(
                        "'newRoot' expression must evaluate to an object, but the resulting \
                         value is of type '{}'",
                        other.type_name()
                    ),
                )),
            }
        })
    }
}
