//! `$first`, `$last`, `$firstN`, `$lastN`, `$maxN`, `$minN` over an array.

use bson::raw::RawBsonRef;
use document::Number;

use super::array::item_at;
use super::{Definition, Field, Table, location, required, wrong_arity};
use crate::Result;
use crate::expression::bounds::ArrayBuilder;
use crate::expression::{Named, Value, items};

const FIELDS: &[Field] = &[required("n", 5_787_906), required("input", 5_787_907)];

const fn definition(eval: Named) -> Definition {
    Definition::Named {
        fields: FIELDS,
        not_object: 5_787_801,
        unknown: 5_787_901,
        eval,
    }
}

pub(super) const TABLE: Table = &[
    ("$first", Definition::Unary(|value| end("$first", value, 0))),
    ("$last", Definition::Unary(|value| end("$last", value, -1))),
    (
        "$firstN",
        definition(|arguments| some("$firstN", arguments, |all, n| all.truncate(n))),
    ),
    (
        "$lastN",
        definition(|arguments| {
            some("$lastN", arguments, |all, n| {
                all.drain(..all.len().saturating_sub(n));
            })
        }),
    ),
    (
        "$maxN",
        definition(|arguments| {
            some("$maxN", arguments, |all, n| {
                all.retain(|item| !matches!(item, RawBsonRef::Null | RawBsonRef::Undefined));
                all.sort_by(|left, right| document::compare(*right, *left));
                all.truncate(n);
            })
        }),
    ),
    (
        "$minN",
        definition(|arguments| {
            some("$minN", arguments, |all, n| {
                all.retain(|item| !matches!(item, RawBsonRef::Null | RawBsonRef::Undefined));
                all.sort_by(|left, right| document::compare(*left, *right));
                all.truncate(n);
            })
        }),
    ),
];

fn end<'c>(name: &str, value: Value<'c>, index: i32) -> Result<Value<'c>> {
    if value.is_nullish() {
        return Ok(Value::NULL);
    }
    if value.as_array().is_none() {
        return Err(location(
            28689,
            format!(
                "{name}'s argument must be an array, but is {}",
                value.type_name()
            ),
        ));
    }
    Ok(item_at(value, index))
}

/// The `n` of `$firstN` and its family, as an expression and as an accumulator.
pub(crate) fn count(name: &str, n: &Value<'_>) -> Result<usize> {
    let number = n
        .as_number()
        .and_then(Number::to_i64_exact)
        .ok_or_else(|| {
            location(
                5_787_902,
                format!(
                    "{name}: value for 'n' must be of integral type, but found a value of type {}",
                    n.type_name()
                ),
            )
        })?;
    usize::try_from(number)
        .ok()
        .filter(|n| *n > 0)
        .ok_or_else(|| {
            location(
                5_787_908,
                format!("{name}: 'n' must be greater than 0, found {number}"),
            )
        })
}

fn some<'c>(
    name: &str,
    arguments: &mut [Option<Value<'c>>],
    keep: impl for<'v> FnOnce(&mut Vec<RawBsonRef<'v>>, usize),
) -> Result<Value<'c>> {
    let [Some(n), Some(input)] = arguments else {
        return Err(wrong_arity());
    };
    let n = count(name, n)?;
    let array = input.as_array().ok_or_else(|| {
        location(
            5_788_200,
            format!(
                "{name}: 'input' must be an array, but found a value of type {}",
                input.type_name()
            ),
        )
    })?;
    let mut all: Vec<_> = items(array).collect();
    keep(&mut all, n);
    let mut result = ArrayBuilder::new();
    all.into_iter().try_for_each(|item| result.push(item))?;
    Ok(result.finish())
}
