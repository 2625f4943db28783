//! `$bit`: and, or, xor on integers.

use bson::RawBsonRef;
use document::types;

use super::{Builder, Effect, Env, Modifier, Target};
use crate::raw::{decode, tag, type_name};
use crate::{Error, Result};

#[derive(Debug)]
struct Bit {
    /// Applied one after the other.
    operations: Vec<(Operation, Integer)>,
}

#[derive(Debug, Clone, Copy)]
enum Operation {
    And,
    Or,
    Xor,
}

#[derive(Debug, Clone, Copy)]
enum Integer {
    Int32(i32),
    Int64(i64),
}

pub(super) fn parse(builder: &mut Builder, path: &str, argument: RawBsonRef<'_>) -> Result<()> {
    let RawBsonRef::Document(document) = argument else {
        return Err(Error::bad_value(format!(
            "The $bit modifier is not compatible with a {}. You must pass in an embedded document: \
             {{$bit: {{field: {{and/or/xor: #}}}}}}",
            types::type_name(&argument)
        )));
    };
    let mut operations = Vec::new();
    for field in document.iter().map_while(std::result::Result::ok) {
        let operation = match field.0.as_str() {
            "and" => Operation::And,
            "or" => Operation::Or,
            "xor" => Operation::Xor,
            other => {
                return Err(Error::bad_value(format!(
                    "The $bit modifier only supports 'and', 'or', and 'xor', not '{other}' which \
                     is an unknown operator"
                )));
            }
        };
        let operand = match field.1 {
            RawBsonRef::Int32(value) => Integer::Int32(value),
            RawBsonRef::Int64(value) => Integer::Int64(value),
            other => {
                return Err(Error::bad_value(format!(
                    "The $bit modifier field must be an Integer(32/64 bit); a '{}' is not \
                     supported here",
                    types::type_name(&other)
                )));
            }
        };
        operations.push((operation, operand));
    }
    if operations.is_empty() {
        return Err(Error::bad_value(
            "You must pass in at least one bitwise operation. The format is: \
             {$bit: {field: {and/or/xor: #}}}",
        ));
    }
    let path = builder.path(path)?;
    builder.add(path, Bit { operations });
    Ok(())
}

impl Integer {
    const fn to_i64(self) -> i64 {
        match self {
            Self::Int32(value) => value as i64,
            Self::Int64(value) => value,
        }
    }

    /// An int with an int stays an int; a long with either is a long.
    fn apply(self, operation: Operation, operand: Self) -> Self {
        let (left, right) = (self.to_i64(), operand.to_i64());
        let result = match operation {
            Operation::And => left & right,
            Operation::Or => left | right,
            Operation::Xor => left ^ right,
        };
        match (self, operand, i32::try_from(result)) {
            (Self::Int32(_), Self::Int32(_), Ok(result)) => Self::Int32(result),
            _ => Self::Int64(result),
        }
    }
}

impl Bit {
    fn apply(&self, start: Integer, scratch: &mut Vec<u8>) -> Effect<'_> {
        let result = self
            .operations
            .iter()
            .fold(start, |value, (operation, operand)| {
                value.apply(*operation, *operand)
            });
        Effect::Written(match result {
            Integer::Int32(value) => {
                scratch.extend_from_slice(&value.to_le_bytes());
                tag::INT32
            }
            Integer::Int64(value) => {
                scratch.extend_from_slice(&value.to_le_bytes());
                tag::INT64
            }
        })
    }
}

impl Modifier for Bit {
    fn update(&self, target: &Target<'_>, scratch: &mut Vec<u8>) -> Result<Effect<'_>> {
        let start = match decode(target.element.tag, target.element.value) {
            Some(RawBsonRef::Int32(value)) => Integer::Int32(value),
            Some(RawBsonRef::Int64(value)) => Integer::Int64(value),
            _ => {
                return Err(Error::bad_value(format!(
                    "Cannot apply $bit to a value of non-integral type. The document has the field \
                     '{}' of non-integer type {}",
                    target.path,
                    type_name(target.element.tag)
                )));
            }
        };
        Ok(self.apply(start, scratch))
    }

    fn create(&self, _: &Env<'_>, scratch: &mut Vec<u8>) -> Result<Effect<'_>> {
        Ok(self.apply(Integer::Int32(0), scratch))
    }

    fn creates(&self, _: &Env<'_>) -> bool {
        true
    }
}
