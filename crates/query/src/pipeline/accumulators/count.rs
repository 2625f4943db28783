//! `$count`: of the documents. It takes an empty document.

use bson::raw::RawBsonRef;
use document::{ErrorCode, Number};

use super::{Accumulator, Parsed};
use crate::expression::{EvalContext, Expr, ParseContext, Value, statistics};
use crate::{Error, Result};

pub(super) fn parse(name: &'static str, value: RawBsonRef<'_>, _: &ParseContext) -> Result<Parsed> {
    if !value.as_document().is_some_and(bson::RawDocument::is_empty) {
        return Err(Error::new(
            ErrorCode::TypeMismatch,
            format!("{name} takes no arguments, i.e. {name}:{{}}"),
        ));
    }
    Ok(Parsed {
        argument: Expr::constant(bson::raw::RawBson::Null),
        start: Box::new(|_| Ok(Box::new(Count::default()))),
    })
}

#[derive(Default)]
struct Count(statistics::Sum);

impl Accumulator for Count {
    fn add(&mut self, _: Value<'_>, _: &EvalContext<'_>) -> Result<usize> {
        self.0.add(Number::Int32(1));
        Ok(0)
    }

    fn finish(self: Box<Self>) -> Result<Value<'static>> {
        Ok(self.0.total().into())
    }
}
