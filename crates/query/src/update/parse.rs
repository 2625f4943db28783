//! From a document of operators to the tree.

use bson::{RawBsonRef, RawDocument};
use document::types::type_name;

use super::array_filters::ArrayFilters;
use super::operators::{self, Modifier};
use super::path::{Part, Path};
use super::tree::{self, Entry, Operators};
use crate::{Error, Result};

/// Whether an update is a document of operators, not a replacement: its first field tells.
pub(super) fn has_operators(update: &RawDocument) -> bool {
    match update.iter_elements().next() {
        Some(Ok(element)) => element.key().as_str().starts_with('$'),
        _ => false,
    }
}

/// What the operators add their paths to.
#[derive(Debug)]
pub(super) struct Builder {
    filters: ArrayFilters,
    entries: Vec<Entry>,
    renames: Vec<(Path, Path)>,
}

impl Builder {
    /// Parses a path and notes the array filters that it uses.
    pub(super) fn path(&mut self, text: &str) -> Result<Path> {
        Path::parse(text, &mut self.filters)
    }

    /// Puts a modifier at the end of a path.
    pub(super) fn add(&mut self, path: Path, modifier: impl Modifier + 'static) {
        self.entries.push(Entry {
            path,
            modifier: Box::new(modifier),
        });
    }

    /// Notes a `$rename`; the answer is its number.
    pub(super) fn add_rename(&mut self, source: Path, target: Path) -> usize {
        self.renames.push((source, target));
        self.renames.len() - 1
    }
}

/// Parses a document of operators.
pub(super) fn operators(update: &RawDocument, array_filters: &[&RawDocument]) -> Result<Operators> {
    let mut builder = Builder {
        filters: ArrayFilters::parse(array_filters)?,
        entries: Vec::new(),
        renames: Vec::new(),
    };
    for element in update {
        let Ok((name, argument)) = element else {
            return Err(Error::failed_to_parse("the update is not valid BSON"));
        };
        let name = name.as_str();
        let Some(operator) = operators::find(name) else {
            return Err(Error::failed_to_parse(format!(
                "Unknown modifier: {name}. Expected a valid update modifier or pipeline-style \
                 update specified as an array"
            )));
        };
        let RawBsonRef::Document(fields) = argument else {
            return Err(Error::failed_to_parse(format!(
                "Modifiers operate on fields but we found type {} instead. For example: \
                 {{$mod: {{<field>: ...}}}} not {{{name}: ...}}",
                type_name(&argument)
            )));
        };
        for field in fields {
            let Ok((path, argument)) = field else {
                return Err(Error::failed_to_parse("the update is not valid BSON"));
            };
            (operator.parse)(&mut builder, path.as_str(), argument)?;
        }
    }
    let Builder {
        filters,
        entries,
        renames,
    } = builder;
    let filters = filters.finish()?;
    let parts = |test: fn(&Part) -> bool| {
        entries
            .iter()
            .any(|entry| entry.path.parts.iter().any(test))
    };
    let needs_position = parts(|part| matches!(part, Part::Positional));
    let names_id = entries.iter().any(
        |entry| matches!(entry.path.parts.first(), Some(Part::Field(name)) if **name == *"_id"),
    );
    Ok(Operators {
        root: tree::build(entries)?,
        filters,
        renames,
        needs_position,
        names_id,
    })
}
