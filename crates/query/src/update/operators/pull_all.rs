//! `$pullAll`: removes the elements of an array that equal one of several values.

use bson::RawBsonRef;
use document::types::type_name;

use super::{Builder, Effect, Env, Modifier, Target, pull};
use crate::raw::Value;
use crate::{Error, Result};

#[derive(Debug)]
struct PullAll {
    /// Sorted, for a binary search.
    values: Vec<Value>,
}

pub(super) fn parse(builder: &mut Builder, path: &str, argument: RawBsonRef<'_>) -> Result<()> {
    let RawBsonRef::Array(values) = argument else {
        return Err(Error::bad_value(format!(
            "$pullAll requires an array argument but was given a {}",
            type_name(&argument)
        )));
    };
    let path = builder.path(path)?;
    let mut values: Vec<_> = values
        .into_iter()
        .map_while(std::result::Result::ok)
        .map(Value::new)
        .collect();
    values.sort_by(|left, right| document::compare(left.get(), right.get()));
    builder.add(path, PullAll { values });
    Ok(())
}

impl Modifier for PullAll {
    fn update(&self, target: &Target<'_>, scratch: &mut Vec<u8>) -> Result<Effect<'_>> {
        pull::remove(&target.element, scratch, |item| {
            Ok(self
                .values
                .binary_search_by(|value| document::compare(value.get(), item))
                .is_ok())
        })
    }

    fn create(&self, _: &Env<'_>, _: &mut Vec<u8>) -> Result<Effect<'_>> {
        Ok(Effect::Nothing)
    }

    fn creates(&self, _: &Env<'_>) -> bool {
        false
    }
}
