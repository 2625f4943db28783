//! `$convert` and its short forms `$toInt`, `$toLong`, `$toDouble`, `$toDecimal`, `$toString`,
//! `$toBool`, `$toDate`, `$toObjectId`.
//!
//! Source: the manual's page "$convert", with its tables of what converts to what.

use bson::oid::ObjectId;
use bson::raw::RawBsonRef;
use bson::{DateTime, Decimal128};
use document::types::{type_name, type_number_of_name};
use document::{ErrorCode, Number, decimal};

use super::date_text::read_iso;
use super::{Definition, Field, Table, argument, optional, required, wrong_arity};
use crate::expression::{EvalContext, Expr, Operator, Scope, Value, text};
use crate::{Error, Result};

pub(super) const TABLE: Table = &[
    ("$convert", Definition::Custom(parse_convert)),
    (
        "$toInt",
        Definition::Unary(|value| convert(value, Target::Int)),
    ),
    (
        "$toLong",
        Definition::Unary(|value| convert(value, Target::Long)),
    ),
    (
        "$toDouble",
        Definition::Unary(|value| convert(value, Target::Double)),
    ),
    (
        "$toDecimal",
        Definition::Unary(|value| convert(value, Target::Decimal)),
    ),
    (
        "$toString",
        Definition::Unary(|value| convert(value, Target::String)),
    ),
    (
        "$toBool",
        Definition::Unary(|value| convert(value, Target::Bool)),
    ),
    (
        "$toDate",
        Definition::Unary(|value| convert(value, Target::Date)),
    ),
    (
        "$toObjectId",
        Definition::Unary(|value| convert(value, Target::ObjectId)),
    ),
];

/// A type to convert to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Double,
    String,
    ObjectId,
    Bool,
    Date,
    Int,
    Long,
    Decimal,
}

impl Target {
    const fn name(self) -> &'static str {
        match self {
            Self::Double => "double",
            Self::String => "string",
            Self::ObjectId => "objectId",
            Self::Bool => "bool",
            Self::Date => "date",
            Self::Int => "int",
            Self::Long => "long",
            Self::Decimal => "decimal",
        }
    }

    /// From the name or the number of a type.
    fn of(value: &Value<'_>) -> Result<Self> {
        let number = if let Some(name) = value.as_str() {
            type_number_of_name(name)
                .ok_or_else(|| Error::bad_value(format!("Unknown type name: {name}")))?
        } else if value.as_number().is_some() {
            value
                .as_number()
                .and_then(Number::to_i64_exact)
                .and_then(|number| i32::try_from(number).ok())
                .ok_or_else(|| {
                    Error::failed_to_parse(
                        "In $convert, numeric 'to' argument is not an integer of 32 bits",
                    )
                })?
        } else {
            return Err(Error::failed_to_parse(format!(
                "$convert's 'to' argument must be a string or number, but is {}",
                value.type_name()
            )));
        };
        Ok(match number {
            1 => Self::Double,
            2 => Self::String,
            7 => Self::ObjectId,
            8 => Self::Bool,
            9 => Self::Date,
            16 => Self::Int,
            18 => Self::Long,
            19 => Self::Decimal,
            other => {
                return Err(Error::new(
                    ErrorCode::ConversionFailure,
                    format!("$convert to the type with the number {other} is not supported"),
                ));
            }
        })
    }
}

#[derive(Debug)]
struct Convert {
    input: Expr,
    to: Expr,
    on_error: Option<Expr>,
    on_null: Option<Expr>,
}

const FIELDS: &[Field] = &[
    required("input", 9),
    required("to", 9),
    optional("onError"),
    optional("onNull"),
];

fn parse_convert(name: &'static str, value: RawBsonRef<'_>, scope: Scope<'_>) -> Result<Expr> {
    let mut arguments = argument::named(name, value, scope, FIELDS, 9, 9)?.into_iter();
    let mut next = || arguments.next().flatten();
    let (Some(input), Some(to), on_error, on_null) = (next(), next(), next(), next()) else {
        return Err(wrong_arity());
    };
    Ok(Convert {
        input,
        to,
        on_error,
        on_null,
    }
    .into())
}

