//! From the text of an option to its value.

use super::error::Error;
use super::known::{Kind, Known};
use super::place::Place;
use super::secret::Password;

/// The value of an option, checked against its type and limits.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Bool(bool),
    Int(i64),
    Text(String),
    Secret(Password),
    /// Given, but empty: the same as not given.
    Nothing,
}

impl Value {
    /// Reads the text as the option's type.
    ///
    /// # Errors
    /// [`Error::InvalidValue`], or [`Error::UnsupportedOption`] for values that only `mongod` has.
    pub(super) fn parse(known: &Known, text: String, place: &Place) -> Result<Self, Error> {
        let invalid = |expected: &str, text: String| Error::InvalidValue {
            place: place.clone(),
            expected: expected.to_owned(),
            got: Some(text),
        };
        match known.kind {
            Kind::Bool => match boolean(&text) {
                Some(value) => Ok(Self::Bool(value)),
                None => Err(invalid("true or false", text)),
            },
            Kind::Int { min, max } => match text.parse::<i64>() {
                Ok(value) if (min..=max).contains(&value) => Ok(Self::Int(value)),
                _ => Err(invalid(
                    &format!("a whole number from {min} to {max}"),
                    text,
                )),
            },
            Kind::Count { max } => match text.parse::<i64>() {
                Ok(value) if (0..=max).contains(&value) => Ok(Self::Int(value)),
                _ => Err(invalid(&format!("a whole number from 0 to {max}"), text)),
            },
            Kind::Text | Kind::Path if text.trim().is_empty() => Err(Error::InvalidValue {
                place: place.clone(),
                expected: "a value".into(),
                got: None,
            }),
            Kind::Text | Kind::Path => Ok(Self::Text(text)),
            Kind::OptionalText if text.trim().is_empty() => Ok(Self::Nothing),
            Kind::OptionalText => Ok(Self::Text(text)),
            Kind::Secret => Ok(Self::Secret(Password::new(text))),
            Kind::ChoiceBut { other, reason, .. } if text == other => {
                Err(Error::UnsupportedOption {
                    place: place.clone(),
                    value: Some(text),
                    reason,
                })
            }
            Kind::Choice(words) | Kind::ChoiceBut { words, .. } => {
                if words.contains(&text.as_str()) {
                    Ok(Self::Text(text))
                } else {
                    Err(invalid(&format!("`{}`", words.join("` or `")), text))
                }
            }
            Kind::Only { value, reason } => {
                if text == value {
                    Ok(boolean(value).map_or(Self::Text(text), Self::Bool))
                } else {
                    Err(Error::UnsupportedOption {
                        place: place.clone(),
                        value: Some(text),
                        reason,
                    })
                }
            }
        }
    }
}

/// `mongod` reads these two spellings only.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}
