//! Access paths: which index answers a filter and a sort, and within which bounds.
//!
//! [`choose`] takes what a filter says of the paths of each index, and ranks: a document by its
//! `_id`, a unique index on all of whose fields the filter wants single values, the most leading
//! fields with wanted values, a range on the field after them, an order that makes sorting
//! unnecessary. The choice depends on nothing but the arguments.
//!
//! Bounds never lose a document: all that passes the filter has a key within them. They may let in
//! others, so the filter is applied to what the scan finds unless [`Plan::filter_covered`].
//!
//! - [`interval`]: ranges of values
//! - [`bounds`]: from a test to ranges
//! - [`predicates`]: from a filter to paths and ranges
//! - [`implication`]: whether a partial index holds all that is wanted
//! - [`order`]: whether an index gives the wanted order
//! - [`candidate`]: what one index can do
//! - [`choose`](mod@choose): the best of them
//! - [`explain`]: how a plan is shown

mod bounds;
mod candidate;
mod choose;
pub mod explain;
mod hint;
mod implication;
mod index;
mod interval;
mod order;
mod predicates;
#[cfg(test)]
mod tests;

pub use choose::choose;
pub use hint::Hint;
pub use index::{IndexInfo, KeyField};
pub use interval::Interval;

use bson::raw::RawBson;

/// Which way a scan goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// In the order of the index, or of `_id`.
    Forward,
    /// Against it.
    Backward,
}

/// How a query reads documents.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What is read.
    pub access: Access,
    /// Whether all that is read passes the filter, which then need not be applied.
    pub filter_covered: bool,
    /// Whether what is read comes in the order of the sort.
    pub sort_provided: bool,
}

/// A way to the documents.
#[derive(Debug, Clone, PartialEq)]
pub enum Access {
    /// No document can pass the filter: nothing is read.
    Nothing,
    /// All documents, in the order of `_id`.
    CollectionScan {
        /// Which way.
        direction: Direction,
    },
    /// The documents with these values of `_id`, each there once, in the order in which they are
    /// to be read.
    IdLookup {
        /// The values.
        values: Vec<RawBson>,
    },
    /// The documents whose `_id` is within one of the intervals, which are sorted and apart.
    IdRange {
        /// The intervals, each from the lower to the higher value.
        intervals: Vec<Interval>,
        /// Which way.
        direction: Direction,
    },
    /// The documents that an index leads to.
    IndexScan(IndexScan),
    /// What each of them reads, each document once, in no order. At least two.
    Union(Vec<Access>),
}

/// A scan of an index within bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexScan {
    /// Where the index stands in the slice that [`choose`] got.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// For each field of the index's key, the intervals that its value has to be in: sorted,
    /// apart, each from the lower to the higher value whatever the field's direction. A key counts
    /// if each of its values is in one of its field's intervals.
    pub bounds: Vec<Vec<Interval>>,
    /// Which way, relative to the index's order.
    pub direction: Direction,
    /// Whether a document may be met more than once, through several keys.
    pub multikey: bool,
}