impl Operator for Convert {
    fn eval<'c>(&'c self, context: &EvalContext<'c>) -> Result<Value<'c>> {
        let input = self.input.eval(context)?;
        let to = self.to.eval(context)?;
        let target = if to.is_nullish() {
            None
        } else {
            Some(Target::of(&to)?)
        };
        if input.is_nullish() {
            return match &self.on_null {
                Some(on_null) => on_null.eval(context),
                None => Ok(Value::NULL),
            };
        }
        let Some(target) = target else {
            return Ok(Value::NULL);
        };
        match (convert(input, target), &self.on_error) {
            (Err(error), Some(on_error)) if error.code == ErrorCode::ConversionFailure => {
                on_error.eval(context)
            }
            (result, _) => result,
        }
    }

    fn visit<'e>(&'e self, visit: &mut dyn FnMut(&'e Expr)) {
        visit(&self.input);
        visit(&self.to);
        self.on_error.iter().for_each(&mut *visit);
        self.on_null.iter().for_each(visit);
    }
}

fn failure(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::ConversionFailure, message)
}

fn convert<'c>(value: Value<'c>, target: Target) -> Result<Value<'c>> {
    if value.is_nullish() {
        return Ok(Value::NULL);
    }
    let bson = value.as_bson_or_null();
    let converted = match target {
        Target::Bool => Some(Value::from(match bson {
            RawBsonRef::Boolean(value) => value,
            _ => value.is_true(),
        })),
        Target::String => to_string(bson).map(Value::from),
        Target::ObjectId => to_object_id(bson)?,
        Target::Date => to_date(bson)?,
        Target::Double => to_double(bson)?.map(Value::from),
        Target::Decimal => {
            to_decimal(bson)?.map(|number| Value::from(Number::Decimal(decimal::from_dec(number))))
        }
        Target::Int => match to_integer(bson, false)? {
            None => None,
            Some(number) => Some(Value::from(i32::try_from(number).map_err(|_| overflow())?)),
        },
        Target::Long => to_integer(bson, true)?.map(Value::from),
    };
    converted.ok_or_else(|| {
        failure(format!(
            "Unsupported conversion from {} to {} in $convert with no onError value",
            type_name(&bson),
            target.name()
        ))
    })
}

fn overflow() -> Error {
    failure("Conversion would overflow target type in $convert with no onError value")
}

fn unparsable(what: &str) -> Error {
    failure(format!(
        "Failed to parse {what} in $convert with no onError value: the string is not one"
    ))
}

fn to_string(value: RawBsonRef<'_>) -> Option<String> {
    Some(match value {
        RawBsonRef::String(text) => text.to_owned(),
        RawBsonRef::Boolean(value) => value.to_string(),
        RawBsonRef::Int32(value) => value.to_string(),
        RawBsonRef::Int64(value) => value.to_string(),
        RawBsonRef::Double(value) => text::double(value),
        RawBsonRef::Decimal128(value) => value.to_string(),
        RawBsonRef::ObjectId(id) => id.to_hex(),
        RawBsonRef::DateTime(date) => text::iso_date(date),
        _ => return None,
    })
}

fn to_object_id<'c>(value: RawBsonRef<'_>) -> Result<Option<Value<'c>>> {
    Ok(match value {
        RawBsonRef::ObjectId(id) => Some(Value::Borrowed(RawBsonRef::ObjectId(id))),
        RawBsonRef::String(text) => {
            let id = ObjectId::parse_str(text).map_err(|_| {
                failure(
                    "Failed to parse objectId in $convert with no onError value: Invalid string \
                     for parsing to OID, expected 24 hexadecimal digits",
                )
            })?;
            Some(Value::Borrowed(RawBsonRef::ObjectId(id)))
        }
        _ => None,
    })
}

