//! `$pull`: removes the elements of an array that equal a value or fulfil a condition.

use bson::RawBsonRef;

use super::{Builder, Effect, Env, Modifier, Target};
use crate::filter::ElementMatcher;
use crate::raw::{Element, Value, tag, write};
use crate::{Error, Result};

#[derive(Debug)]
enum Pull {
    /// Elements that equal the value; null is only null here.
    Value(Value),
    /// Elements that fulfil operators, a filter, or a regular expression.
    Condition(ElementMatcher),
}

pub(super) fn parse(builder: &mut Builder, path: &str, argument: RawBsonRef<'_>) -> Result<()> {
    let path = builder.path(path)?;
    let modifier = match argument {
        RawBsonRef::Document(_) | RawBsonRef::RegularExpression(_) => {
            Pull::Condition(ElementMatcher::pull(argument)?)
        }
        value => Pull::Value(Value::new(value)),
    };
    builder.add(path, modifier);
    Ok(())
}

impl Modifier for Pull {
    fn update(&self, target: &Target<'_>, scratch: &mut Vec<u8>) -> Result<Effect<'_>> {
        remove(&target.element, scratch, |item| match self {
            Self::Value(value) => Ok(document::compare::equal(item, value.get())),
            Self::Condition(matcher) => matcher.matches(item),
        })
    }

    fn create(&self, _: &Env<'_>, _: &mut Vec<u8>) -> Result<Effect<'_>> {
        Ok(Effect::Nothing)
    }

    fn creates(&self, _: &Env<'_>) -> bool {
        false
    }
}

/// Writes the array without the elements that `is_pulled`.
pub(super) fn remove<'m>(
    array: &Element<'_>,
    scratch: &mut Vec<u8>,
    is_pulled: impl Fn(RawBsonRef<'_>) -> Result<bool>,
) -> Result<Effect<'m>> {
    if array.tag != tag::ARRAY {
        return Err(Error::bad_value("Cannot apply $pull to a non-array value"));
    }
    let mut count = 0;
    let mut kept = 0;
    let start = write::begin(scratch);
    for (item, decoded) in array.items() {
        count += 1;
        if !is_pulled(decoded)? {
            write::index_element(scratch, item.tag, kept, item.value);
            kept += 1;
        }
    }
    write::end(scratch, start);
    Ok(if kept == count {
        Effect::Nothing
    } else {
        Effect::Written(tag::ARRAY)
    })
}
