//! `$top`, `$topN`, `$bottom`, `$bottomN`: values of the documents at an end of an order.

use std::sync::Arc;

use bson::raw::{RawBson, RawBsonRef};

use super::first_n::{HowMany, array_of, held};
use super::{Accumulator, Parsed, location};
use crate::Result;
use crate::expression::{EvalContext, Expr, ParseContext, Value, fields};
use crate::sort::{SortKey, SortSpec};

pub(super) fn parse_top(
    name: &'static str,
    value: RawBsonRef<'_>,
    context: &ParseContext,
) -> Result<Parsed> {
    parse(name, value, context, true, true)
}

pub(super) fn parse_top_n(
    name: &'static str,
    value: RawBsonRef<'_>,
    context: &ParseContext,
) -> Result<Parsed> {
    parse(name, value, context, true, false)
}

pub(super) fn parse_bottom(
    name: &'static str,
    value: RawBsonRef<'_>,
    context: &ParseContext,
) -> Result<Parsed> {
    parse(name, value, context, false, true)
}

pub(super) fn parse_bottom_n(
    name: &'static str,
    value: RawBsonRef<'_>,
    context: &ParseContext,
) -> Result<Parsed> {
    parse(name, value, context, false, false)
}

fn parse(
    name: &'static str,
    value: RawBsonRef<'_>,
    context: &ParseContext,
    is_top: bool,
    is_single: bool,
) -> Result<Parsed> {
    let Some(spec) = value.as_document() else {
        return Err(location(
            5_788_001,
            format!("specification must be an object for {name}"),
        ));
    };
    let mut output = None;
    let mut sort_by = None;
    let mut n = None;
    for (field, value) in fields(spec) {
        match (field.as_str(), value) {
            ("output", value) => output = Some(Expr::parse(value, context)?),
            ("sortBy", RawBsonRef::Document(spec)) => sort_by = Some(SortSpec::parse(spec)?),
            ("sortBy", other) => {
                return Err(location(
                    5_788_604,
                    format!(
                        "{name}: 'sortBy' must be an object, found {}",
                        document::types::type_name(&other)
                    ),
                ));
            }
            ("n", value) if !is_single => n = Some(HowMany::parse(name, value, context)?),
            (other, _) => {
                return Err(location(
                    5_788_002,
                    format!("{name} found an unknown argument: {other}"),
                ));
            }
        }
    }
    let missing =
        |code, field: &str| location(code, format!("Missing value for '{field}' in {name}"));
    let argument = output.ok_or_else(|| missing(5_788_004, "output"))?;
    let order = Arc::new(sort_by.ok_or_else(|| missing(5_788_005, "sortBy"))?);
    if n.is_none() && !is_single {
        return Err(missing(5_788_003, "n"));
    }
    Ok(Parsed {
        argument,
        start: Box::new(move |id| {
            let n = match &n {
                None => 1,
                Some(n) => n.of_group(id)?,
            };
            Ok(Box::new(Ranked {
                order: Arc::clone(&order),
                entries: Vec::new(),
                n,
                is_top,
                is_single,
            }))
        }),
    })
}

struct Ranked {
    order: Arc<SortSpec>,
    /// In the order; the first or last `n` of what came.
    entries: Vec<(SortKey, RawBson)>,
    n: usize,
    is_top: bool,
    is_single: bool,
}

impl Accumulator for Ranked {
    fn add(&mut self, value: Value<'_>, context: &EvalContext<'_>) -> Result<usize> {
        let key = self.order.key(context.root())?;
        let place = self
            .entries
            .partition_point(|(held, _)| self.order.compare_keys(held, &key).is_le());
        let is_full = self.entries.len() >= self.n;
        if is_full && (self.is_top && place >= self.n || !self.is_top && place == 0) {
            return Ok(0);
        }
        let size = |(key, value): &(SortKey, RawBson)| key.size_bytes() + held(value);
        let entry = (key, value.into_raw_or_null());
        let mut grown = size(&entry);
        self.entries.insert(place, entry);
        if is_full {
            let dropped = if self.is_top {
                self.entries.pop()
            } else {
                Some(self.entries.remove(0))
            };
            grown = grown.saturating_sub(dropped.as_ref().map_or(0, size));
        }
        Ok(grown)
    }

    fn finish(self: Box<Self>) -> Result<Value<'static>> {
        let mut values = self.entries.into_iter().map(|(_, value)| value);
        if self.is_single {
            return Ok(values.next().map_or(Value::NULL, Value::Owned));
        }
        array_of(values)
    }
}
