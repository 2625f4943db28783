//! `$indexOfBytes`, `$indexOfCP`: where one string lies in another.

use super::{Definition, Table, location, wrong_arity};
use crate::Result;
use crate::expression::Value;

pub(super) const TABLE: Table = &[
    (
        "$indexOfBytes",
        Definition::Variadic {
            min: 2,
            max: 4,
            eval: index_of_bytes,
        },
    ),
    (
        "$indexOfCP",
        Definition::Variadic {
            min: 2,
            max: 4,
            eval: index_of_code_points,
        },
    ),
];

/// A position in a string or an array: an integer that is not negative.
pub(super) fn position(name: &str, which: &str, value: &Value<'_>) -> Result<usize> {
    let number = value
        .as_number()
        .and_then(document::Number::to_i64_exact)
        .and_then(|number| i32::try_from(number).ok())
        .ok_or_else(|| {
            location(
                40096,
                format!(
                    "{name} requires an integral {which}, found a value of type: {}",
                    value.type_name()
                ),
            )
        })?;
    usize::try_from(number).map_err(|_| {
        location(
            40097,
            format!("{name} requires a nonnegative {which}, found: {number}"),
        )
    })
}

/// The text, the text to find, and the range of positions to look in.
type Search<'v> = Option<(&'v str, &'v str, usize, usize)>;

fn search<'v>(name: &str, codes: (i32, i32), arguments: &'v [Value<'_>]) -> Result<Search<'v>> {
    let (Some(input), Some(token)) = (arguments.first(), arguments.get(1)) else {
        return Err(wrong_arity());
    };
    if input.is_nullish() {
        return Ok(None);
    }
    let refuse = |code, which: &str, value: &Value<'_>| {
        location(
            code,
            format!(
                "{name} requires a string as the {which} argument, found: {}",
                value.type_name()
            ),
        )
    };
    let text = input
        .as_str()
        .ok_or_else(|| refuse(codes.0, "first", input))?;
    let token = token
        .as_str()
        .ok_or_else(|| refuse(codes.1, "second", token))?;
    let start = match arguments.get(2) {
        None => 0,
        Some(start) => position(name, "starting index", start)?,
    };
    let end = match arguments.get(3) {
        None => usize::MAX,
        Some(end) => position(name, "ending index", end)?,
    };
    Ok(Some((text, token, start, end)))
}

fn index_of_bytes<'c>(arguments: &mut [Value<'c>]) -> Result<Value<'c>> {
    let Some((text, token, start, end)) = search("$indexOfBytes", (40091, 40092), arguments)?
    else {
        return Ok(Value::NULL);
    };
    let end = end.min(text.len());
    let found = text
        .as_bytes()
        .get(start..end)
        .and_then(|range| find(range, token.as_bytes()));
    Ok(as_index(found.map(|index| index + start)))
}

fn index_of_code_points<'c>(arguments: &mut [Value<'c>]) -> Result<Value<'c>> {
    let Some((text, token, start, end)) = search("$indexOfCP", (40093, 40094), arguments)? else {
        return Ok(Value::NULL);
    };
    let byte_of = |position: usize| {
        text.char_indices()
            .map(|(byte, _)| byte)
            .chain([text.len()])
            .nth(position)
    };
    let Some(start_byte) = byte_of(start) else {
        return Ok((-1).into());
    };
    let end_byte = byte_of(end).unwrap_or(text.len());
    let found = text
        .get(start_byte..end_byte)
        .and_then(|range| range.find(token).map(|byte| (range, byte)))
        .and_then(|(range, byte)| range.get(..byte))
        .map(|before| start + before.chars().count());
    Ok(as_index(found))
}

fn find(text: &[u8], token: &[u8]) -> Option<usize> {
    if token.is_empty() {
        return Some(0);
    }
    text.windows(token.len()).position(|window| window == token)
}

/// The index as an int; -1 for none.
pub(super) fn as_index<'c>(index: Option<usize>) -> Value<'c> {
    index
        .and_then(|index| i32::try_from(index).ok())
        .unwrap_or(-1)
        .into()
}
