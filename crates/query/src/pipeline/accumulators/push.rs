//! `$push`: an array of all values that are not missing.

use bson::raw::RawBsonRef;

use super::{Accumulator, Parsed};
use crate::Result;
use crate::expression::bounds::{ArrayBuilder, size_of};
use crate::expression::{EvalContext, ParseContext, Value};

pub(super) fn parse(
    name: &'static str,
    value: RawBsonRef<'_>,
    context: &ParseContext,
) -> Result<Parsed> {
    Parsed::unary(name, value, context, Push::default)
}

#[derive(Default)]
struct Push(ArrayBuilder);

impl Accumulator for Push {
    fn add(&mut self, value: Value<'_>, _: &EvalContext<'_>) -> Result<usize> {
        match value.as_bson() {
            None => Ok(0),
            Some(value) => {
                self.0.push(value)?;
                Ok(size_of(value) + 8)
            }
        }
    }

    fn finish(self: Box<Self>) -> Result<Value<'static>> {
        Ok(self.0.finish())
    }
}
