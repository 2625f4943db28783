//! Which part of an index is read, and which way.

use std::ops::Bound;

use bson::RawBson;

/// Which way a scan goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// In the order of the index (or of `_id`).
    #[default]
    Forward,
    /// Against it.
    Backward,
}

impl Direction {
    /// The other way.
    pub fn reversed(self) -> Self {
        match self {
            Direction::Forward => Direction::Backward,
            Direction::Backward => Direction::Forward,
        }
    }
}

/// A range of values in MongoDB's order: from the lower value to the higher one, whatever the
/// direction of the index's field. `Unbounded` is `MinKey` and `MaxKey`, inclusive.
#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    /// Where it begins.
    pub low: Bound<RawBson>,
    /// Where it ends.
    pub high: Bound<RawBson>,
}

impl Interval {
    /// Every value.
    pub fn all() -> Self {
        Self {
            low: Bound::Unbounded,
            high: Bound::Unbounded,
        }
    }

    /// One value, and what equals it.
    pub fn point(value: impl Into<RawBson>) -> Self {
        let value = value.into();
        Self {
            low: Bound::Included(value.clone()),
            high: Bound::Included(value),
        }
    }
}

/// What is read of an index: for each of its first fields, the intervals that a key's value may
/// be in. Fields beyond the end of the list are unbounded; intervals may come in any order and
/// may overlap. No intervals for a field: nothing is read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IndexBounds {
    /// One list for each field, in the order of the key pattern.
    pub fields: Vec<Vec<Interval>>,
}

impl IndexBounds {
    /// The whole index.
    pub fn all() -> Self {
        Self::default()
    }

    /// Bounds from a list for each field.
    pub fn new(fields: Vec<Vec<Interval>>) -> Self {
        Self { fields }
    }
}
