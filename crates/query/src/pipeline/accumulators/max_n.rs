//! `$maxN`, `$minN`: some values from an end of MongoDB's order; null and missing do not count.

use std::cmp::Ordering;

use bson::raw::{RawBson, RawBsonRef};

use super::first_n::{array_of, held, parse_n};
use super::{Accumulator, Parsed};
use crate::Result;
use crate::expression::{EvalContext, ParseContext, Value};

pub(super) fn parse_max(
    name: &'static str,
    value: RawBsonRef<'_>,
    context: &ParseContext,
) -> Result<Parsed> {
    parse(name, value, context, true)
}

pub(super) fn parse_min(
    name: &'static str,
    value: RawBsonRef<'_>,
    context: &ParseContext,
) -> Result<Parsed> {
    parse(name, value, context, false)
}

fn parse(
    name: &'static str,
    value: RawBsonRef<'_>,
    context: &ParseContext,
    is_max: bool,
) -> Result<Parsed> {
    let (input, n) = parse_n(name, value, context)?;
    Ok(Parsed {
        argument: input,
        start: Box::new(move |id| {
            Ok(Box::new(Extremes {
                values: Vec::new(),
                n: n.of_group(id)?,
                is_max,
            }))
        }),
    })
}

struct Extremes {
    /// The best first.
    values: Vec<RawBson>,
    n: usize,
    is_max: bool,
}

impl Extremes {
    fn order(&self, left: RawBsonRef<'_>, right: RawBsonRef<'_>) -> Ordering {
        let order = document::compare(left, right);
        if self.is_max { order.reverse() } else { order }
    }
}

impl Accumulator for Extremes {
    fn add(&mut self, value: Value<'_>, _: &EvalContext<'_>) -> Result<usize> {
        if value.is_nullish() {
            return Ok(0);
        }
        let new = value.as_bson_or_null();
        let place = self
            .values
            .partition_point(|held| self.order(held.as_raw_bson_ref(), new).is_le());
        if place >= self.n {
            return Ok(0);
        }
        let value = value.into_raw_or_null();
        let mut grown = held(&value);
        self.values.insert(place, value);
        if self.values.len() > self.n
            && let Some(worst) = self.values.pop()
        {
            grown = grown.saturating_sub(held(&worst));
        }
        Ok(grown)
    }

    fn finish(self: Box<Self>) -> Result<Value<'static>> {
        array_of(self.values)
    }
}
