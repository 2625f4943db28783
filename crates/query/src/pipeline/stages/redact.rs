//! `$redact`: parts of documents, by an expression that is asked at each level.

use std::sync::Arc;

use bson::raw::RawBsonRef;
use bson::{RawArray, RawArrayBuf, RawDocument, RawDocumentBuf};

use super::{Stage, Transform, location};
use crate::Result;
use crate::expression::{EvalContext, Expr, ParseContext, fields, items};
use crate::pipeline::{Collections, Documents};

#[derive(Debug)]
struct Redact {
    expression: Expr,
}

pub(super) fn parse(
    _: &'static str,
    argument: RawBsonRef<'_>,
    context: &ParseContext,
    stages: &mut Vec<Stage>,
) -> Result<()> {
    let expression = Expr::parse(argument, context)?;
    stages.push(Stage::other(Redact { expression }));
    Ok(())
}

impl Transform for Redact {
    fn name(&self) -> &'static str {
        "$redact"
    }

    fn run(self: Arc<Self>, input: Documents, _: &Arc<dyn Collections>) -> Documents {
        Box::new(input.filter_map(move |document| {
            document
                .and_then(|document| {
                    let context = EvalContext::new(&document);
                    self.redact(&document, &context)
                })
                .transpose()
        }))
    }
}

impl Redact {
    fn redact(
        &self,
        document: &RawDocument,
        context: &EvalContext<'_>,
    ) -> Result<Option<RawDocumentBuf>> {
        // `$$DESCEND`, `$$PRUNE` and `$$KEEP` are these strings.
        let decision = self.expression.eval(context)?;
        match decision.as_str() {
            Some("keep") => Ok(Some(document.to_owned())),
            Some("prune") => Ok(None),
            Some("descend") => {
                let mut result = RawDocumentBuf::new();
                for (name, value) in fields(document) {
                    self.redact_value(value, context, &mut |value| result.append(name, value))?;
                }
                Ok(Some(result))
            }
            _ => Err(location(
                17053,
                "$redact's expression should not return anything aside from the variables \
                 $$KEEP, $$DESCEND, and $$PRUNE",
            )),
        }
    }

    fn redact_value(
        &self,
        value: RawBsonRef<'_>,
        context: &EvalContext<'_>,
        write: &mut dyn FnMut(RawBsonRef<'_>),
    ) -> Result<()> {
        match value {
            RawBsonRef::Document(inner) => {
                let context = context.with_current(RawBsonRef::Document(inner));
                if let Some(inner) = self.redact(inner, &context)? {
                    write(RawBsonRef::Document(&inner));
                }
            }
            RawBsonRef::Array(array) => {
                write(RawBsonRef::Array(&self.redact_items(array, context)?));
            }
            other => write(other),
        }
        Ok(())
    }

    fn redact_items(&self, array: &RawArray, context: &EvalContext<'_>) -> Result<RawArrayBuf> {
        let mut result = RawArrayBuf::new();
        for item in items(array) {
            self.redact_value(item, context, &mut |value| result.push(value))?;
        }
        Ok(result)
    }
}
