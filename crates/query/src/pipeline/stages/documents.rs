//! `$documents`: documents out of the pipeline itself.

use std::sync::Arc;

use bson::RawDocumentBuf;
use bson::raw::RawBsonRef;

use super::{Stage, Transform, location};
use crate::Result;
use crate::expression::{EvalContext, Expr, ParseContext, items};
use crate::pipeline::source::deferred;
use crate::pipeline::{Collections, Documents, from_documents};

#[derive(Debug)]
struct Literal {
    array: Expr,
}

pub(super) fn parse(
    _: &'static str,
    argument: RawBsonRef<'_>,
    context: &ParseContext,
    stages: &mut Vec<Stage>,
) -> Result<()> {
    let array = Expr::parse(argument, context)?;
    stages.push(Stage::other(Literal { array }));
    Ok(())
}

impl Transform for Literal {
    fn name(&self) -> &'static str {
        "$documents"
    }

    fn run(self: Arc<Self>, _: Documents, _: &Arc<dyn Collections>) -> Documents {
        deferred(move || {
            let nothing = RawDocumentBuf::new();
            let value = self.array.eval(&EvalContext::new(&nothing))?;
            let array = value.as_array().ok_or_else(|| {
                location(
                    5_858_203,
                    format!(
                        "$documents must be an array of documents, but is {}",
                        value.type_name()
                    ),
                )
            })?;
            let documents = items(array)
                .map(|item| match item {
                    RawBsonRef::Document(document) => Ok(document.to_owned()),
                    other => Err(location(
                        5_858_203,
                        format!(
                            "each item of $documents must be a document, but one is {}",
                            document::types::type_name(&other)
                        ),
                    )),
                })
                .collect::<Result<Vec<_>>>()?;
            Ok(from_documents(documents))
        })
    }
}
