//! The index that a query asks for.

use bson::{RawBsonRef, RawDocument, RawDocumentBuf};

use super::Direction;
use super::index::IndexInfo;
use crate::sort::{self, SortSpec};
use crate::{Error, Result};

/// What `hint` asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Hint {
    /// The index of this name.
    Name(String),
    /// The index with this key pattern.
    Key(RawDocumentBuf),
    /// `{ $natural: 1 or -1 }`: the collection itself.
    Natural(Direction),
}

/// Where a hint leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hinted {
    Index(usize),
    IdIndex,
    Collection(Direction),
}

impl Hint {
    /// Parses the value of `hint`; an empty document is none.
    ///
    /// # Errors
    ///
    /// `FailedToParse` for what is neither a string nor a document, `BadValue` for `$natural` in
    /// no direction.
    pub fn parse(value: RawBsonRef<'_>) -> Result<Option<Self>> {
        match value {
            RawBsonRef::String(name) => Ok(Some(Self::Name(name.to_owned()))),
            RawBsonRef::Document(key) if key.is_empty() => Ok(None),
            RawBsonRef::Document(key) if matches!(key.get("$natural"), Ok(Some(_))) => {
                let direction = SortSpec::parse(key)?.natural();
                Ok(direction.map(|direction| Self::Natural(direction.into())))
            }
            RawBsonRef::Document(key) => Ok(Some(Self::Key(key.to_owned()))),
            _ => Err(Error::failed_to_parse(
                "hint must be either a string or a nested object",
            )),
        }
    }

    /// The index it means.
    ///
    /// # Errors
    ///
    /// `BadValue` if there is no such index, as `mongod` answers.
    pub(super) fn resolve(&self, indexes: &[IndexInfo]) -> Result<Hinted> {
        let found = match self {
            Self::Natural(direction) => return Ok(Hinted::Collection(*direction)),
            Self::Name(name) if name == "_id_" => return Ok(Hinted::IdIndex),
            Self::Name(name) => indexes.iter().position(|index| index.name == *name),
            Self::Key(key) => {
                let same = |index: &IndexInfo| is_key(&index.key, key);
                match indexes.iter().position(same) {
                    None if is_id_key(key) => return Ok(Hinted::IdIndex),
                    found => found,
                }
            }
        };
        let usable = |position: &usize| indexes.get(*position).is_some_and(|index| !index.hidden);
        let Some(position) = found.filter(usable) else {
            return Err(Error::bad_value(
                "planner returned error :: caused by :: hint provided does not correspond to an \
                 existing index",
            ));
        };
        Ok(
            if indexes.get(position).is_some_and(IndexInfo::is_id_index) {
                Hinted::IdIndex
            } else {
                Hinted::Index(position)
            },
        )
    }
}

fn is_key(fields: &[super::KeyField], key: &RawDocument) -> bool {
    IndexInfo::parse_key(key).is_ok_and(|parsed| parsed == fields)
}

fn is_id_key(key: &RawDocument) -> bool {
    IndexInfo::parse_key(key).is_ok_and(|parsed| {
        matches!(parsed.as_slice(), [field] if field.path == "_id"
            && field.direction == sort::Direction::Ascending)
    })
}

impl From<sort::Direction> for Direction {
    /// Up is forward.
    fn from(direction: sort::Direction) -> Self {
        match direction {
            sort::Direction::Ascending => Self::Forward,
            sort::Direction::Descending => Self::Backward,
        }
    }
}
