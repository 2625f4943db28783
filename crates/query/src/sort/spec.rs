//! A sort specification: `{ age: -1, name: 1 }`.

use std::cmp::Ordering;

use bson::raw::RawBson;
use bson::{RawBsonRef, RawDocument};
use document::limits::MAX_INDEX_FIELDS;
use document::types::type_name;
use document::{ErrorCode, Number};
use smallvec::SmallVec;

use super::keys;
use crate::filter::parse::fields;
use crate::filter::path::Path;
use crate::{Error, Result};

/// Up or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// `1`
    Ascending,
    /// `-1`
    Descending,
}

impl Direction {
    /// The other one.
    #[must_use]
    pub fn reverse(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }

    /// `1` or `-1`.
    pub fn as_i32(self) -> i32 {
        match self {
            Self::Ascending => 1,
            Self::Descending => -1,
        }
    }

    /// `order`, turned round if this is down.
    pub fn apply(self, order: Ordering) -> Ordering {
        match self {
            Self::Ascending => order,
            Self::Descending => order.reverse(),
        }
    }
}

/// A key that is borrowed from its document.
pub(super) type KeyRefs<'d> = SmallVec<[RawBsonRef<'d>; 4]>;

/// A parsed sort specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortSpec {
    fields: Vec<(Path, Direction)>,
    natural: Option<Direction>,
}

/// What one document sorts by: a value for each field of the specification. To be compared with
/// [`SortSpec::compare_keys`] of the specification that it was extracted with.
#[derive(Debug, Clone, PartialEq)]
pub struct SortKey(SmallVec<[RawBson; 2]>);

impl SortKey {
    /// About how many bytes the key holds.
    pub fn size_bytes(&self) -> usize {
        self.0.iter().map(value_bytes).sum()
    }

    /// The values, in the order of the specification.
    pub fn values(&self) -> &[RawBson] {
        &self.0
    }
}

fn value_bytes(value: &RawBson) -> usize {
    size_of::<RawBson>()
        + match value {
            RawBson::String(text) | RawBson::Symbol(text) | RawBson::JavaScriptCode(text) => {
                text.len()
            }
            RawBson::Document(document) => document.as_bytes().len(),
            RawBson::Array(array) => array.as_bytes().len(),
            RawBson::Binary(binary) => binary.bytes.len(),
            _ => 0,
        }
}

impl SortSpec {
    /// Parses `{ field: 1 or -1, … }`, or `{ $natural: 1 or -1 }` alone. An empty document is no
    /// order at all ([`SortSpec::is_empty`]).
    ///
    /// # Errors
    ///
    /// `Location15974` and `Location15975` for a direction that is none, `BadValue` for `$natural`
    /// among fields and for more than 32 fields, `Location15998`, `Location16410` and
    /// `Location40353` for names that are no paths, `Location40218` for `$meta`.
    pub fn parse(spec: &RawDocument) -> Result<Self> {
        let mut parsed = Self {
            fields: Vec::new(),
            natural: None,
        };
        for field in fields(spec) {
            let (name, value) = field?;
            let direction = parse_direction(name, value)?;
            if name == "$natural" {
                parsed.natural = Some(direction);
            } else {
                check_path(name)?;
                parsed.fields.push((Path::new(name), direction));
            }
        }
        if parsed.natural.is_some() && !parsed.fields.is_empty() {
            return Err(Error::bad_value(
                "Cannot include '$natural' in compound sort specification",
            ));
        }
        if parsed.fields.len() > MAX_INDEX_FIELDS {
            return Err(Error::bad_value(format!(
                "too many compound keys: {}, and the most is {MAX_INDEX_FIELDS}",
                parsed.fields.len()
            )));
        }
        Ok(parsed)
    }

