//! What one index can do for a filter and a sort.

use std::cmp::Reverse;

use super::bounds::holds_null;
use super::implication::implies;
use super::index::IndexInfo;
use super::interval::IntervalSet;
use super::order;
use super::predicates::{Conjuncts, Predicate};
use super::{Access, Direction, IndexScan, Plan};
use crate::filter::path::Path;
use crate::sort::SortSpec;

/// How good a plan is: compared field by field, more is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Score {
    /// Documents by their `_id`.
    pub(super) by_id: bool,
    /// At most one document.
    pub(super) unique: bool,
    /// How many leading fields have wanted values.
    pub(super) equalities: usize,
    /// How many of these want a single one.
    pub(super) single_values: usize,
    /// Whether the field after them has a range.
    pub(super) range: bool,
    /// Whether the index is in the wanted order.
    pub(super) sorted: bool,
    /// Whether the documents need no other lookup.
    pub(super) clustered: bool,
    /// How many fields have bounds at all.
    pub(super) bounded: usize,
    /// How many fields the index has.
    pub(super) width: Reverse<usize>,
}

impl Score {
    /// Whether the plan reads less than everything.
    pub(super) fn is_selective(self) -> bool {
        self.equalities > 0 || self.range
    }

    /// Whether the plan reads less than everything, or saves a sort.
    pub(super) fn is_useful(self) -> bool {
        self.is_selective() || self.sorted
    }
}

/// What an index can do.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) plan: Plan,
    pub(super) score: Score,
}

/// The bounds of one field.
struct FieldBounds {
    set: IntervalSet,
    /// The conjuncts that the bounds say all of.
    covered: Vec<usize>,
    weak: bool,
    /// Where the bounds are from: an `$elemMatch` lets fields of one array be bounded together.
    scope: Option<super::predicates::Scope>,
}

impl FieldBounds {
    fn none() -> Self {
        Self {
            set: IntervalSet::all(),
            covered: Vec::new(),
            weak: true,
            scope: None,
        }
    }
}

/// What `index` can do; `None` if it does not hold all documents that may pass, unless `hinted`.
pub(super) fn of_index(
    index: &IndexInfo,
    position: usize,
    filter: &Conjuncts<'_>,
    sort: Option<&SortSpec>,
    hinted: bool,
) -> Option<Candidate> {
    if let Some(partial) = &index.partial_filter
        && !implies(filter, partial.root())
    {
        return None;
    }
    let on_fields = |predicate: &&Predicate<'_>| {
        predicate.excludes_missing && index.key.iter().any(|field| field.path == predicate.path)
    };
    let is_whole = !index.sparse
        || filter
            .predicates
            .iter()
            .any(|predicate| on_fields(&predicate));
    if !is_whole && !hinted {
        return None;
    }
    let mut fields: Vec<FieldBounds> = Vec::with_capacity(index.key.len());
    for at in 0..index.key.len() {
        let bounds = bounds_of_field(index, at, filter, &fields);
        fields.push(bounds);
    }
    let sets: Vec<IntervalSet> = fields.iter().map(|field| field.set.clone()).collect();
    let way = match sort {
        Some(sort) => order::provided(index, &sets, sort),
        None => None,
    };
    let equalities = sets.iter().take_while(|set| set.is_points()).count();
    let single_values = sets
        .iter()
        .take(equalities)
        .filter(|set| set.is_single_point())
        .count();
    let range = fields.get(equalities).is_some_and(|field| {
        let on_sparse = index.sparse && is_whole && field.set.is_all();
        !field.set.is_all() && !field.weak || on_sparse
    });
    let score = Score {
        by_id: false,
        unique: index.unique && single_values == index.key.len(),
        equalities,
        single_values,
        range,
        sorted: way.is_some(),
        clustered: false,
        bounded: fields.iter().filter(|field| !field.set.is_all()).count(),
        width: Reverse(index.key.len()),
    };
    let mut covered: Vec<usize> = fields
        .iter()
        .flat_map(|field| field.covered.iter().copied())
        .collect();
    covered.sort_unstable();
    covered.dedup();
    // Two predicates that no value fulfils, on a field that no array was met in.
    let is_empty = sets.iter().any(IntervalSet::is_empty);
    let access = if is_empty {
        Access::Nothing
    } else {
        Access::IndexScan(IndexScan {
            index: position,
            name: index.name.clone(),
            bounds: sets.into_iter().map(IntervalSet::into_intervals).collect(),
            direction: way.unwrap_or(Direction::Forward),
            multikey: index.is_multikey(),
        })
    };
    Some(Candidate {
        plan: Plan {
            access,
            filter_covered: covered.len() == filter.count,
            sort_provided: sort.is_none() || way.is_some(),
        },
        score,
    })
}

