//! The paths that update operators name: dotted, with `$`, `$[]` and `$[identifier]`.

use document::ErrorCode;
use document::limits::MAX_NESTING;

use super::array_filters::ArrayFilters;
use crate::raw::compare_names;
use crate::{Error, Result};

/// A path of an update.
#[derive(Debug, Clone)]
pub(super) struct Path {
    /// As it was written.
    pub(super) text: Box<str>,
    /// Never empty.
    pub(super) parts: Vec<Part>,
}

/// One component of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// A field, or a position in an array.
    Field(Box<str>),
    /// `$`: the array element that the filter matched.
    Positional,
    /// `$[]`: all elements of an array.
    All,
    /// `$[identifier]`: those that an array filter, by its position among them, lets through.
    Filtered(usize),
}

impl Path {
    /// Parses a path and notes which array filters it uses.
    pub(super) fn parse(text: &str, filters: &mut ArrayFilters) -> Result<Self> {
        if text.is_empty() {
            return Err(Error::new(
                ErrorCode::EmptyFieldName,
                "An empty update path is not valid.",
            ));
        }
        let mut parts = Vec::new();
        for component in text.split('.') {
            let part = match component {
                "" => {
                    return Err(Error::new(
                        ErrorCode::EmptyFieldName,
                        format!(
                            "The update path '{text}' contains an empty field name, which is not \
                             allowed."
                        ),
                    ));
                }
                "$" if parts.is_empty() => {
                    return Err(Error::bad_value(format!(
                        "Cannot have positional (i.e. '$') element in the first position in path \
                         '{text}'"
                    )));
                }
                "$" if parts.contains(&Part::Positional) => {
                    return Err(Error::bad_value(format!(
                        "Too many positional (i.e. '$') elements found in path '{text}'"
                    )));
                }
                "$" => Part::Positional,
                _ => match identifier(component) {
                    Some(_) if parts.is_empty() => {
                        return Err(Error::bad_value(format!(
                            "Cannot have array filter identifier (i.e. '$[<id>]') element in the \
                             first position in path '{text}'"
                        )));
                    }
                    Some("") => Part::All,
                    Some(identifier) => Part::Filtered(filters.find(identifier, text)?),
                    None => {
                        check_field(component, parts.is_empty(), text)?;
                        Part::Field(component.into())
                    }
                },
            };
            parts.push(part);
        }
        if parts.len() > MAX_NESTING {
            return Err(Error::new(
                ErrorCode::Overflow,
                format!("an update path has more than {MAX_NESTING} components"),
            ));
        }
        Ok(Self {
            text: text.into(),
            parts,
        })
    }

    /// Whether the path has components that stand for several fields, or for one that is not yet
    /// known.
    pub(super) fn is_dynamic(&self) -> bool {
        self.parts
            .iter()
            .any(|part| !matches!(part, Part::Field(_)))
    }

    /// The first `count` components as text.
    pub(super) fn prefix(&self, count: usize) -> &str {
        let mut end = 0;
        for component in self.text.split('.').take(count) {
            end += component.len() + 1;
        }
        self.text.get(..end.saturating_sub(1)).unwrap_or_default()
    }
}

impl Part {
    /// The order in which an update visits what stands at one place.
    pub(super) fn order(&self, other: &Self) -> std::cmp::Ordering {
        match (self, other) {
            (Self::Field(left), Self::Field(right)) => {
                compare_names(left.as_bytes(), right.as_bytes())
            }
            (Self::Filtered(left), Self::Filtered(right)) => left.cmp(right),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Field(_) => 0,
            Self::Positional => 1,
            Self::All => 2,
            Self::Filtered(_) => 3,
        }
    }
}

/// What stands between the brackets of `$[identifier]`.
fn identifier(component: &str) -> Option<&str> {
    component.strip_prefix("$[")?.strip_suffix(']')
}

/// Refuses names with a `$` in front, but for those of a DBRef.
///
/// Source: the manual's page "Field Names with Periods and Dollar Signs".
fn check_field(name: &str, first: bool, path: &str) -> Result<()> {
    if !name.starts_with('$') || (!first && matches!(name, "$ref" | "$id" | "$db")) {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::DollarPrefixedFieldName,
        format!("The dollar ($) prefixed field '{name}' in '{path}' is not valid for storage."),
    ))
}
