//! Arrays: `$arrayElemAt`, `$concatArrays`, `$in`, `$indexOfArray`, `$isArray`, `$range`,
//! `$reverseArray`, `$size`, `$slice`.

use bson::RawArray;
use bson::raw::RawBsonRef;
use document::{ErrorCode, Number};

use super::text_search::{as_index, position};
use super::{Definition, Table, location, wrong_arity};
use crate::expression::bounds::{ArrayBuilder, MAX_VALUE_BYTES};
use crate::expression::{Value, items};
use crate::{Error, Result};

pub(super) const TABLE: Table = &[
    ("$arrayElemAt", Definition::Binary(array_elem_at)),
    (
        "$concatArrays",
        Definition::Variadic {
            min: 0,
            max: usize::MAX,
            eval: concat_arrays,
        },
    ),
    ("$in", Definition::Binary(is_in)),
    (
        "$indexOfArray",
        Definition::Variadic {
            min: 2,
            max: 4,
            eval: index_of_array,
        },
    ),
    (
        "$isArray",
        Definition::Unary(|value| Ok(value.as_array().is_some().into())),
    ),
    (
        "$range",
        Definition::Variadic {
            min: 2,
            max: 3,
            eval: range,
        },
    ),
    ("$reverseArray", Definition::Unary(reverse_array)),
    ("$size", Definition::Unary(size)),
    (
        "$slice",
        Definition::Variadic {
            min: 2,
            max: 3,
            eval: slice,
        },
    ),
];

fn to_i32(value: &Value<'_>) -> Option<i32> {
    value
        .as_number()
        .and_then(Number::to_i64_exact)
        .and_then(|number| i32::try_from(number).ok())
}

/// The position that `index` means in an array of `len` items: from the end if it is negative.
fn resolve(index: i32, len: impl FnOnce() -> usize) -> Option<usize> {
    usize::try_from(index)
        .ok()
        .or_else(|| len().checked_sub(index.unsigned_abs() as usize))
}

/// The item at a position: borrowed from where the array is.
pub(super) fn item_at<'c>(array: Value<'c>, index: i32) -> Value<'c> {
    array.part(|array| {
        let array = array.as_array()?;
        let index = resolve(index, || items(array).count())?;
        items(array).nth(index)
    })
}

fn array_elem_at<'c>(array: Value<'c>, index: Value<'c>) -> Result<Value<'c>> {
    if array.is_nullish() || index.is_nullish() {
        return Ok(Value::NULL);
    }
    if array.as_array().is_none() {
        return Err(location(
            28689,
            format!(
                "$arrayElemAt's first argument must be an array, but is {}",
                array.type_name()
            ),
        ));
    }
    if index.as_number().is_none() {
        return Err(location(
            28690,
            format!(
                "$arrayElemAt's second argument must be a numeric value, but is {}",
                index.type_name()
            ),
        ));
    }
    let index = to_i32(&index).ok_or_else(|| {
        location(
            28691,
            "$arrayElemAt's second argument must be representable as a 32-bit integer",
        )
    })?;
    Ok(item_at(array, index))
}

fn concat_arrays<'c>(arguments: &mut [Value<'c>]) -> Result<Value<'c>> {
    let mut result = ArrayBuilder::new();
    for argument in arguments {
        if argument.is_nullish() {
            return Ok(Value::NULL);
        }
        let array = argument.as_array().ok_or_else(|| {
            location(
                28664,
                format!(
                    "$concatArrays only supports arrays, not {}",
                    argument.type_name()
                ),
            )
        })?;
        result.extend(array)?;
    }
    Ok(result.finish())
}

fn is_in<'c>(value: Value<'c>, array: Value<'c>) -> Result<Value<'c>> {
    let items = array.as_array().ok_or_else(|| {
        location(
            40081,
            format!(
                "$in requires an array as a second argument, found: {}",
                array.type_name()
            ),
        )
    })?;
    Ok(position_of(items, &value, 0, usize::MAX).is_some().into())
}

fn position_of(array: &RawArray, value: &Value<'_>, start: usize, end: usize) -> Option<usize> {
    let value = value.as_bson()?;
    items(array)
        .enumerate()
        .take(end)
        .skip(start)
        .find(|(_, item)| document::compare(*item, value).is_eq())
        .map(|(index, _)| index)
}

fn index_of_array<'c>(arguments: &mut [Value<'c>]) -> Result<Value<'c>> {
    let (Some(array), Some(value)) = (arguments.first(), arguments.get(1)) else {
        return Err(wrong_arity());
    };
    if array.is_nullish() {
        return Ok(Value::NULL);
    }
    let items = array.as_array().ok_or_else(|| {
        location(
            40090,
            format!(
                "$indexOfArray requires an array as a first argument, found: {}",
                array.type_name()
            ),
        )
    })?;
    let start = match arguments.get(2) {
        None => 0,
        Some(start) => position("$indexOfArray", "starting index", start)?,
    };
    let end = match arguments.get(3) {
        None => usize::MAX,
        Some(end) => position("$indexOfArray", "ending index", end)?,
    };
    Ok(as_index(position_of(items, value, start, end)))
}

