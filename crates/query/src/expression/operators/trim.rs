//! `$trim`, `$ltrim`, `$rtrim`.

use super::{Definition, Field, Table, location, optional, required, wrong_arity};
use crate::Result;
use crate::expression::Value;

const FIELDS: &[Field] = &[required("input", 50695), optional("chars")];

const fn definition(eval: crate::expression::Named) -> Definition {
    Definition::Named {
        fields: FIELDS,
        not_object: 50696,
        unknown: 50694,
        eval,
    }
}

pub(super) const TABLE: Table = &[
    (
        "$trim",
        definition(|arguments| trim("$trim", arguments, true, true)),
    ),
    (
        "$ltrim",
        definition(|arguments| trim("$ltrim", arguments, true, false)),
    ),
    (
        "$rtrim",
        definition(|arguments| trim("$rtrim", arguments, false, true)),
    ),
];

/// What is trimmed unless `chars` says so: null, and the white space that the manual lists.
fn is_white_space(c: char) -> bool {
    matches!(
        c,
        '\0' | '\t'..='\r' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}'
    )
}

fn trim<'c>(
    name: &str,
    arguments: &mut [Option<Value<'c>>],
    left: bool,
    right: bool,
) -> Result<Value<'c>> {
    let [Some(input), chars] = arguments else {
        return Err(wrong_arity());
    };
    if input.is_nullish() {
        return Ok(Value::NULL);
    }
    let text = input.as_str().ok_or_else(|| {
        location(
            50699,
            format!(
                "{name} requires its input to be a string, got a value of type {} instead.",
                input.type_name()
            ),
        )
    })?;
    let chars = match chars {
        None => None,
        Some(chars) if chars.is_nullish() => return Ok(Value::NULL),
        Some(chars) => Some(chars.as_str().ok_or_else(|| {
            location(
                50700,
                format!(
                    "{name} requires 'chars' to be a string, got a value of type {} instead.",
                    chars.type_name()
                ),
            )
        })?),
    };
    let is_trimmed = |c: char| match chars {
        Some(chars) => chars.contains(c),
        None => is_white_space(c),
    };
    let mut trimmed = text;
    if left {
        trimmed = trimmed.trim_start_matches(is_trimmed);
    }
    if right {
        trimmed = trimmed.trim_end_matches(is_trimmed);
    }
    Ok(trimmed.to_owned().into())
}
