//! `$avg`: of the numbers; null if there are none.

use bson::raw::RawBsonRef;

use super::{Accumulator, Parsed};
use crate::Result;
use crate::expression::statistics::Average;
use crate::expression::{EvalContext, ParseContext, Value};

pub(super) fn parse(
    name: &'static str,
    value: RawBsonRef<'_>,
    context: &ParseContext,
) -> Result<Parsed> {
    Parsed::unary(name, value, context, Avg::default)
}

#[derive(Default)]
struct Avg(Average);

impl Accumulator for Avg {
    fn add(&mut self, value: Value<'_>, _: &EvalContext<'_>) -> Result<usize> {
        if let Some(number) = value.as_number() {
            self.0.add(number);
        }
        Ok(0)
    }

    fn finish(self: Box<Self>) -> Result<Value<'static>> {
        Ok(self.0.result().map_or(Value::NULL, Value::from))
    }
}
