//! `$inc` and `$mul`.

use bson::RawBsonRef;
use document::number::{IntegerOverflow, Number};
use document::types;

use super::{Builder, Effect, Env, Modifier, Target};
use crate::raw::{Value, tag, type_name};
use crate::{Error, Result};

#[derive(Debug)]
struct Arithmetic {
    operator: &'static str,
    operand: Number,
    compute: fn(Number, Number) -> std::result::Result<Number, IntegerOverflow>,
    /// The value of a field that was absent.
    initial: Value,
}

pub(super) fn parse_inc(builder: &mut Builder, path: &str, argument: RawBsonRef<'_>) -> Result<()> {
    let operand = operand("increment", path, argument)?;
    let path = builder.path(path)?;
    builder.add(
        path,
        Arithmetic {
            operator: "$inc",
            operand,
            compute: Number::checked_add,
            initial: operand.into(),
        },
    );
    Ok(())
}

pub(super) fn parse_mul(builder: &mut Builder, path: &str, argument: RawBsonRef<'_>) -> Result<()> {
    let operand = operand("multiply", path, argument)?;
    let path = builder.path(path)?;
    // Zero of the operand's type, as the manual has it for a field that is absent.
    let zero = match operand {
        Number::Int32(_) => Number::Int32(0),
        Number::Int64(_) => Number::Int64(0),
        Number::Double(_) => Number::Double(0.0),
        Number::Decimal(value) => Number::Int32(0)
            .checked_multiply(Number::Decimal(value))
            .unwrap_or(Number::Int32(0)),
    };
    builder.add(
        path,
        Arithmetic {
            operator: "$mul",
            operand,
            compute: Number::checked_multiply,
            initial: zero.into(),
        },
    );
    Ok(())
}

fn operand(verb: &str, path: &str, argument: RawBsonRef<'_>) -> Result<Number> {
    Number::from_raw(&argument).ok_or_else(|| {
        Error::type_mismatch(format!(
            "Cannot {verb} with non-numeric argument: {{{path}: <{}>}}",
            types::type_name(&argument)
        ))
    })
}

impl Modifier for Arithmetic {
    fn update(&self, target: &Target<'_>, scratch: &mut Vec<u8>) -> Result<Effect<'_>> {
        let Some(current) = target.element.number() else {
            return Err(Error::type_mismatch(format!(
                "Cannot apply {} to a value of non-numeric type. The document has the field '{}' \
                 of non-numeric type {}",
                self.operator,
                target.path,
                type_name(target.element.tag)
            )));
        };
        let result = (self.compute)(current, self.operand).map_err(|_| {
            Error::bad_value(format!(
                "Failed to apply {} operations to current value of the field '{}': the result \
                 does not fit a 64-bit integer",
                self.operator, target.path
            ))
        })?;
        Ok(Effect::Written(match result {
            Number::Int32(value) => {
                scratch.extend_from_slice(&value.to_le_bytes());
                tag::INT32
            }
            Number::Int64(value) => {
                scratch.extend_from_slice(&value.to_le_bytes());
                tag::INT64
            }
            Number::Double(value) => {
                scratch.extend_from_slice(&value.to_le_bytes());
                tag::DOUBLE
            }
            Number::Decimal(value) => {
                scratch.extend_from_slice(&value.bytes());
                tag::DECIMAL128
            }
        }))
    }

    fn create(&self, _: &Env<'_>, _: &mut Vec<u8>) -> Result<Effect<'_>> {
        Ok(Effect::Value(&self.initial))
    }

    fn creates(&self, _: &Env<'_>) -> bool {
        true
    }
}
