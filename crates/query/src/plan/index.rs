//! What the planner knows of an index.

use std::sync::Arc;

use bson::RawDocument;
use document::types::type_name;
use document::{ErrorCode, Number};

use super::Direction;
use crate::filter::Matcher;
use crate::filter::parse::fields;
use crate::sort;
use crate::{Error, Result};

/// A field of an index's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyField {
    /// The dotted path.
    pub path: String,
    /// How the index sorts it.
    pub direction: sort::Direction,
}

/// What the planner knows of an index. The one on `_id` may be left out: records are in its order.
#[derive(Debug, Clone)]
pub struct IndexInfo {
    /// Its name.
    pub name: String,
    /// Its key pattern.
    pub key: Vec<KeyField>,
    /// Whether no two documents may have one key.
    pub unique: bool,
    /// Whether documents without any of its fields are left out.
    pub sparse: bool,
    /// Whether the planner has to act as if it were not there.
    pub hidden: bool,
    /// Its `partialFilterExpression`: which documents it holds.
    pub partial_filter: Option<Arc<Matcher>>,
    /// Bit `i`: the path of the key's field `i` led through an array in some document. All bits
    /// set is always safe.
    pub multikey_fields: u64,
}

impl IndexInfo {
    /// An index without options on `key`, which no array was met in yet.
    pub fn new(name: impl Into<String>, key: Vec<KeyField>) -> Self {
        Self {
            name: name.into(),
            key,
            unique: false,
            sparse: false,
            hidden: false,
            partial_filter: None,
            multikey_fields: 0,
        }
    }

    /// Parses a key pattern: `{ a: 1, "b.c": -1 }`.
    ///
    /// # Errors
    ///
    /// `CannotCreateIndex` if it is empty or a direction is not a number other than zero.
    pub fn parse_key(pattern: &RawDocument) -> Result<Vec<KeyField>> {
        let refuse = |message: String| Err(Error::new(ErrorCode::CannotCreateIndex, message));
        let mut key = Vec::new();
        for field in fields(pattern) {
            let (path, value) = field?;
            let number = Number::from_raw(&value).map(Number::to_f64);
            let direction = match number {
                Some(number) if number > 0.0 => sort::Direction::Ascending,
                Some(number) if number < 0.0 => sort::Direction::Descending,
                Some(_) => {
                    return refuse(format!(
                        "Values in the index key pattern cannot be 0: '{path}'"
                    ));
                }
                None => {
                    return refuse(format!(
                        "Values in the index key pattern have to be 1 or -1, and that of \
                         '{path}' is of type {}; this server has no text, hashed, wildcard or \
                         geospatial indexes",
                        type_name(&value)
                    ));
                }
            };
            key.push(KeyField {
                path: path.to_owned(),
                direction,
            });
        }
        if key.is_empty() {
            return refuse("Index keys cannot be an empty object".to_owned());
        }
        Ok(key)
    }

    /// Whether the path of field `position` may lead through arrays.
    pub(super) fn is_multikey_field(&self, position: usize) -> bool {
        self.multikey_fields & (1 << position.min(63)) != 0
    }

    /// Whether any path may lead through arrays.
    pub(super) fn is_multikey(&self) -> bool {
        self.multikey_fields != 0
    }

    /// Whether this is the index on `_id`.
    pub(super) fn is_id_index(&self) -> bool {
        matches!(self.key.as_slice(), [field] if field.path == "_id")
    }
}

impl Direction {
    /// The way to go through a field of an index for an order.
    pub(super) fn of(index: sort::Direction, wanted: sort::Direction) -> Self {
        if index == wanted {
            Self::Forward
        } else {
            Self::Backward
        }
    }
}
