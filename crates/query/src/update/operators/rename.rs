//! `$rename`: the field leaves its place, and its value comes to stand under the new name.

use bson::{RawBsonRef, RawDocument};
use document::types::type_name;

use super::unset::Unset;
use super::{Builder, Effect, Env, Modifier, Target, check_levels};
use crate::raw::{Element, Elements, levels, tag};
use crate::update::path::{Part, Path};
use crate::{Error, Result};

/// What stands at the new name: the value that the `$rename` of that number has found.
#[derive(Debug)]
struct Arrival(usize);

/// A field that is renamed.
#[derive(Debug, Clone, Copy)]
pub(in crate::update) struct Renamed<'d>(Element<'d>);

pub(super) fn parse(builder: &mut Builder, path: &str, argument: RawBsonRef<'_>) -> Result<()> {
    let RawBsonRef::String(target) = argument else {
        return Err(Error::bad_value(format!(
            "The 'to' field for $rename must be a string, but '{path}' is to become a value of \
             type {}",
            type_name(&argument)
        )));
    };
    // Strings may hold what the names of fields cannot.
    if target.contains('\0') {
        return Err(Error::bad_value(
            "The 'to' field for $rename cannot contain an embedded null byte",
        ));
    }
    let source_path = builder.path(path)?;
    let target_path = builder.path(target)?;
    if path == target {
        return Err(Error::bad_value(format!(
            "The source and target field for $rename must differ: {path}: \"{target}\""
        )));
    }
    for (what, path) in [("source", &source_path), ("destination", &target_path)] {
        if path.is_dynamic() {
            return Err(Error::bad_value(format!(
                "The {what} field for $rename may not be dynamic: {}",
                path.text
            )));
        }
    }
    if source_path.parts.starts_with(&target_path.parts)
        || target_path.parts.starts_with(&source_path.parts)
    {
        return Err(Error::bad_value(format!(
            "The source and target field for $rename must not be on the same path: {path}: \
             \"{target}\""
        )));
    }
    let number = builder.add_rename(source_path.clone(), target_path.clone());
    builder.add(source_path, Unset);
    builder.add(target_path, Arrival(number));
    Ok(())
}

impl<'d> Renamed<'d> {
    /// Finds what a `$rename` moves in `document`; `None` if it is not there.
    pub(in crate::update) fn find(
        document: &'d RawDocument,
        source: &Path,
        target: &Path,
    ) -> Result<Option<Self>> {
        let Some(found) = walk(document, source, "source")? else {
            return Ok(None);
        };
        walk(document, target, "destination")?;
        check_levels(target, levels(found.tag, found.value))?;
        Ok(Some(Self(found)))
    }
}

/// Walks to the end of a path, which may not lead into an array.
fn walk<'d>(document: &'d RawDocument, path: &Path, what: &str) -> Result<Option<Element<'d>>> {
    let mut elements = Some(Elements::of(document));
    let mut found: Option<Element<'d>> = None;
    for part in &path.parts {
        let Part::Field(name) = part else {
            return Ok(None);
        };
        if found.is_some_and(|element| element.tag == tag::ARRAY) {
            return Err(Error::bad_value(format!(
                "The {what} field cannot be an array element, '{}' leads into an array",
                path.text
            )));
        }
        found = elements.and_then(|elements| elements.find_name(name.as_bytes()));
        let Some(element) = found else {
            return Ok(None);
        };
        elements = element.children();
    }
    Ok(found)
}

impl Modifier for Arrival {
    fn update(&self, target: &Target<'_>, scratch: &mut Vec<u8>) -> Result<Effect<'_>> {
        self.create(target.env, scratch)
    }

    fn create(&self, env: &Env<'_>, scratch: &mut Vec<u8>) -> Result<Effect<'_>> {
        Ok(match env.renamed.get(self.0) {
            Some(Some(Renamed(element))) => {
                scratch.extend_from_slice(element.value);
                Effect::Written(element.tag)
            }
            _ => Effect::Nothing,
        })
    }

    fn creates(&self, env: &Env<'_>) -> bool {
        matches!(env.renamed.get(self.0), Some(Some(_)))
    }
}
