//! `$match`: the documents that pass a filter.

use std::sync::Arc;

use bson::RawDocument;
use bson::raw::RawBsonRef;

use super::{Stage, location};
use crate::Result;
use crate::expression::{EvalContext, Expr, ParseContext};
use crate::filter::{Matcher, Predicate};
use crate::pipeline::Documents;

/// `$expr` in a filter.
impl Predicate for Expr {
    fn eval(&self, document: &RawDocument) -> Result<bool> {
        Ok(Self::eval(self, &EvalContext::new(document))?.is_true())
    }
}

impl Expr {
    /// Compiles a filter whose `$expr` may use the variables of `context`.
    ///
    /// # Errors
    /// Those of [`Matcher::parse_with`] and [`Expr::parse`].
    pub fn filter(filter: &RawDocument, context: &ParseContext) -> Result<Matcher> {
        Matcher::parse_with(filter, &|argument: RawBsonRef<'_>| {
            let expression = Expr::parse(argument, context)?;
            Ok(Box::new(expression) as Box<dyn Predicate>)
        })
    }
}

/// Compiles a filter in a pipeline.
pub(in crate::pipeline) fn compile(
    filter: &RawDocument,
    context: &ParseContext,
) -> Result<Arc<Matcher>> {
    Expr::filter(filter, context).map(Arc::new)
}

pub(super) fn parse(
    _: &'static str,
    argument: RawBsonRef<'_>,
    context: &ParseContext,
    stages: &mut Vec<Stage>,
) -> Result<()> {
    let Some(filter) = argument.as_document() else {
        return Err(location(
            15959,
            "the match filter must be an expression in an object",
        ));
    };
    stages.push(Stage::Match(compile(filter, context)?));
    Ok(())
}

pub(super) fn run(matcher: Arc<Matcher>, input: Documents) -> Documents {
    Box::new(input.filter_map(move |document| match document {
        Ok(document) => match matcher.matches(&document) {
            Ok(true) => Some(Ok(document)),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        },
        Err(error) => Some(Err(error)),
    }))
}
