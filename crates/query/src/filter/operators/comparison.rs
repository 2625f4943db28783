//! `$eq`, `$ne`, `$gt`, `$gte`, `$lt`, `$lte`.
//!
//! Only values of the operand's kind compare ("type bracketing"): `{ $gt: 5 }` is about numbers.
//! `MinKey` and `MaxKey` compare with everything. Source: the manual's page "Comparison/Sort
//! Order" and the operators' own.

use std::cmp::Ordering;

use bson::RawBsonRef;
use document::Number;
use document::types::canonical_rank;

use crate::filter::node::Condition;
use crate::filter::parse::{FieldOperator, equality};
use crate::filter::test::Test;
use crate::{Error, Result};

/// An ordering operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Gt,
    Gte,
    Lt,
    Lte,
}

impl Comparison {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "$gt" => Self::Gt,
            "$gte" => Self::Gte,
            "$lt" => Self::Lt,
            "$lte" => Self::Lte,
            _ => return None,
        })
    }

    pub(crate) fn is_inclusive(self) -> bool {
        matches!(self, Self::Gte | Self::Lte)
    }

    pub(crate) fn is_upward(self) -> bool {
        matches!(self, Self::Gt | Self::Gte)
    }
}

/// Whether `value` stands to `operand` as the operator says.
pub(crate) fn matches(
    comparison: Comparison,
    operand: RawBsonRef<'_>,
    value: RawBsonRef<'_>,
) -> bool {
    let brackets = !matches!(operand, RawBsonRef::MinKey | RawBsonRef::MaxKey);
    if brackets && canonical_rank(&value) != canonical_rank(&operand) {
        return false;
    }
    // NaN is sorted below all numbers, but it is less than none of them.
    match document::compare(value, operand) {
        Ordering::Equal => comparison.is_inclusive(),
        Ordering::Less => !(comparison.is_upward() || brackets && is_nan(&value)),
        Ordering::Greater => comparison.is_upward() && !is_nan(&operand),
    }
}

pub(crate) fn is_nan(value: &RawBsonRef<'_>) -> bool {
    Number::from_raw(value).is_some_and(Number::is_nan)
}

pub(super) fn parse_eq(operator: FieldOperator<'_>) -> Result<Option<Condition>> {
    equality(operator.argument).map(|test| Some(Condition::Test(test)))
}

pub(super) fn parse_ne(operator: FieldOperator<'_>) -> Result<Option<Condition>> {
    if matches!(operator.argument, RawBsonRef::RegularExpression(_)) {
        return Err(Error::bad_value(
            "Can't have regex as arg to $ne: use $not with the regex",
        ));
    }
    let equal = Condition::Test(equality(operator.argument)?);
    Ok(Some(Condition::Not(Box::new(equal))))
}

pub(super) fn parse_order(operator: FieldOperator<'_>) -> Result<Option<Condition>> {
    let Some(comparison) = Comparison::from_name(operator.name) else {
        return Err(Error::bad_value(format!(
            "unknown operator: {}",
            operator.name
        )));
    };
    match operator.argument {
        RawBsonRef::RegularExpression(_) => Err(Error::bad_value(format!(
            "Can't have RegEx as arg to predicate over field '{}'.",
            operator.path
        ))),
        RawBsonRef::Undefined => Err(Error::bad_value("cannot compare to undefined")),
        operand => Ok(Some(Condition::Test(Test::Compare(
            comparison,
            operand.into(),
        )))),
    }
}
