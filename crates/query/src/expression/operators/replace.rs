//! `$replaceOne`, `$replaceAll`.

use super::{Definition, Field, Table, location, required, wrong_arity};
use crate::Result;
use crate::expression::Value;
use crate::expression::bounds::check_text;

const FIELDS: &[Field] = &[
    required("input", 51749),
    required("find", 51748),
    required("replacement", 51747),
];

const fn definition(eval: crate::expression::Named) -> Definition {
    Definition::Named {
        fields: FIELDS,
        not_object: 51751,
        unknown: 51750,
        eval,
    }
}

pub(super) const TABLE: Table = &[
    (
        "$replaceOne",
        definition(|arguments| replace("$replaceOne", arguments, 1)),
    ),
    (
        "$replaceAll",
        definition(|arguments| replace("$replaceAll", arguments, usize::MAX)),
    ),
];

fn replace<'c>(name: &str, arguments: &mut [Option<Value<'c>>], most: usize) -> Result<Value<'c>> {
    let [Some(input), Some(find), Some(replacement)] = arguments else {
        return Err(wrong_arity());
    };
    let check = |code, which: &str, value: &Value<'_>| {
        if value.is_nullish() || value.as_str().is_some() {
            return Ok(());
        }
        Err(location(
            code,
            format!(
                "{name} requires that '{which}' be a string, found: {}",
                value.type_name()
            ),
        ))
    };
    check(51746, "input", input)?;
    check(51745, "find", find)?;
    check(51744, "replacement", replacement)?;
    let (Some(input), Some(find), Some(replacement)) =
        (input.as_str(), find.as_str(), replacement.as_str())
    else {
        return Ok(Value::NULL);
    };
    let found = input.matches(find).take(most).count();
    check_text(
        input
            .len()
            .saturating_add(found.saturating_mul(replacement.len())),
    )?;
    Ok(input.replacen(find, replacement, most).into())
}
