//! Reading a command's fields, with MongoDB's messages where the type is wrong.

use bson::{RawArray, RawBsonRef, RawDocument};
use document::{ErrorCode, Number, types};

use crate::error::{CommandError, Result};

/// A field of a command: where it stands and what it is.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    /// The command, and the path in it where the field is not its own: `find`, `update.updates`.
    pub place: &'a str,
    /// The field's name.
    pub name: &'a str,
    /// What the client sent.
    pub value: RawBsonRef<'a>,
}

impl<'a> Field<'a> {
    /// The fields of a command or of a document within it, in their order.
    pub fn all(place: &'a str, document: &'a RawDocument) -> impl Iterator<Item = Result<Self>> {
        document.iter_elements().map(move |element| {
            let invalid = |_| CommandError::new(ErrorCode::InvalidBSON, "invalid BSON");
            let element = element.map_err(invalid)?;
            Ok(Self {
                place,
                name: element.key().as_str(),
                value: element.value().map_err(invalid)?,
            })
        })
    }

    /// The refusal of a value whose type is none of `expected`.
    pub fn wrong_type(&self, expected: &str) -> CommandError {
        let several = expected.contains(',');
        let expected = if several {
            format!("expected types '[{expected}]'")
        } else {
            format!("expected type '{expected}'")
        };
        CommandError::new(
            ErrorCode::TypeMismatch,
            format!(
                "BSON field '{}.{}' is the wrong type '{}', {expected}",
                self.place,
                self.name,
                types::type_name(&self.value)
            ),
        )
    }

    /// The refusal of a field that the command does not have.
    pub fn unknown(&self) -> CommandError {
        CommandError::new(
            ErrorCode::IDLUnknownField,
            format!(
                "BSON field '{}.{}' is an unknown field.",
                self.place, self.name
            ),
        )
    }

    /// The refusal of a field that MongoDB has and this server does not.
    pub fn unsupported(&self) -> CommandError {
        CommandError::new(
            ErrorCode::NotImplemented,
            format!(
                "'{}.{}' is not supported by this server yet",
                self.place, self.name
            ),
        )
    }

    /// A string.
    pub fn string(&self) -> Result<&'a str> {
        match self.value {
            RawBsonRef::String(value) => Ok(value),
            _ => Err(self.wrong_type("string")),
        }
    }

    /// A document.
    pub fn document(&self) -> Result<&'a RawDocument> {
        match self.value {
            RawBsonRef::Document(value) => Ok(value),
            _ => Err(self.wrong_type("object")),
        }
    }

    /// An array.
    pub fn array(&self) -> Result<&'a RawArray> {
        match self.value {
            RawBsonRef::Array(value) => Ok(value),
            _ => Err(self.wrong_type("array")),
        }
    }

    /// The documents of an array.
    pub fn documents(&self) -> Result<Vec<&'a RawDocument>> {
        self.array()?
            .into_iter()
            .enumerate()
            .map(|(index, value)| match value {
                Ok(RawBsonRef::Document(document)) => Ok(document),
                Ok(other) => Err(CommandError::new(
                    ErrorCode::TypeMismatch,
                    format!(
                        "BSON field '{}.{}.{index}' is the wrong type '{}', expected type 'object'",
                        self.place,
                        self.name,
                        types::type_name(&other)
                    ),
                )),
                Err(_) => Err(CommandError::new(ErrorCode::InvalidBSON, "invalid BSON")),
            })
            .collect()
    }

    /// A truth value: a boolean, or a number as MongoDB takes it.
    pub fn bool(&self) -> Result<bool> {
        match self.value {
            RawBsonRef::Boolean(value) => Ok(value),
            value => Number::from_raw(&value)
                .map(|number| !number.is_zero())
                .ok_or_else(|| self.wrong_type("bool, long, int, decimal, double")),
        }
    }

    /// An integer of any numeric type; a fraction is cut off, as MongoDB does.
    pub fn i64(&self) -> Result<i64> {
        let number = Number::from_raw(&self.value)
            .ok_or_else(|| self.wrong_type("long, int, decimal, double"))?;
        Ok(number
            .to_i64_exact()
            .unwrap_or_else(|| number.to_f64() as i64))
    }

    /// An integer that must not be negative.
    pub fn non_negative(&self) -> Result<u64> {
        let value = self.i64()?;
        u64::try_from(value).map_err(|_| {
            CommandError::new(
                ErrorCode::Location(51024),
                format!(
                    "BSON field '{}' value must be >= 0, actual value '{value}'",
                    self.name
                ),
            )
        })
    }

    /// Whether the field asks for nothing: `null`, or a collation that is the simple one.
    pub fn is_simple_collation(&self) -> bool {
        match self.value {
            RawBsonRef::Null => true,
            RawBsonRef::Document(collation) => {
                collation.is_empty()
                    || collation
                        .get_str("locale")
                        .is_ok_and(|locale| locale == "simple")
            }
            _ => false,
        }
    }

    /// Takes the collation that everything here has, the simple one, and refuses others.
    pub fn simple_collation(&self) -> Result<()> {
        if self.is_simple_collation() {
            Ok(())
        } else {
            Err(self.unsupported())
        }
    }
}

/// The refusal of a command that lacks a field.
pub fn missing(place: &str, name: &str) -> CommandError {
    CommandError::new(
        ErrorCode::IDLFailedToParse,
        format!("BSON field '{place}.{name}' is missing but a required field"),
    )
}
