//! `$substrBytes` (and its old name `$substr`), `$substrCP`.

use document::Number;

use super::{Definition, Table, location, wrong_arity};
use crate::Result;
use crate::expression::{Value, text};

pub(super) const TABLE: Table = &[
    (
        "$substr",
        Definition::Variadic {
            min: 3,
            max: 3,
            eval: by_bytes,
        },
    ),
    (
        "$substrBytes",
        Definition::Variadic {
            min: 3,
            max: 3,
            eval: by_bytes,
        },
    ),
    (
        "$substrCP",
        Definition::Variadic {
            min: 3,
            max: 3,
            eval: by_code_points,
        },
    ),
];

fn by_bytes<'c>(arguments: &mut [Value<'c>]) -> Result<Value<'c>> {
    let [input, start, length] = arguments else {
        return Err(wrong_arity());
    };
    let number = |code, which: &str, value: &Value<'_>| -> Result<i64> {
        let number = value.as_number().ok_or_else(|| {
            location(
                code,
                format!(
                    "$substrBytes: {which} must be a numeric type (is BSON type {})",
                    value.type_name()
                ),
            )
        })?;
        Ok(truncate(number))
    };
    let start = number(16034, "starting index", start)?;
    let length = number(16035, "length", length)?;
    let start = usize::try_from(start)
        .map_err(|_| location(50752, "$substrBytes: starting index must be non-negative"))?;
    let text = text::coerce(input)?;
    if start >= text.len() {
        return Ok(String::new().into());
    }
    // A negative length means the rest.
    let end = usize::try_from(length)
        .ok()
        .and_then(|length| start.checked_add(length))
        .map_or(text.len(), |end| end.min(text.len()));
    if !text.is_char_boundary(start) {
        return Err(location(
            28656,
            "$substrBytes: Invalid range, starting index is a UTF-8 continuation byte.",
        ));
    }
    if !text.is_char_boundary(end) {
        return Err(location(
            28657,
            "$substrBytes: Invalid range, ending index is in the middle of a UTF-8 character.",
        ));
    }
    Ok(text.get(start..end).unwrap_or_default().to_owned().into())
}

/// The number without its fraction, as a 64-bit integer; out of range it stays at the end.
fn truncate(number: Number) -> i64 {
    match number {
        Number::Int32(value) => i64::from(value),
        Number::Int64(value) => value,
        Number::Double(value) => value as i64,
        Number::Decimal(_) => number
            .to_i64_exact()
            .unwrap_or_else(|| number.to_f64() as i64),
    }
}

fn by_code_points<'c>(arguments: &mut [Value<'c>]) -> Result<Value<'c>> {
    let [input, start, length] = arguments else {
        return Err(wrong_arity());
    };
    let number = |not_numeric, not_int, negative, which: &str, value: &Value<'_>| {
        let number = value.as_number().ok_or_else(|| {
            location(
                not_numeric,
                format!(
                    "$substrCP: {which} must be a numeric type (is BSON type {})",
                    value.type_name()
                ),
            )
        })?;
        let number = number
            .to_i64_exact()
            .and_then(|number| i32::try_from(number).ok())
            .ok_or_else(|| {
                location(
                    not_int,
                    format!("$substrCP: {which} cannot be represented as a 32-bit integral value"),
                )
            })?;
        usize::try_from(number).map_err(|_| {
            location(
                negative,
                format!("$substrCP: {which} must be a nonnegative integer."),
            )
        })
    };
    let start = number(34450, 34451, 34455, "starting index", start)?;
    let length = number(34452, 34453, 34454, "length", length)?;
    let text = text::coerce(input)?;
    Ok(text
        .chars()
        .skip(start)
        .take(length)
        .collect::<String>()
        .into())
}
