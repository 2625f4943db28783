//! `$addToSet`: an array of the distinct values that are not missing, in the order they came.

use std::collections::HashSet;

use bson::raw::RawBsonRef;

use super::{Accumulator, Parsed};
use crate::Result;
use crate::expression::bounds::{ArrayBuilder, size_of};
use crate::expression::key::{Key, key_of};
use crate::expression::{EvalContext, ParseContext, Value};

pub(super) fn parse(
    name: &'static str,
    value: RawBsonRef<'_>,
    context: &ParseContext,
) -> Result<Parsed> {
    Parsed::unary(name, value, context, AddToSet::default)
}

#[derive(Default)]
struct AddToSet {
    seen: HashSet<Key>,
    values: ArrayBuilder,
}

impl Accumulator for AddToSet {
    fn add(&mut self, value: Value<'_>, _: &EvalContext<'_>) -> Result<usize> {
        let Some(value) = value.as_bson() else {
            return Ok(0);
        };
        let key = key_of(Some(value));
        let key_bytes = key.len() + 32;
        if !self.seen.insert(key) {
            return Ok(0);
        }
        self.values.push(value)?;
        Ok(size_of(value) + 8 + key_bytes)
    }

    fn finish(self: Box<Self>) -> Result<Value<'static>> {
        Ok(self.values.finish())
    }
}
