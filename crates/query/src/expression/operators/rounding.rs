//! `$abs`, `$ceil`, `$floor`, `$round`, `$trunc`.

use dec::Rounding;
use document::{Number, decimal};

use super::{Definition, Table, location, wrong_arity};
use crate::Result;
use crate::expression::Value;

pub(super) const TABLE: Table = &[
    (
        "$abs",
        Definition::Unary(|value| numeric("$abs", &value, abs)),
    ),
    (
        "$ceil",
        Definition::Unary(|value| {
            numeric("$ceil", &value, |number| {
                Ok(integral(number, f64::ceil, Rounding::Ceiling))
            })
        }),
    ),
    (
        "$floor",
        Definition::Unary(|value| {
            numeric("$floor", &value, |number| {
                Ok(integral(number, f64::floor, Rounding::Floor))
            })
        }),
    ),
    (
        "$round",
        Definition::Variadic {
            min: 1,
            max: 2,
            eval: |arguments| {
                to_place(
                    "$round",
                    arguments,
                    f64::round_ties_even,
                    Rounding::HalfEven,
                )
            },
        },
    ),
    (
        "$trunc",
        Definition::Variadic {
            min: 1,
            max: 2,
            eval: |arguments| to_place("$trunc", arguments, f64::trunc, Rounding::Down),
        },
    ),
];

/// Applies a function of one number; null or missing makes null.
pub(super) fn numeric<'c>(
    name: &str,
    value: &Value<'_>,
    function: impl FnOnce(Number) -> Result<Number>,
) -> Result<Value<'c>> {
    if value.is_nullish() {
        return Ok(Value::NULL);
    }
    let number = value.as_number().ok_or_else(|| {
        location(
            28765,
            format!(
                "{name} only supports numeric types, not {}",
                value.type_name()
            ),
        )
    })?;
    function(number).map(Value::from)
}

fn abs(number: Number) -> Result<Number> {
    Ok(match number {
        Number::Int32(value) => value
            .checked_abs()
            .map_or(Number::Int64(i64::from(value).abs()), Number::Int32),
        Number::Int64(value) => Number::Int64(
            value
                .checked_abs()
                .ok_or_else(|| location(28680, "can't take $abs of long long min"))?,
        ),
        Number::Double(value) => Number::Double(value.abs()),
        Number::Decimal(value) => Number::Decimal(decimal::from_dec(
            dec::Context::<dec::Decimal128>::default().abs(decimal::to_dec(value)),
        )),
    })
}

fn integral(number: Number, double: fn(f64) -> f64, rounding: Rounding) -> Number {
    match number {
        Number::Double(value) => Number::Double(double(value)),
        Number::Decimal(value) => Number::Decimal(decimal::from_dec(quantize(
            decimal::to_dec(value),
            0,
            rounding,
        ))),
        integer => integer,
    }
}

/// The decimal with `place` digits after the point; unchanged where it is not finite or would need
/// more digits than a decimal has (and so has fewer after the point than asked for).
fn quantize(value: dec::Decimal128, place: i32, rounding: Rounding) -> dec::Decimal128 {
    if !value.is_finite() || value.exponent() >= -place && place >= 0 {
        return value;
    }
    let mut context = dec::Context::<dec::Decimal128>::default();
    context.set_rounding(rounding);
    let mut quantum = dec::Decimal128::ONE;
    context.set_exponent(&mut quantum, -place);
    let rounded = context.quantize(value, quantum);
    if rounded.is_nan() { value } else { rounded }
}

fn to_place<'c>(
    name: &str,
    arguments: &mut [Value<'c>],
    to_integer: fn(f64) -> f64,
    rounding: Rounding,
) -> Result<Value<'c>> {
    let value = arguments.first().ok_or_else(wrong_arity)?;
    let place = match arguments.get(1) {
        None => 0,
        Some(place) if place.is_nullish() => return Ok(Value::NULL),
        Some(place) => {
            let place = place
                .as_number()
                .and_then(Number::to_i64_exact)
                .ok_or_else(|| {
                    location(
                        51082,
                        format!("precision argument to {name} must be an integral value"),
                    )
                })?;
            i32::try_from(place)
                .ok()
                .filter(|place| (-20..=100).contains(place))
                .ok_or_else(|| {
                    location(
                        51083,
                        format!("cannot apply {name} with precision value {place} value must be in [-20, 100]"),
                    )
                })?
        }
    };
    if value.is_nullish() {
        return Ok(Value::NULL);
    }
    let number = value.as_number().ok_or_else(|| {
        location(
            51081,
            format!(
                "{name} only supports numeric types, not {}",
                value.type_name()
            ),
        )
    })?;
    let integer = |value: i64| -> Result<i64> {
        if place >= 0 {
            return Ok(value);
        }
        let rounded = quantize(value.into(), place, rounding);
        Number::Decimal(decimal::from_dec(rounded))
            .to_i64_exact()
            .ok_or_else(|| {
                location(
                    51080,
                    format!("the result of {name} does not fit a 64-bit integer"),
                )
            })
    };
    Ok(match number {
        Number::Int32(value) => {
            let rounded = integer(i64::from(value))?;
            i32::try_from(rounded).map_or(Number::Int64(rounded), Number::Int32)
        }
        Number::Int64(value) => Number::Int64(integer(value)?),
        Number::Double(value) if place == 0 || !value.is_finite() => {
            Number::Double(to_integer(value))
        }
        // 34 digits of the double's true value: 2.675 is a little less than that.
        Number::Double(value) => match format!("{value:.33e}").parse::<dec::Decimal128>() {
            Ok(exact) => Number::Double(decimal::to_f64(quantize(exact, place, rounding))),
            Err(_) => Number::Double(value),
        },
        Number::Decimal(value) => Number::Decimal(decimal::from_dec(quantize(
            decimal::to_dec(value),
            place,
            rounding,
        ))),
    }
    .into())
}
