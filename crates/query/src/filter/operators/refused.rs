//! Operators that MongoDB has and this server does not: refused, never ignored.

use bson::RawBsonRef;
use document::ErrorCode;

use crate::filter::node::{Condition, Node};
use crate::filter::parse::{FieldOperator, Parser};
use crate::{Error, Result};

pub(super) fn geo(operator: FieldOperator<'_>) -> Result<Option<Condition>> {
    Err(not_implemented(operator.name, "geospatial queries"))
}

/// MongoDB answers so when there is no geospatial index; there never is one here.
pub(super) fn near(operator: FieldOperator<'_>) -> Result<Option<Condition>> {
    Err(Error::new(
        ErrorCode::NoQueryExecutionPlans,
        format!(
            "unable to find index for $geoNear query: {} on field '{}' needs a geospatial index, \
             and this server has none",
            operator.name, operator.path
        ),
    ))
}

pub(super) fn json_schema(
    _: Parser<'_>,
    name: &'static str,
    _: RawBsonRef<'_>,
) -> Result<Option<Node>> {
    Err(not_implemented(name, "JSON Schema"))
}

pub(super) fn sample_rate(
    _: Parser<'_>,
    name: &'static str,
    _: RawBsonRef<'_>,
) -> Result<Option<Node>> {
    Err(not_implemented(name, "random matching"))
}

/// MongoDB answers so when there is no text index; there never is one here.
pub(super) fn text(_: Parser<'_>, _: &'static str, _: RawBsonRef<'_>) -> Result<Option<Node>> {
    Err(Error::new(
        ErrorCode::IndexNotFound,
        "text index required for $text query: this server has no text indexes",
    ))
}

/// MongoDB answers so when server-side JavaScript is disabled.
pub(super) fn r#where(_: Parser<'_>, _: &'static str, _: RawBsonRef<'_>) -> Result<Option<Node>> {
    Err(Error::bad_value(
        "no globalScriptEngine in $where parsing: this server runs no JavaScript; use $expr",
    ))
}

fn not_implemented(operator: &str, what: &str) -> Error {
    Error::new(
        ErrorCode::NotImplemented,
        format!("{operator} is not supported: this server has no {what}"),
    )
}
