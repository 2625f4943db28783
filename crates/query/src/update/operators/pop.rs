//! `$pop`.

use bson::RawBsonRef;
use document::ErrorCode;
use document::number::Number;

use super::{Builder, Effect, Env, Modifier, Target};
use crate::raw::{Elements, tag, type_name, write};
use crate::{Error, Result};

/// Removes an array's first or last element.
#[derive(Debug)]
struct Pop {
    first: bool,
}

pub(super) fn parse(builder: &mut Builder, path: &str, argument: RawBsonRef<'_>) -> Result<()> {
    let Some(number) = Number::from_raw(&argument) else {
        return Err(Error::failed_to_parse(format!(
            "Expected a number in: {path}: <{}>",
            document::types::type_name(&argument)
        )));
    };
    let first = match number.to_i64_exact() {
        Some(1) => false,
        Some(-1) => true,
        _ => {
            return Err(Error::failed_to_parse(format!(
                "$pop expects 1 or -1 for the field '{path}'"
            )));
        }
    };
    let path = builder.path(path)?;
    builder.add(path, Pop { first });
    Ok(())
}

impl Modifier for Pop {
    fn update(&self, target: &Target<'_>, scratch: &mut Vec<u8>) -> Result<Effect<'_>> {
        let element = &target.element;
        if element.tag != tag::ARRAY {
            return Err(Error::new(
                ErrorCode::TypeMismatch,
                format!(
                    "Path '{}' contains an element of non-array type '{}'",
                    target.path,
                    type_name(element.tag)
                ),
            ));
        }
        let count = Elements::of_bytes(element.value).count();
        if count == 0 {
            return Ok(Effect::Nothing);
        }
        let start = write::begin(scratch);
        let kept = Elements::of_bytes(element.value)
            .skip(usize::from(self.first))
            .take(count - 1);
        for (index, item) in kept.enumerate() {
            write::index_element(scratch, item.tag, index, item.value);
        }
        write::end(scratch, start);
        Ok(Effect::Written(tag::ARRAY))
    }

    fn create(&self, _: &Env<'_>, _: &mut Vec<u8>) -> Result<Effect<'_>> {
        Ok(Effect::Nothing)
    }

    fn creates(&self, _: &Env<'_>) -> bool {
        false
    }
}