/// The most numbers in a `$range`: what fits a value, at the fewest bytes that an item takes.
const MAX_RANGE: u64 = (MAX_VALUE_BYTES / 7) as u64;

fn range<'c>(arguments: &mut [Value<'c>]) -> Result<Value<'c>> {
    let number = |index: usize, codes: (i32, i32), which: &str| -> Result<i32> {
        let value = arguments.get(index).ok_or_else(wrong_arity)?;
        if value.as_number().is_none() {
            return Err(location(
                codes.0,
                format!(
                    "$range requires a numeric {which} value, found value of type: {}",
                    value.type_name()
                ),
            ));
        }
        to_i32(value).ok_or_else(|| {
            location(
                codes.1,
                format!(
                    "$range requires a {which} value that can be represented as a 32-bit integer"
                ),
            )
        })
    };
    let start = i64::from(number(0, (34443, 34444), "starting")?);
    let end = i64::from(number(1, (34445, 34446), "ending")?);
    let step = match arguments.len() {
        2 => 1,
        _ => i64::from(number(2, (34447, 34448), "step")?),
    };
    if step == 0 {
        return Err(location(34449, "$range requires a non-zero step value"));
    }
    let distance = if step > 0 { end - start } else { start - end };
    let count = u64::try_from(distance)
        .unwrap_or(0)
        .div_ceil(step.unsigned_abs());
    if count > MAX_RANGE {
        return Err(Error::new(
            ErrorCode::ExceededMemoryLimit,
            format!("$range would make {count} numbers, which takes too much memory"),
        ));
    }
    let mut result = ArrayBuilder::new();
    let mut value = start;
    for _ in 0..count {
        result.push(RawBsonRef::Int32(i32::try_from(value).unwrap_or(i32::MAX)))?;
        value += step;
    }
    Ok(result.finish())
}

fn reverse_array<'c>(value: Value<'c>) -> Result<Value<'c>> {
    if value.is_nullish() {
        return Ok(Value::NULL);
    }
    let array = value.as_array().ok_or_else(|| {
        location(
            34435,
            format!(
                "The argument to $reverseArray must be an array, but was of type: {}",
                value.type_name()
            ),
        )
    })?;
    let all: Vec<_> = items(array).collect();
    let mut reversed = ArrayBuilder::new();
    for item in all.into_iter().rev() {
        reversed.push(item)?;
    }
    Ok(reversed.finish())
}

fn size<'c>(value: Value<'c>) -> Result<Value<'c>> {
    let array = value.as_array().ok_or_else(|| {
        location(
            17124,
            format!(
                "The argument to $size must be an array, but was of type: {}",
                value.type_name()
            ),
        )
    })?;
    let count = array
        .iter_elements()
        .map_while(std::result::Result::ok)
        .count();
    Ok(i32::try_from(count).unwrap_or(i32::MAX).into())
}

fn slice<'c>(arguments: &mut [Value<'c>]) -> Result<Value<'c>> {
    let (Some(input), Some(second), third) =
        (arguments.first(), arguments.get(1), arguments.get(2))
    else {
        return Err(wrong_arity());
    };
    if arguments.iter().any(Value::is_nullish) {
        return Ok(Value::NULL);
    }
    let array = input.as_array().ok_or_else(|| {
        location(
            28724,
            format!(
                "First argument to $slice must be an array, but is of type: {}",
                input.type_name()
            ),
        )
    })?;
    let number = |value: &Value<'_>, codes: (i32, i32), which: &str| -> Result<i32> {
        if value.as_number().is_none() {
            return Err(location(
                codes.0,
                format!(
                    "{which} argument to $slice must be a numeric value, but is of type: {}",
                    value.type_name()
                ),
            ));
        }
        to_i32(value).ok_or_else(|| {
            location(
                codes.1,
                format!("{which} argument to $slice can't be represented as a 32-bit integer"),
            )
        })
    };
    let second = number(second, (28725, 28726), "Second")?;
    let len = items(array).count();
    let (start, count) = match third {
        None if second < 0 => (resolve(second, || len).unwrap_or(0), usize::MAX),
        None => (0, usize::try_from(second).unwrap_or(0)),
        Some(third) => {
            let count = number(third, (28727, 28728), "Third")?;
            let count = usize::try_from(count)
                .ok()
                .filter(|count| *count > 0)
                .ok_or_else(|| {
                    location(
                        28729,
                        format!("Third argument to $slice must be positive: {count}"),
                    )
                })?;
            (resolve(second, || len).unwrap_or(0), count)
        }
    };
    let mut result = ArrayBuilder::new();
    for item in items(array).skip(start).take(count) {
        result.push(item)?;
    }
    Ok(result.finish())
}
