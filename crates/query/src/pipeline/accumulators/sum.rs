//! `$sum`: of the numbers; what is none counts as nothing.

use bson::raw::RawBsonRef;

use super::{Accumulator, Parsed};
use crate::Result;
use crate::expression::{EvalContext, ParseContext, Value, statistics};

pub(super) fn parse(
    name: &'static str,
    value: RawBsonRef<'_>,
    context: &ParseContext,
) -> Result<Parsed> {
    Parsed::unary(name, value, context, Sum::default)
}

#[derive(Default)]
struct Sum(statistics::Sum);

impl Accumulator for Sum {
    fn add(&mut self, value: Value<'_>, _: &EvalContext<'_>) -> Result<usize> {
        if let Some(number) = value.as_number() {
            self.0.add(number);
        }
        Ok(0)
    }

    fn finish(self: Box<Self>) -> Result<Value<'static>> {
        Ok(self.0.total().into())
    }
}
