//! `$type`.

use bson::RawBsonRef;
use document::types::{type_number, type_number_of_name};
use document::{ErrorCode, Number};

use crate::filter::node::Condition;
use crate::filter::parse::{FieldOperator, values};
use crate::filter::test::Test;
use crate::{Error, Result};

/// A set of BSON types: one bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TypeSet(u32);

/// The types that `"number"` stands for: double, int, long, decimal.
const NUMBER: [i32; 4] = [1, 16, 18, 19];

impl TypeSet {
    fn bit(number: i32) -> Option<u32> {
        match number {
            -1 => Some(1),
            1..=19 => Some(1 << number),
            127 => Some(1 << 20),
            _ => None,
        }
    }

    fn parse_one(value: RawBsonRef<'_>) -> Result<u32> {
        if let RawBsonRef::String(name) = value {
            if name == "number" {
                return Ok(NUMBER.into_iter().filter_map(Self::bit).sum());
            }
            return type_number_of_name(name)
                .and_then(Self::bit)
                .ok_or_else(|| Error::bad_value(format!("Unknown type name alias: {name}")));
        }
        let Some(number) = Number::from_raw(&value) else {
            return Err(Error::type_mismatch(
                "type must be represented as a number or a string",
            ));
        };
        let number = number.to_i64_exact();
        if number == Some(0) {
            return Err(Error::bad_value(
                "Invalid numerical type code: 0. Instead use {$exists:false}.",
            ));
        }
        number
            .and_then(|number| Self::bit(i32::try_from(number).ok()?))
            .ok_or_else(|| {
                Error::bad_value(match number {
                    Some(number) => format!("Invalid numerical type code: {number}"),
                    None => "Invalid numerical type code: not an integer".to_owned(),
                })
            })
    }

    pub(crate) fn contains(self, value: &RawBsonRef<'_>) -> bool {
        Self::bit(type_number(value)).is_some_and(|bit| self.0 & bit != 0)
    }

    /// Whether all of the types are among those of `names`.
    pub(crate) fn is_within(self, names: &[&str]) -> bool {
        let allowed: u32 = names
            .iter()
            .filter_map(|name| Self::bit(type_number_of_name(name)?))
            .fold(0, |bits, bit| bits | bit);
        self.0 & !allowed == 0
    }

    /// Whether the set has the type called `name`.
    pub(crate) fn has(self, name: &str) -> bool {
        type_number_of_name(name)
            .and_then(Self::bit)
            .is_some_and(|bit| self.0 & bit != 0)
    }
}

pub(super) fn parse(operator: FieldOperator<'_>) -> Result<Option<Condition>> {
    let mut set = TypeSet(0);
    match operator.argument {
        RawBsonRef::Array(array) => {
            for value in values(array) {
                set.0 |= TypeSet::parse_one(value?)?;
            }
            if set.0 == 0 {
                return Err(Error::new(
                    ErrorCode::FailedToParse,
                    "$type must match at least one type",
                ));
            }
        }
        value => set.0 = TypeSet::parse_one(value)?,
    }
    Ok(Some(Condition::Test(Test::Type(set))))
}
