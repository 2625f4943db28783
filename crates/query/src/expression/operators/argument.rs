//! The shapes in which operators take their arguments.

use bson::raw::RawBsonRef;

use super::{Field, location};
use crate::Result;
use crate::expression::{Expr, Scope, fields, items};

/// The arguments of `{ $op: [a, b] }`; `{ $op: a }` is one argument.
fn positional(value: RawBsonRef<'_>, scope: Scope<'_>) -> Result<Vec<Expr>> {
    match value {
        RawBsonRef::Array(array) => items(array)
            .map(|item| Expr::parse_in(item, scope))
            .collect(),
        single => Ok(vec![Expr::parse_in(single, scope)?]),
    }
}

/// Exactly `N` arguments.
pub(super) fn exactly<const N: usize>(
    name: &str,
    value: RawBsonRef<'_>,
    scope: Scope<'_>,
) -> Result<[Expr; N]> {
    <[Expr; N]>::try_from(positional(value, scope)?).map_err(|arguments| {
        location(
            16020,
            format!(
                "Expression {name} takes exactly {N} arguments. {} were passed in.",
                arguments.len()
            ),
        )
    })
}

/// From `min` to `max` arguments.
pub(super) fn between(
    name: &str,
    value: RawBsonRef<'_>,
    scope: Scope<'_>,
    min: usize,
    max: usize,
) -> Result<Vec<Expr>> {
    let arguments = positional(value, scope)?;
    if (min..=max).contains(&arguments.len()) {
        return Ok(arguments);
    }
    let most = if max == usize::MAX {
        String::new()
    } else {
        format!(", and at most {max}")
    };
    Err(location(
        28667,
        format!(
            "Expression {name} takes at least {min} arguments{most}, but {} were passed in.",
            arguments.len()
        ),
    ))
}

/// Named arguments, in the order of `known`.
pub(super) fn named(
    name: &str,
    value: RawBsonRef<'_>,
    scope: Scope<'_>,
    known: &[Field],
    not_object: i32,
    unknown: i32,
) -> Result<Vec<Option<Expr>>> {
    let raw = raw_named(name, value, known, not_object, unknown)?;
    raw.into_iter()
        .map(|value| value.map(|value| Expr::parse_in(value, scope)).transpose())
        .collect()
}

/// Named arguments that are not yet parsed, in the order of `known`.
pub(super) fn raw_named<'a>(
    name: &str,
    value: RawBsonRef<'a>,
    known: &[Field],
    not_object: i32,
    unknown: i32,
) -> Result<Vec<Option<RawBsonRef<'a>>>> {
    let Some(document) = value.as_document() else {
        return Err(location(
            not_object,
            format!(
                "{name} only supports an object as its argument, found: {}",
                document::types::type_name(&value)
            ),
        ));
    };
    let mut found = vec![None; known.len()];
    for (field, value) in fields(document) {
        let slot = known
            .iter()
            .zip(&mut found)
            .find(|(known, _)| known.name == field.as_str());
        let Some((_, slot)) = slot else {
            return Err(location(
                unknown,
                format!("{name} found an unknown argument: {}", field.as_str()),
            ));
        };
        *slot = Some(value);
    }
    for (field, value) in known.iter().zip(&found) {
        if let (Some(code), None) = (field.required, value) {
            return Err(location(
                code,
                format!("Missing '{}' parameter to {name}", field.name),
            ));
        }
    }
    Ok(found)
}
