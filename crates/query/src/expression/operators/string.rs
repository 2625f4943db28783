//! `$concat`, `$toLower`, `$toUpper`, `$strcasecmp`, `$strLenBytes`, `$strLenCP`, `$split`.

use bson::raw::RawBsonRef;

use super::{Definition, Table, location};
use crate::Result;
use crate::expression::bounds::{ArrayBuilder, check_text};
use crate::expression::{Value, text};

pub(super) const TABLE: Table = &[
    (
        "$concat",
        Definition::Variadic {
            min: 0,
            max: usize::MAX,
            eval: concat,
        },
    ),
    // Only ASCII letters have a case here, as in MongoDB.
    (
        "$toLower",
        Definition::Unary(|value| Ok(text::coerce(&value)?.to_ascii_lowercase().into())),
    ),
    (
        "$toUpper",
        Definition::Unary(|value| Ok(text::coerce(&value)?.to_ascii_uppercase().into())),
    ),
    ("$strcasecmp", Definition::Binary(strcasecmp)),
    (
        "$strLenBytes",
        Definition::Unary(|value| length("$strLenBytes", 34473, &value, str::len)),
    ),
    (
        "$strLenCP",
        Definition::Unary(|value| length("$strLenCP", 34471, &value, |text| text.chars().count())),
    ),
    ("$split", Definition::Binary(split)),
];

fn concat<'c>(arguments: &mut [Value<'c>]) -> Result<Value<'c>> {
    let mut result = String::new();
    for argument in arguments {
        if argument.is_nullish() {
            return Ok(Value::NULL);
        }
        let text = argument.as_str().ok_or_else(|| {
            location(
                16702,
                format!(
                    "$concat only supports strings, not {}",
                    argument.type_name()
                ),
            )
        })?;
        check_text(result.len() + text.len())?;
        result.push_str(text);
    }
    Ok(result.into())
}

fn strcasecmp<'c>(left: Value<'c>, right: Value<'c>) -> Result<Value<'c>> {
    let left = text::coerce(&left)?.to_ascii_uppercase();
    let right = text::coerce(&right)?.to_ascii_uppercase();
    Ok((left.cmp(&right) as i32).into())
}

fn length<'c>(
    name: &str,
    code: i32,
    value: &Value<'_>,
    count: impl FnOnce(&str) -> usize,
) -> Result<Value<'c>> {
    let text = value.as_str().ok_or_else(|| {
        location(
            code,
            format!(
                "{name} requires a string argument, found: {}",
                value.type_name()
            ),
        )
    })?;
    // A value has fewer bytes than an int can count.
    Ok(i32::try_from(count(text)).unwrap_or(i32::MAX).into())
}

fn split<'c>(input: Value<'c>, separator: Value<'c>) -> Result<Value<'c>> {
    if input.is_nullish() || separator.is_nullish() {
        return Ok(Value::NULL);
    }
    let refuse = |code, which: &str, value: &Value<'_>| {
        location(
            code,
            format!(
                "$split requires an expression that evaluates to a string as a {which} argument, \
                 found: {}",
                value.type_name()
            ),
        )
    };
    let text = input
        .as_str()
        .ok_or_else(|| refuse(40085, "first", &input))?;
    let separator = separator
        .as_str()
        .ok_or_else(|| refuse(40086, "second", &separator))?;
    if separator.is_empty() {
        return Err(location(40087, "$split requires a non-empty separator"));
    }
    let mut parts = ArrayBuilder::new();
    for part in text.split(separator) {
        parts.push(RawBsonRef::String(part))?;
    }
    Ok(parts.finish())
}
