//! `$set` and `$setOnInsert`.

use bson::RawBsonRef;

use super::{Builder, Effect, Env, Modifier, Target, literal};
use crate::Result;
use crate::raw::Value;

#[derive(Debug)]
struct Set {
    value: Value,
    only_on_insert: bool,
}

pub(super) fn parse(builder: &mut Builder, path: &str, value: RawBsonRef<'_>) -> Result<()> {
    add(builder, path, value, false)
}

pub(super) fn parse_on_insert(
    builder: &mut Builder,
    path: &str,
    value: RawBsonRef<'_>,
) -> Result<()> {
    add(builder, path, value, true)
}

fn add(
    builder: &mut Builder,
    path: &str,
    value: RawBsonRef<'_>,
    only_on_insert: bool,
) -> Result<()> {
    let path = builder.path(path)?;
    let value = literal(&path, value)?;
    builder.add(
        path,
        Set {
            value,
            only_on_insert,
        },
    );
    Ok(())
}

impl Modifier for Set {
    fn update(&self, target: &Target<'_>, scratch: &mut Vec<u8>) -> Result<Effect<'_>> {
        self.create(target.env, scratch)
    }

    fn create(&self, env: &Env<'_>, _: &mut Vec<u8>) -> Result<Effect<'_>> {
        Ok(if self.creates(env) {
            Effect::Value(&self.value)
        } else {
            Effect::Nothing
        })
    }

    fn creates(&self, env: &Env<'_>) -> bool {
        env.is_insert || !self.only_on_insert
    }
}
