//! `$min` and `$max`: by MongoDB's order of values, across types.

use std::cmp::Ordering;

use bson::RawBsonRef;

use super::{Builder, Effect, Env, Modifier, Target, literal};
use crate::Result;
use crate::raw::Value;

#[derive(Debug)]
struct MinMax {
    value: Value,
    /// How the value has to compare to the one in the document to take its place.
    wanted: Ordering,
}

pub(super) fn parse_min(builder: &mut Builder, path: &str, value: RawBsonRef<'_>) -> Result<()> {
    add(builder, path, value, Ordering::Less)
}

pub(super) fn parse_max(builder: &mut Builder, path: &str, value: RawBsonRef<'_>) -> Result<()> {
    add(builder, path, value, Ordering::Greater)
}

fn add(builder: &mut Builder, path: &str, value: RawBsonRef<'_>, wanted: Ordering) -> Result<()> {
    let path = builder.path(path)?;
    let value = literal(&path, value)?;
    builder.add(path, MinMax { value, wanted });
    Ok(())
}

impl Modifier for MinMax {
    fn update(&self, target: &Target<'_>, _: &mut Vec<u8>) -> Result<Effect<'_>> {
        let order = target
            .element
            .with_value(|current| document::compare(self.value.get(), current));
        Ok(if order == self.wanted {
            Effect::Value(&self.value)
        } else {
            Effect::Nothing
        })
    }

    fn create(&self, _: &Env<'_>, _: &mut Vec<u8>) -> Result<Effect<'_>> {
        Ok(Effect::Value(&self.value))
    }

    fn creates(&self, _: &Env<'_>) -> bool {
        true
    }
}