    /// Whether nothing is asked for: neither fields nor `$natural`.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.natural.is_none()
    }

    /// The direction of `$natural`.
    pub fn natural(&self) -> Option<Direction> {
        self.natural
    }

    /// The fields and their directions.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&str, Direction)> {
        self.fields
            .iter()
            .map(|(path, direction)| (path.as_str(), *direction))
    }

    /// Compares two documents.
    ///
    /// # Errors
    ///
    /// As [`SortSpec::key`].
    pub fn compare(&self, left: &RawDocument, right: &RawDocument) -> Result<Ordering> {
        let (left, right) = (self.key_refs(left)?, self.key_refs(right)?);
        Ok(self.compare_refs(left.iter().copied(), right.iter().copied()))
    }

    /// What `document` sorts by.
    ///
    /// # Errors
    ///
    /// `BadValue` if two fields of the order reach into different arrays of the document: such
    /// parallel arrays have no order.
    pub fn key(&self, document: &RawDocument) -> Result<SortKey> {
        Ok(Self::own(&self.key_refs(document)?))
    }

    /// Compares two keys of this specification.
    pub fn compare_keys(&self, left: &SortKey, right: &SortKey) -> Ordering {
        self.compare_refs(refs(left), refs(right))
    }

    pub(super) fn own(key: &KeyRefs<'_>) -> SortKey {
        SortKey(key.iter().map(|&value| value.into()).collect())
    }

    pub(super) fn compare_with_key(&self, left: &KeyRefs<'_>, right: &SortKey) -> Ordering {
        self.compare_refs(left.iter().copied(), refs(right))
    }

    /// The least of the document's keys in this order, borrowed from it.
    pub(super) fn key_refs<'d>(&self, document: &'d RawDocument) -> Result<KeyRefs<'d>> {
        let mut least: Option<KeyRefs<'d>> = None;
        let paths = self.fields.iter().map(|(path, _)| path);
        keys::for_each(paths, document, &mut |key| {
            // What is missing sorts as null.
            let values = || key.iter().map(|value| value.unwrap_or(RawBsonRef::Null));
            let less = least
                .as_ref()
                .is_none_or(|least| self.compare_refs(values(), least.iter().copied()).is_lt());
            if less {
                least = Some(values().collect());
            }
        })
        .map_err(|keys::ParallelArrays(left, right)| {
            Error::bad_value(format!(
                "cannot sort with keys that are parallel arrays: '{left}' and '{right}'"
            ))
        })?;
        Ok(least.unwrap_or_default())
    }

    fn compare_refs<'a, 'b>(
        &self,
        left: impl Iterator<Item = RawBsonRef<'a>>,
        right: impl Iterator<Item = RawBsonRef<'b>>,
    ) -> Ordering {
        for ((left, right), (_, direction)) in left.zip(right).zip(&self.fields) {
            match document::compare(left, right) {
                Ordering::Equal => {}
                order => return direction.apply(order),
            }
        }
        Ordering::Equal
    }
}

fn refs(key: &SortKey) -> impl Iterator<Item = RawBsonRef<'_>> {
    key.0.iter().map(RawBson::as_raw_bson_ref)
}

fn parse_direction(name: &str, value: RawBsonRef<'_>) -> Result<Direction> {
    if let RawBsonRef::Document(document) = value
        && matches!(document.get("$meta"), Ok(Some(_)))
    {
        return Err(Error::new(
            ErrorCode::Location(40218),
            format!(
                "query requires metadata for the sort on '{name}', but it is not available: \
                 this server has no text indexes"
            ),
        ));
    }
    let Some(number) = Number::from_raw(&value) else {
        return Err(Error::new(
            ErrorCode::Location(15974),
            format!(
                "Illegal key in $sort specification: {name}: {}",
                type_name(&value)
            ),
        ));
    };
    match number.to_i64_exact() {
        Some(1) => Ok(Direction::Ascending),
        Some(-1) => Ok(Direction::Descending),
        _ if name == "$natural" => Err(Error::bad_value(
            "$natural sort cannot be set to a value other than -1 or 1.",
        )),
        _ => Err(Error::new(
            ErrorCode::Location(15975),
            format!(
                "$sort key ordering must be 1 (for ascending) or -1 (for descending), \
                 and that of '{name}' is neither"
            ),
        )),
    }
}

fn check_path(path: &str) -> Result<()> {
    let refuse = |code, message: &str| Err(Error::new(ErrorCode::Location(code), message));
    if path.ends_with('.') {
        return refuse(40353, "FieldPath must not end with a '.'.");
    }
    for name in path.split('.') {
        if name.is_empty() {
            return refuse(15998, "FieldPath field names may not be empty strings.");
        }
        // The fields of a DBRef are the exception.
        if name.starts_with('$') && !matches!(name, "$ref" | "$id" | "$db") {
            return refuse(
                16410,
                "FieldPath field names may not start with '$'. Consider using $getField or \
                 $setField.",
            );
        }
    }
    Ok(())
}
