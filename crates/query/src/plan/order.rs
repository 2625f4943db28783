//! Whether an index, within bounds, is in the order that a sort wants.

use super::Direction;
use super::index::IndexInfo;
use super::interval::IntervalSet;
use crate::sort::{self, SortSpec};

/// The way to go through the index for the order, if it has it.
///
/// A field with a single value has every order. Entries with the same values are in the order of
/// `_id`. A field that leads through arrays has none: a document stands where the element within
/// the bounds does, not where its least element would.
pub(super) fn provided(
    index: &IndexInfo,
    bounds: &[IntervalSet],
    sort: &SortSpec,
) -> Option<Direction> {
    let is_constant = |path: &str| {
        index
            .key
            .iter()
            .zip(bounds)
            .enumerate()
            .any(|(position, (field, set))| {
                field.path == path && set.is_single_point() && !index.is_multikey_field(position)
            })
    };
    let mut direction = None;
    let mut position = 0;
    for (path, wanted) in sort.fields() {
        if is_constant(path) {
            continue;
        }
        // Entries do not differ in a field with a single value.
        while index
            .key
            .get(position)
            .is_some_and(|field| field.path != path)
            && bounds
                .get(position)
                .is_some_and(IntervalSet::is_single_point)
        {
            position += 1;
        }
        let own = match index.key.get(position) {
            Some(field) if field.path == path && !index.is_multikey_field(position) => {
                field.direction
            }
            // Beyond the fields stands `_id`, after which nothing is left to sort.
            None if path == "_id" => sort::Direction::Ascending,
            _ => return None,
        };
        let way = Direction::of(own, wanted);
        if *direction.get_or_insert(way) != way {
            return None;
        }
        if position >= index.key.len() {
            break;
        }
        position += 1;
    }
    Some(direction.unwrap_or(Direction::Forward))
}
