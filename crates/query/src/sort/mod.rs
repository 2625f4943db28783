//! Sort orders: comparing documents by a sort specification, and sorting in bounded memory.
//!
//! Source: the manual's pages "$sort", "cursor.sort()" and "Comparison/Sort Order". A missing
//! field sorts as null, an empty array below it; an array sorts by its least element where the
//! order ascends and by its greatest where it descends.

pub(crate) mod keys;
mod sorter;
mod spec;

pub use sorter::Sorter;
pub use spec::{Direction, SortKey, SortSpec};
