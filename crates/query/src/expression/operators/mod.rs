//! The table of expression operators. A family is a file with a table of its own; [`FAMILIES`]
//! lists them.

mod accumulate;
mod argument;
mod arithmetic;
mod array;
pub(crate) mod array_ends;
mod array_object;
mod boolean;
mod comparison;
mod conditional;
mod convert;
mod date_arithmetic;
mod date_from;
mod date_parts;
mod date_text;
mod date_to_string;
mod exponent;
mod iteration;
pub(crate) mod object;
mod random;
mod regex;
mod replace;
mod rounding;
mod set;
mod sort_array;
mod string;
mod substring;
mod text_search;
mod trim;
mod types;
mod variables;
mod zip;

use std::collections::HashMap;
use std::sync::LazyLock;

use bson::raw::RawBsonRef;
use document::ErrorCode;

use super::{Binary, Expr, Named, Node, Scope, Unary, Variadic};
use crate::{Error, Result};

/// How an operator is parsed and run.
pub(crate) enum Definition {
    /// A function of one value.
    Unary(Unary),
    /// A function of two values.
    Binary(Binary),
    /// A function of `min` to `max` values.
    Variadic {
        min: usize,
        max: usize,
        eval: Variadic,
    },
    /// A function of named values: `{ $op: { input: …, find: … } }`.
    Named {
        fields: &'static [Field],
        /// The code for an argument that is not an object.
        not_object: i32,
        /// The code for a field that the operator does not have.
        unknown: i32,
        eval: Named,
    },
    /// Anything else.
    Custom(fn(&'static str, RawBsonRef<'_>, Scope<'_>) -> Result<Expr>),
}

/// A named argument.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    /// The code for its absence, if it must be there.
    pub(crate) required: Option<i32>,
}

/// A field that must be there, else `code`.
pub(crate) const fn required(name: &'static str, code: i32) -> Field {
    Field {
        name,
        required: Some(code),
    }
}

/// A field that may be absent.
pub(crate) const fn optional(name: &'static str) -> Field {
    Field {
        name,
        required: None,
    }
}

/// A family's operators by name.
type Table = &'static [(&'static str, Definition)];

/// Every family.
const FAMILIES: &[Table] = &[
    accumulate::TABLE,
    arithmetic::TABLE,
    array::TABLE,
    array_ends::TABLE,
    array_object::TABLE,
    boolean::TABLE,
    comparison::TABLE,
    conditional::TABLE,
    convert::TABLE,
    date_arithmetic::TABLE,
    date_from::TABLE,
    date_parts::TABLE,
    date_to_string::TABLE,
    exponent::TABLE,
    iteration::TABLE,
    object::TABLE,
    random::TABLE,
    regex::TABLE,
    replace::TABLE,
    rounding::TABLE,
    set::TABLE,
    sort_array::TABLE,
    string::TABLE,
    substring::TABLE,
    text_search::TABLE,
    trim::TABLE,
    types::TABLE,
    variables::TABLE,
    zip::TABLE,
];

static OPERATORS: LazyLock<HashMap<&'static str, (&'static str, &'static Definition)>> =
    LazyLock::new(|| {
        FAMILIES
            .iter()
            .flat_map(|table| table.iter())
            .map(|(name, definition)| (*name, (*name, definition)))
            .collect()
    });

/// Parses the operator `name` with its argument.
pub(super) fn parse(name: &str, value: RawBsonRef<'_>, scope: Scope<'_>) -> Result<Expr> {
    let Some((name, definition)) = OPERATORS.get(name).copied() else {
        return Err(Error::new(
            ErrorCode::InvalidPipelineOperator,
            format!("Unrecognized expression '{name}'"),
        ));
    };
    Ok(match definition {
        Definition::Unary(eval) => {
            let [argument] = argument::exactly(name, value, scope)?;
            Node::Unary(*eval, Box::new(argument)).into()
        }
        Definition::Binary(eval) => {
            let arguments = argument::exactly(name, value, scope)?;
            Node::Binary(*eval, Box::new(arguments)).into()
        }
        Definition::Variadic { min, max, eval } => {
            let arguments = argument::between(name, value, scope, *min, *max)?;
            Node::Variadic(*eval, arguments.into()).into()
        }
        Definition::Named {
            fields,
            not_object,
            unknown,
            eval,
        } => {
            let arguments = argument::named(name, value, scope, fields, *not_object, *unknown)?;
            Node::Named(*eval, arguments.into()).into()
        }
        Definition::Custom(parse) => parse(name, value, scope)?,
    })
}

/// The names of all operators.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    FAMILIES
        .iter()
        .flat_map(|table| table.iter())
        .map(|(name, _)| *name)
}

/// A refusal with a numbered code: most have no name, a few do (9 is `FailedToParse`).
pub(crate) fn location(code: i32, message: impl Into<String>) -> Error {
    let named = ErrorCode::ALL.iter().find(|named| named.code() == code);
    Error::new(named.copied().unwrap_or(ErrorCode::Location(code)), message)
}

/// The refusal of a call that the parser never makes.
pub(crate) fn wrong_arity() -> Error {
    Error::new(
        ErrorCode::InternalError,
        "an operator was called with a number of arguments that its parser should have refused",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_is_registered_once() {
        assert_eq!(names().count(), OPERATORS.len());
        assert!(names().all(|name| name.starts_with('$')));
    }
}
