//! `arrayFilters`: the conditions that `$[identifier]` stands for.
//!
//! Source: the manual's page "`$[<identifier>]` (update)".

use bson::RawDocument;

use crate::filter::Matcher;
use crate::raw::{Element, write};
use crate::{Error, Result};

/// The array filters of an update, while it is parsed.
#[derive(Debug, Default)]
pub(super) struct ArrayFilters {
    filters: Vec<ArrayFilter>,
    used: Vec<bool>,
}

/// A condition on the elements of an array.
#[derive(Debug)]
pub(super) struct ArrayFilter {
    identifier: Box<str>,
    matcher: Matcher,
}

impl ArrayFilters {
    /// Parses them: each names exactly one identifier, no two the same.
    pub(super) fn parse(filters: &[&RawDocument]) -> Result<Self> {
        let mut parsed = Self::default();
        for filter in filters {
            let matcher = Matcher::parse(filter).map_err(within)?;
            let fields = matcher.root_fields();
            let mut names = fields.iter();
            let identifier: Box<str> = match (names.next(), names.next()) {
                (Some(identifier), None) => (*identifier).into(),
                (Some(one), Some(other)) => {
                    return Err(within(Error::failed_to_parse(format!(
                        "Expected a single top-level field name, found '{one}' and '{other}'"
                    ))));
                }
                (None, _) => {
                    return Err(Error::failed_to_parse(
                        "Cannot use an expression without a top-level field name in arrayFilters",
                    ));
                }
            };
            if !is_identifier(&identifier) {
                return Err(within(Error::bad_value(format!(
                    "The top-level field name must be an alphanumeric string beginning with a \
                     lowercase letter, found '{identifier}'"
                ))));
            }
            if parsed
                .filters
                .iter()
                .any(|filter| filter.identifier == identifier)
            {
                return Err(Error::failed_to_parse(format!(
                    "Found multiple array filters with the same top-level field name {identifier}"
                )));
            }
            drop(fields);
            parsed.filters.push(ArrayFilter {
                identifier,
                matcher,
            });
        }
        parsed.used = vec![false; parsed.filters.len()];
        Ok(parsed)
    }

    /// The position of the filter that an identifier in `path` stands for.
    pub(super) fn find(&mut self, identifier: &str, path: &str) -> Result<usize> {
        let position = self
            .filters
            .iter()
            .position(|filter| *filter.identifier == *identifier)
            .ok_or_else(|| {
                Error::bad_value(format!(
                    "No array filter found for identifier '{identifier}' in path '{path}'"
                ))
            })?;
        if let Some(used) = self.used.get_mut(position) {
            *used = true;
        }
        Ok(position)
    }

    /// The filters, all of which the update must have used.
    pub(super) fn finish(self) -> Result<Vec<ArrayFilter>> {
        match self
            .filters
            .iter()
            .zip(&self.used)
            .find(|(_, used)| !**used)
        {
            Some((filter, _)) => Err(Error::failed_to_parse(format!(
                "The array filter for identifier '{}' was not used in the update",
                filter.identifier
            ))),
            None => Ok(self.filters),
        }
    }
}

impl ArrayFilter {
    /// Whether an array's element fulfils the condition. `scratch` is overwritten.
    pub(super) fn matches(&self, element: &Element<'_>, scratch: &mut Vec<u8>) -> Result<bool> {
        // The condition is one on a document whose field, the identifier, is the element.
        scratch.clear();
        let start = write::begin(scratch);
        write::element(
            scratch,
            element.tag,
            self.identifier.as_bytes(),
            element.value,
        );
        write::end(scratch, start);
        match RawDocument::from_bytes(scratch.as_slice()) {
            Ok(document) => self.matcher.matches(document),
            Err(_) => Ok(false),
        }
    }
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn within(error: Error) -> Error {
    Error::new(
        error.code,
        format!(
            "Error parsing array filter :: caused by :: {}",
            error.message
        ),
    )
}