fn to_date<'c>(value: RawBsonRef<'_>) -> Result<Option<Value<'c>>> {
    let millis = match value {
        RawBsonRef::DateTime(date) => date.timestamp_millis(),
        RawBsonRef::ObjectId(id) => id.timestamp().timestamp_millis(),
        RawBsonRef::Timestamp(timestamp) => i64::from(timestamp.time) * 1000,
        RawBsonRef::Int64(_) | RawBsonRef::Double(_) | RawBsonRef::Decimal128(_) => {
            match to_integer(value, true)? {
                Some(millis) => millis,
                None => return Ok(None),
            }
        }
        RawBsonRef::String(text) => read_iso(text, None)?,
        _ => return Ok(None),
    };
    Ok(Some(DateTime::from_millis(millis).into()))
}

fn to_double(value: RawBsonRef<'_>) -> Result<Option<f64>> {
    Ok(Some(match value {
        RawBsonRef::Boolean(value) => f64::from(u8::from(value)),
        RawBsonRef::DateTime(date) => date.timestamp_millis() as f64,
        RawBsonRef::Decimal128(number) => {
            let number = decimal::to_dec(number);
            let double = decimal::to_f64(number);
            if double.is_infinite() && number.is_finite() {
                return Err(overflow());
            }
            double
        }
        RawBsonRef::String(text) => {
            let is_number = text
                .strip_prefix(['+', '-'])
                .unwrap_or(text)
                .starts_with(|c: char| c.is_ascii_digit() || c == '.');
            let special = matches!(
                text.to_ascii_lowercase().as_str(),
                "nan" | "inf" | "-inf" | "infinity" | "-infinity"
            );
            let double: f64 = text.parse().map_err(|_| unparsable("number"))?;
            if !(is_number || special) {
                return Err(unparsable("number"));
            }
            if double.is_infinite() && !special {
                return Err(overflow());
            }
            double
        }
        other => match Number::from_raw(&other) {
            Some(number) => number.to_f64(),
            None => return Ok(None),
        },
    }))
}

fn to_decimal(value: RawBsonRef<'_>) -> Result<Option<dec::Decimal128>> {
    Ok(Some(match value {
        RawBsonRef::Boolean(value) => i32::from(value).into(),
        RawBsonRef::DateTime(date) => date.timestamp_millis().into(),
        RawBsonRef::String(text) => {
            let number: Decimal128 = text.parse().map_err(|_| unparsable("number"))?;
            decimal::to_dec(number)
        }
        other => match Number::from_raw(&other) {
            Some(number) => number.to_decimal(),
            None => return Ok(None),
        },
    }))
}

/// A whole number, what is behind the point cut off. Dates convert to longs only.
fn to_integer(value: RawBsonRef<'_>, is_long: bool) -> Result<Option<i64>> {
    Ok(Some(match value {
        RawBsonRef::Boolean(value) => i64::from(value),
        RawBsonRef::Int32(value) => i64::from(value),
        RawBsonRef::Int64(value) => value,
        RawBsonRef::DateTime(date) if is_long => date.timestamp_millis(),
        RawBsonRef::Double(value) => {
            check_finite(value.is_nan(), value.is_infinite())?;
            Number::Double(value.trunc())
                .to_i64_exact()
                .ok_or_else(overflow)?
        }
        RawBsonRef::Decimal128(value) => {
            let value = decimal::to_dec(value);
            check_finite(value.is_nan(), value.is_infinite())?;
            let mut context = dec::Context::<dec::Decimal128>::default();
            context.set_rounding(dec::Rounding::Down);
            let whole = Number::Decimal(decimal::from_dec(context.round(value)));
            whole.to_i64_exact().ok_or_else(overflow)?
        }
        RawBsonRef::String(text) => text.parse().map_err(|_| unparsable("number"))?,
        _ => return Ok(None),
    }))
}

fn check_finite(is_nan: bool, is_infinite: bool) -> Result<()> {
    let what = match (is_nan, is_infinite) {
        (true, _) => "NaN",
        (_, true) => "infinity",
        _ => return Ok(()),
    };
    Err(failure(format!(
        "Attempt to convert {what} value to integer type in $convert with no onError value"
    )))
}