fn bounds_of_field(
    index: &IndexInfo,
    at: usize,
    filter: &Conjuncts<'_>,
    earlier: &[FieldBounds],
) -> FieldBounds {
    let Some(field) = index.key.get(at) else {
        return FieldBounds::none();
    };
    let path = Path::new(&field.path);
    // A number in a path means a position or a name, and the filter's reading is not the index's.
    if path.has_positions() {
        return FieldBounds::none();
    }
    let on_path = filter
        .predicates
        .iter()
        .filter(|predicate| predicate.path == field.path && !predicate.set.is_all());
    if !index.is_multikey_field(at) {
        return intersection(on_path);
    }
    // Different predicates may be fulfilled by different elements, which have different keys: only
    // one of them can bound the keys.
    let best = on_path
        .filter(|predicate| !predicate.loses_empty_arrays)
        .filter(|predicate| agrees_with_earlier(index, at, predicate, earlier))
        .max_by_key(|predicate| {
            (
                predicate.set.is_single_point(),
                predicate.set.is_points(),
                !predicate.weak,
                Reverse(predicate.conjunct),
            )
        });
    match best {
        Some(predicate) => FieldBounds {
            set: predicate.set.clone(),
            covered: (predicate.exact && !predicate.negated && !holds_null(&predicate.set))
                .then_some(predicate.conjunct)
                .into_iter()
                .collect(),
            weak: predicate.weak,
            scope: predicate.scope.clone(),
        },
        None => FieldBounds::none(),
    }
}

fn intersection<'p>(predicates: impl Iterator<Item = &'p Predicate<'p>>) -> FieldBounds {
    predicates.fold(FieldBounds::none(), |mut field, predicate| {
        field.set = field.set.intersect(&predicate.set);
        field.weak &= predicate.weak;
        if predicate.exact {
            field.covered.push(predicate.conjunct);
        }
        field
    })
}

/// Whether a predicate may bound a field beside the bounds of the fields before it: where two
/// fields lead through one array, each key is about one element, and so both predicates have to be.
fn agrees_with_earlier(
    index: &IndexInfo,
    at: usize,
    predicate: &Predicate<'_>,
    earlier: &[FieldBounds],
) -> bool {
    earlier.iter().enumerate().all(|(position, other)| {
        let Some(field) = index.key.get(position) else {
            return true;
        };
        if other.set.is_all() || !index.is_multikey_field(position) {
            return true;
        }
        let Some(own) = index.key.get(at) else {
            return true;
        };
        match common_prefix(&field.path, &own.path) {
            None => true,
            Some(prefix) => match (&other.scope, &predicate.scope) {
                (Some(other), Some(scope)) => other == scope && scope.path == prefix,
                _ => false,
            },
        }
    })
}

/// The names that both paths begin with.
fn common_prefix<'a>(left: &'a str, right: &str) -> Option<&'a str> {
    let mut end = None;
    let mut length = 0;
    for (left_name, right_name) in left.split('.').zip(right.split('.')) {
        if left_name != right_name {
            break;
        }
        length += left_name.len() + usize::from(length > 0);
        end = Some(length);
    }
    left.get(..end?)
}
