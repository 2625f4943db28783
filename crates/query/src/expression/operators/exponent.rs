//! `$exp`, `$ln`, `$log`, `$log10`, `$pow`, `$sqrt`.
//!
//! The result is a decimal where an argument is one, else a double; `$pow` of integers is an
//! integer where it fits.

use document::{Number, decimal};

use super::rounding::numeric;
use super::{Definition, Table, location};
use crate::Result;
use crate::expression::Value;

pub(super) const TABLE: Table = &[
    (
        "$exp",
        Definition::Unary(|value| {
            numeric("$exp", &value, |number| {
                Ok(apply(number, f64::exp, |context, n| context.exp(n)))
            })
        }),
    ),
    (
        "$ln",
        Definition::Unary(|value| {
            numeric("$ln", &value, |number| {
                require_positive(number, 28766, "$ln's argument must be a positive number")?;
                Ok(apply(number, f64::ln, |context, n| context.ln(n)))
            })
        }),
    ),
    (
        "$log10",
        Definition::Unary(|value| {
            numeric("$log10", &value, |number| {
                require_positive(number, 28761, "$log10's argument must be a positive number")?;
                Ok(apply(number, f64::log10, |context, n| context.log10(n)))
            })
        }),
    ),
    (
        "$sqrt",
        Definition::Unary(|value| {
            numeric("$sqrt", &value, |number| {
                if number < Number::Int32(0) && !number.is_nan() {
                    return Err(location(
                        28714,
                        "$sqrt's argument must be greater than or equal to 0",
                    ));
                }
                Ok(apply(number, f64::sqrt, |context, n| context.sqrt(n)))
            })
        }),
    ),
    ("$log", Definition::Binary(log)),
    ("$pow", Definition::Binary(pow)),
];

/// 36 digits, computed with 34.
type Wide = dec::Decimal<12>;

fn context() -> dec::Context<Wide> {
    let mut context = dec::Context::<Wide>::default();
    // Within the library's limits, so none of these fails.
    let _ = context.set_precision(34);
    let _ = context.set_max_exponent(6144);
    let _ = context.set_min_exponent(-6143);
    context
}

fn apply(
    number: Number,
    double: fn(f64) -> f64,
    wide: fn(&mut dec::Context<Wide>, &mut Wide),
) -> Number {
    match number {
        Number::Decimal(value) => {
            let mut value = Wide::from(decimal::to_dec(value));
            wide(&mut context(), &mut value);
            Number::Decimal(decimal::from_dec(value.to_decimal128()))
        }
        other => Number::Double(double(other.to_f64())),
    }
}

fn require_positive(number: Number, code: i32, message: &str) -> Result<()> {
    if number > Number::Int32(0) || number.is_nan() {
        Ok(())
    } else {
        Err(location(code, message))
    }
}

fn log<'c>(argument: Value<'c>, base: Value<'c>) -> Result<Value<'c>> {
    if argument.is_nullish() || base.is_nullish() {
        return Ok(Value::NULL);
    }
    let not_numeric = |code, which: &str, value: &Value<'_>| {
        location(
            code,
            format!("$log's {which} must be numeric, not {}", value.type_name()),
        )
    };
    let number = argument
        .as_number()
        .ok_or_else(|| not_numeric(28756, "argument", &argument))?;
    let base_number = base
        .as_number()
        .ok_or_else(|| not_numeric(28757, "base", &base))?;
    require_positive(number, 28758, "$log's argument must be a positive number")?;
    let one = Number::Int32(1);
    if base_number <= Number::Int32(0) && !base_number.is_nan() || base_number == one {
        return Err(location(
            28759,
            "$log's base must be a positive number not equal to 1",
        ));
    }
    Ok(match (number, base_number) {
        (Number::Decimal(_), _) | (_, Number::Decimal(_)) => {
            let ln = |number: Number| {
                let mut value = Wide::from(number.to_decimal());
                context().ln(&mut value);
                value.to_decimal128()
            };
            Number::Decimal(decimal::from_dec(ln(number) / ln(base_number)))
        }
        _ => Number::Double(number.to_f64().ln() / base_number.to_f64().ln()),
    }
    .into())
}

fn pow<'c>(base: Value<'c>, exponent: Value<'c>) -> Result<Value<'c>> {
    if base.is_nullish() || exponent.is_nullish() {
        return Ok(Value::NULL);
    }
    let not_numeric = |code, which: &str, value: &Value<'_>| {
        location(
            code,
            format!("$pow's {which} must be numeric, not {}", value.type_name()),
        )
    };
    let base_number = base
        .as_number()
        .ok_or_else(|| not_numeric(28762, "base", &base))?;
    let exponent_number = exponent
        .as_number()
        .ok_or_else(|| not_numeric(28763, "exponent", &exponent))?;
    if base_number.is_zero() && exponent_number < Number::Int32(0) && !exponent_number.is_nan() {
        return Err(location(
            28764,
            "$pow cannot take a base of 0 and a negative exponent",
        ));
    }
    use Number as N;
    Ok(match (base_number, exponent_number) {
        (N::Decimal(_), _) | (_, N::Decimal(_)) => {
            let mut value = Wide::from(base_number.to_decimal());
            context().pow(&mut value, &Wide::from(exponent_number.to_decimal()));
            N::Decimal(decimal::from_dec(value.to_decimal128()))
        }
        (N::Double(_), _) | (_, N::Double(_)) => {
            N::Double(base_number.to_f64().powf(exponent_number.to_f64()))
        }
        (N::Int32(_) | N::Int64(_), N::Int32(_) | N::Int64(_)) => {
            let is_long =
                matches!(base_number, N::Int64(_)) || matches!(exponent_number, N::Int64(_));
            integer_pow(
                base_number.to_i64_exact().unwrap_or(0),
                exponent_number.to_i64_exact().unwrap_or(0),
                is_long,
            )
        }
    }
    .into())
}

fn integer_pow(base: i64, exponent: i64, is_long: bool) -> Number {
    let exact = match (base, exponent) {
        (1, _) => Some(1),
        (-1, exponent) => Some(if exponent % 2 == 0 { 1 } else { -1 }),
        (0, exponent) if exponent > 0 => Some(0),
        (base, exponent) => u32::try_from(exponent)
            .ok()
            .and_then(|exponent| base.checked_pow(exponent)),
    };
    match exact {
        None => Number::Double((base as f64).powf(exponent as f64)),
        Some(value) if is_long => Number::Int64(value),
        Some(value) => i32::try_from(value).map_or(Number::Int64(value), Number::Int32),
    }
}
