//! `$first`, `$last`: of the documents as they come; null where the field is missing.

use bson::raw::RawBsonRef;

use super::{Accumulator, Parsed};
use crate::Result;
use crate::expression::bounds::size_of;
use crate::expression::{EvalContext, ParseContext, Value};

pub(super) fn parse_first(
    name: &'static str,
    value: RawBsonRef<'_>,
    context: &ParseContext,
) -> Result<Parsed> {
    Parsed::unary(name, value, context, || End {
        value: None,
        is_last: false,
    })
}

pub(super) fn parse_last(
    name: &'static str,
    value: RawBsonRef<'_>,
    context: &ParseContext,
) -> Result<Parsed> {
    Parsed::unary(name, value, context, || End {
        value: None,
        is_last: true,
    })
}

struct End {
    value: Option<Value<'static>>,
    is_last: bool,
}

impl Accumulator for End {
    fn add(&mut self, value: Value<'_>, _: &EvalContext<'_>) -> Result<usize> {
        if self.value.is_some() && !self.is_last {
            return Ok(0);
        }
        let size = |value: &Value<'_>| value.as_bson().map_or(0, size_of);
        let held = self.value.as_ref().map_or(0, size);
        let value = value.into_owned();
        let grown = size(&value).saturating_sub(held);
        self.value = Some(value);
        Ok(grown)
    }

    fn finish(self: Box<Self>) -> Result<Value<'static>> {
        Ok(self.value.unwrap_or(Value::Missing))
    }
}
