//! The update operators: a file for each, and the table that registers them.

mod add_to_set;
mod arithmetic;
mod bit;
mod current_date;
mod min_max;
mod pop;
mod pull;
mod pull_all;
mod push;
mod rename;
mod set;
mod unset;

use bson::{DateTime, RawBsonRef, Timestamp};
use document::ErrorCode;
use document::limits::MAX_NESTING;

use super::parse::Builder;
use super::path::Path;
use crate::raw::{Element, Value, levels};
use crate::{Error, Result};

pub(super) use rename::Renamed;

/// An operator: its name, and how one of its fields is parsed.
pub(super) struct Operator {
    name: &'static str,
    /// Adds what the operator does at `path` to the update.
    pub(super) parse: fn(&mut Builder, path: &str, argument: RawBsonRef<'_>) -> Result<()>,
}

/// Every update operator, in alphabetical order.
const OPERATORS: &[Operator] = &[
    operator("$addToSet", add_to_set::parse),
    operator("$bit", bit::parse),
    operator("$currentDate", current_date::parse),
    operator("$inc", arithmetic::parse_inc),
    operator("$max", min_max::parse_max),
    operator("$min", min_max::parse_min),
    operator("$mul", arithmetic::parse_mul),
    operator("$pop", pop::parse),
    operator("$pull", pull::parse),
    operator("$pullAll", pull_all::parse),
    operator("$push", push::parse),
    operator("$rename", rename::parse),
    operator("$set", set::parse),
    operator("$setOnInsert", set::parse_on_insert),
    operator("$unset", unset::parse),
];

const fn operator(
    name: &'static str,
    parse: fn(&mut Builder, &str, RawBsonRef<'_>) -> Result<()>,
) -> Operator {
    Operator { name, parse }
}

/// The operator of that name.
pub(super) fn find(name: &str) -> Option<&'static Operator> {
    OPERATORS
        .binary_search_by(|operator| operator.name.cmp(name))
        .ok()
        .and_then(|at| OPERATORS.get(at))
}

/// What an operator does at the end of a path.
pub(super) trait Modifier: std::fmt::Debug + Send + Sync {
    /// What becomes of a value that is there. A new value may be written to `scratch`, which is
    /// empty.
    fn update(&self, target: &Target<'_>, scratch: &mut Vec<u8>) -> Result<Effect<'_>>;

    /// What comes to stand where nothing is. Asked only if [`Modifier::creates`].
    fn create(&self, env: &Env<'_>, scratch: &mut Vec<u8>) -> Result<Effect<'_>>;

    /// Whether something comes to stand where nothing is.
    fn creates(&self, env: &Env<'_>) -> bool;
}

/// What a modifier does.
#[derive(Debug)]
pub(super) enum Effect<'m> {
    /// Nothing changes, or nothing is created.
    Nothing,
    /// This value comes to stand.
    Value(&'m Value),
    /// The value of this type that was written to the scratch buffer.
    Written(u8),
    /// The field is removed.
    Removed,
}

/// What an operator is applied to.
#[derive(Debug)]
pub(super) struct Target<'a> {
    pub(super) element: Element<'a>,
    /// The path, as the update has it: for messages.
    pub(super) path: &'a str,
    pub(super) env: &'a Env<'a>,
}

/// What is the same for all operators of one application.
#[derive(Debug)]
pub(super) struct Env<'d> {
    pub(super) now: DateTime,
    pub(super) timestamp: Timestamp,
    pub(super) is_insert: bool,
    /// What each `$rename` has found; `None` if there is nothing to rename.
    pub(super) renamed: Vec<Option<Renamed<'d>>>,
}

/// A value to be stored at `path`; refused if the document would have too many levels.
fn literal(path: &Path, value: RawBsonRef<'_>) -> Result<Value> {
    let value = Value::new(value);
    check_levels(path, levels(value.tag(), value.bytes()))?;
    Ok(value)
}

/// Refuses to store something of that many levels at `path`.
fn check_levels(path: &Path, levels: usize) -> Result<()> {
    if path.parts.len() + levels <= MAX_NESTING {
        return Ok(());
    }
    Err(too_deep())
}

pub(super) fn too_deep() -> Error {
    Error::new(
        ErrorCode::Overflow,
        format!("the updated document would be nested more than {MAX_NESTING} levels deep"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(OPERATORS.is_sorted_by(|left, right| left.name < right.name));
    }
}
