//! The operators of filters, one file for each family.

pub(crate) mod all;
pub(crate) mod bits;
pub(crate) mod comparison;
pub(crate) mod elem_match;
pub(crate) mod exists;
pub(crate) mod in_set;
pub(crate) mod logical;
pub(crate) mod modulo;
pub(crate) mod refused;
pub(crate) mod regex;
pub(crate) mod size;
pub(crate) mod types;

use bson::RawBsonRef;

use super::node::{Condition, Node};
use super::parse::{FieldOperator, Parser};
use crate::{Error, Result};

type FieldParser = fn(FieldOperator<'_>) -> Result<Option<Condition>>;
type TopLevelParser = fn(Parser<'_>, &'static str, RawBsonRef<'_>) -> Result<Option<Node>>;

/// The operators on a field, sorted by name. One that only modifies its sibling (`$options`)
/// gives no condition.
const FIELD_OPERATORS: &[(&str, FieldParser)] = &[
    ("$all", all::parse),
    ("$bitsAllClear", bits::parse),
    ("$bitsAllSet", bits::parse),
    ("$bitsAnyClear", bits::parse),
    ("$bitsAnySet", bits::parse),
    ("$elemMatch", elem_match::parse),
    ("$eq", comparison::parse_eq),
    ("$exists", exists::parse),
    ("$geoIntersects", refused::geo),
    ("$geoWithin", refused::geo),
    ("$gt", comparison::parse_order),
    ("$gte", comparison::parse_order),
    ("$in", in_set::parse_in),
    ("$lt", comparison::parse_order),
    ("$lte", comparison::parse_order),
    ("$maxDistance", refused::near),
    ("$minDistance", refused::near),
    ("$mod", modulo::parse),
    ("$ne", comparison::parse_ne),
    ("$near", refused::near),
    ("$nearSphere", refused::near),
    ("$nin", in_set::parse_nin),
    ("$not", logical::parse_not),
    ("$options", regex::parse_options),
    ("$regex", regex::parse_regex),
    ("$size", size::parse),
    ("$type", types::parse),
];

/// The operators that stand in the place of a field, sorted by name.
const TOP_LEVEL_OPERATORS: &[(&str, TopLevelParser)] = &[
    ("$and", logical::parse_and),
    ("$comment", logical::parse_comment),
    ("$expr", logical::parse_expr),
    ("$jsonSchema", refused::json_schema),
    ("$nor", logical::parse_nor),
    ("$or", logical::parse_or),
    ("$sampleRate", refused::sample_rate),
    ("$text", refused::text),
    ("$where", refused::r#where),
];

pub(super) fn field_operator(operator: FieldOperator<'_>) -> Result<Option<Condition>> {
    match lookup(FIELD_OPERATORS, operator.name) {
        Some((_, parse)) => parse(operator),
        None => Err(Error::bad_value(format!(
            "unknown operator: {}",
            operator.name
        ))),
    }
}

pub(super) fn top_level_operator(
    parser: Parser<'_>,
    name: &str,
    argument: RawBsonRef<'_>,
) -> Result<Option<Node>> {
    match lookup(TOP_LEVEL_OPERATORS, name) {
        Some((name, parse)) => parse(parser, name, argument),
        None => Err(Error::bad_value(format!(
            "unknown top level operator: {name}. If you have a field name that starts with a '$' \
             symbol, consider using $getField or $setField."
        ))),
    }
}

fn lookup<T: Copy>(table: &[(&'static str, T)], name: &str) -> Option<(&'static str, T)> {
    let index = table.binary_search_by_key(&name, |(name, _)| name).ok()?;
    table.get(index).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted() {
        assert!(FIELD_OPERATORS.is_sorted_by_key(|(name, _)| *name));
        assert!(TOP_LEVEL_OPERATORS.is_sorted_by_key(|(name, _)| *name));
    }
}
