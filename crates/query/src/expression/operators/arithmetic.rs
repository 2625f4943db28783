//! `$add`, `$subtract`, `$multiply`, `$divide`, `$mod`.
//!
//! Null or missing makes null. Numbers are promoted to the widest type (int, long, double,
//! decimal); an integer that overflows becomes the next wider one. Dates take part in additions
//! and subtractions as milliseconds.

use bson::DateTime;
use bson::raw::RawBsonRef;
use document::{ErrorCode, Number, decimal};

use super::{Definition, Table, location};
use crate::expression::Value;
use crate::{Error, Result};

pub(super) const TABLE: Table = &[
    (
        "$add",
        Definition::Variadic {
            min: 0,
            max: usize::MAX,
            eval: add,
        },
    ),
    ("$subtract", Definition::Binary(subtract)),
    (
        "$multiply",
        Definition::Variadic {
            min: 0,
            max: usize::MAX,
            eval: multiply,
        },
    ),
    ("$divide", Definition::Binary(divide)),
    ("$mod", Definition::Binary(modulo)),
];

fn add<'c>(arguments: &mut [Value<'c>]) -> Result<Value<'c>> {
    let mut sum = Number::Int32(0);
    let mut date = None;
    for argument in arguments {
        if argument.is_nullish() {
            return Ok(Value::NULL);
        }
        if let Some(number) = argument.as_number() {
            sum = sum + number;
        } else if let Some(RawBsonRef::DateTime(value)) = argument.as_bson() {
            if date.replace(value).is_some() {
                return Err(location(
                    16612,
                    "only one date allowed in an $add expression",
                ));
            }
        } else {
            return Err(Error::type_mismatch(format!(
                "$add only supports numeric or date types, not {}",
                argument.type_name()
            )));
        }
    }
    match date {
        None => Ok(sum.into()),
        Some(date) => shift(date, sum, false).map(Value::from),
    }
}

fn subtract<'c>(left: Value<'c>, right: Value<'c>) -> Result<Value<'c>> {
    if left.is_nullish() || right.is_nullish() {
        return Ok(Value::NULL);
    }
    let refuse = || {
        Error::type_mismatch(format!(
            "can't $subtract {} from {}",
            right.type_name(),
            left.type_name()
        ))
    };
    if let (Some(left), Some(right)) = (left.as_number(), right.as_number()) {
        return Ok((left - right).into());
    }
    match (left.as_bson(), right.as_bson()) {
        (Some(RawBsonRef::DateTime(left)), Some(RawBsonRef::DateTime(right))) => left
            .timestamp_millis()
            .checked_sub(right.timestamp_millis())
            .map(Value::from)
            .ok_or_else(date_overflow),
        (Some(RawBsonRef::DateTime(left)), Some(_)) => {
            let amount = right.as_number().ok_or_else(refuse)?;
            shift(left, amount, true).map(Value::from)
        }
        _ => Err(refuse()),
    }
}

/// A date moved by a number of milliseconds, rounded to the nearest.
fn shift(date: DateTime, amount: Number, back: bool) -> Result<DateTime> {
    let millis = match amount {
        Number::Int32(value) => Some(i64::from(value)),
        Number::Int64(value) => Some(value),
        Number::Double(value) => Number::Double(value.round()).to_i64_exact(),
        Number::Decimal(value) => {
            let rounded = dec::Context::<dec::Decimal128>::default().round(decimal::to_dec(value));
            Number::Decimal(decimal::from_dec(rounded)).to_i64_exact()
        }
    };
    let date = date.timestamp_millis();
    millis
        .and_then(|millis| {
            if back {
                date.checked_sub(millis)
            } else {
                date.checked_add(millis)
            }
        })
        .map(DateTime::from_millis)
        .ok_or_else(date_overflow)
}

fn date_overflow() -> Error {
    Error::new(ErrorCode::Overflow, "date overflow")
}

fn multiply<'c>(arguments: &mut [Value<'c>]) -> Result<Value<'c>> {
    let mut product = Number::Int32(1);
    for argument in arguments {
        if argument.is_nullish() {
            return Ok(Value::NULL);
        }
        let factor = argument.as_number().ok_or_else(|| {
            Error::type_mismatch(format!(
                "$multiply only supports numeric types, not {}",
                argument.type_name()
            ))
        })?;
        product = product * factor;
    }
    Ok(product.into())
}

fn divide<'c>(left: Value<'c>, right: Value<'c>) -> Result<Value<'c>> {
    if left.is_nullish() || right.is_nullish() {
        return Ok(Value::NULL);
    }
    let (Some(dividend), Some(divisor)) = (left.as_number(), right.as_number()) else {
        return Err(Error::type_mismatch(format!(
            "$divide only supports numeric types, not {} and {}",
            left.type_name(),
            right.type_name()
        )));
    };
    if divisor.is_zero() {
        return Err(Error::bad_value("can't $divide by zero"));
    }
    Ok(divide_numbers(dividend, divisor).into())
}

/// The quotient: a decimal if either is one, else a double.
pub(crate) fn divide_numbers(dividend: Number, divisor: Number) -> Number {
    match (dividend, divisor) {
        (Number::Decimal(_), _) | (_, Number::Decimal(_)) => Number::Decimal(decimal::from_dec(
            dividend.to_decimal() / divisor.to_decimal(),
        )),
        _ => Number::Double(dividend.to_f64() / divisor.to_f64()),
    }
}

fn modulo<'c>(left: Value<'c>, right: Value<'c>) -> Result<Value<'c>> {
    if left.is_nullish() || right.is_nullish() {
        return Ok(Value::NULL);
    }
    let (Some(dividend), Some(divisor)) = (left.as_number(), right.as_number()) else {
        return Err(location(
            16611,
            format!(
                "$mod only supports numeric types, not {} and {}",
                left.type_name(),
                right.type_name()
            ),
        ));
    };
    if divisor.is_zero() {
        return Err(location(16610, "can't $mod by zero"));
    }
    use Number as N;
    Ok(match (dividend, divisor) {
        (N::Decimal(_), _) | (_, N::Decimal(_)) => {
            let remainder = dec::Context::<dec::Decimal128>::default()
                .rem(dividend.to_decimal(), divisor.to_decimal());
            N::Decimal(decimal::from_dec(remainder))
        }
        (N::Double(_), _) | (_, N::Double(_)) => N::Double(dividend.to_f64() % divisor.to_f64()),
        // The only overflow, the least integer by -1, has the remainder 0.
        (N::Int32(left), N::Int32(right)) => N::Int32(left.wrapping_rem(right)),
        (left, right) => {
            let left = left.to_i64_exact().unwrap_or(0);
            let right = right.to_i64_exact().unwrap_or(1);
            N::Int64(left.wrapping_rem(right))
        }
    }
    .into())
}
