//! `$unset`.

use bson::RawBsonRef;

use super::{Builder, Effect, Env, Modifier, Target};
use crate::Result;

/// Removes a field. In an array it leaves null.
#[derive(Debug)]
pub(super) struct Unset;

/// The argument does not matter.
pub(super) fn parse(builder: &mut Builder, path: &str, _: RawBsonRef<'_>) -> Result<()> {
    let path = builder.path(path)?;
    builder.add(path, Unset);
    Ok(())
}

impl Modifier for Unset {
    fn update(&self, _: &Target<'_>, _: &mut Vec<u8>) -> Result<Effect<'_>> {
        Ok(Effect::Removed)
    }

    fn create(&self, _: &Env<'_>, _: &mut Vec<u8>) -> Result<Effect<'_>> {
        Ok(Effect::Nothing)
    }

    fn creates(&self, _: &Env<'_>) -> bool {
        false
    }
}
