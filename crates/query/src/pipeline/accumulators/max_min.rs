//! `$max`, `$min`: in MongoDB's order over all types; null and missing do not count.

use std::cmp::Ordering;

use bson::raw::RawBsonRef;

use super::{Accumulator, Parsed};
use crate::Result;
use crate::expression::bounds::size_of;
use crate::expression::{EvalContext, ParseContext, Value};

pub(super) fn parse_max(
    name: &'static str,
    value: RawBsonRef<'_>,
    context: &ParseContext,
) -> Result<Parsed> {
    Parsed::unary(name, value, context, || Extreme::new(Ordering::Greater))
}

pub(super) fn parse_min(
    name: &'static str,
    value: RawBsonRef<'_>,
    context: &ParseContext,
) -> Result<Parsed> {
    Parsed::unary(name, value, context, || Extreme::new(Ordering::Less))
}

struct Extreme {
    best: Value<'static>,
    /// How a better value compares to the best so far.
    better: Ordering,
}

impl Extreme {
    const fn new(better: Ordering) -> Self {
        Self {
            best: Value::Missing,
            better,
        }
    }
}

impl Accumulator for Extreme {
    fn add(&mut self, value: Value<'_>, _: &EvalContext<'_>) -> Result<usize> {
        if value.is_nullish() || !self.best.is_missing() && value.compare(&self.best) != self.better
        {
            return Ok(0);
        }
        let held = self.best.as_bson().map_or(0, size_of);
        self.best = value.into_owned();
        Ok(self.best.as_bson().map_or(0, size_of).saturating_sub(held))
    }

    fn finish(self: Box<Self>) -> Result<Value<'static>> {
        Ok(self.best)
    }
}
