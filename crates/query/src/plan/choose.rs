//! The best way to the documents that a query wants.

use std::cmp::Reverse;

use bson::raw::RawBson;
use document::ErrorCode;

use super::candidate::{self, Candidate, Score};
use super::hint::{Hint, Hinted};
use super::index::IndexInfo;
use super::interval::IntervalSet;
use super::predicates::Conjuncts;
use super::{Access, Direction, Plan};
use crate::filter::Matcher;
use crate::sort::{self, SortSpec};
use crate::{Error, Result};

/// Chooses how to read what passes `matcher`, in the order of `sort` if that comes for free.
///
/// # Errors
///
/// `BadValue` for a hint to an index that is not there, `NoQueryExecutionPlans` for one to a
/// partial index that does not hold all that may pass.
pub fn choose(
    matcher: &Matcher,
    sort: Option<&SortSpec>,
    indexes: &[IndexInfo],
    hint: Option<&Hint>,
) -> Result<Plan> {
    let filter = Conjuncts::of(matcher.root());
    let sort = sort.filter(|sort| !sort.is_empty());
    if let Some(hint) = hint {
        return hinted(hint.resolve(indexes)?, &filter, sort, indexes);
    }
    if let Some(direction) = sort.and_then(SortSpec::natural) {
        return Ok(collection_scan(&filter, direction.into(), true));
    }
    if filter.is_contradiction() {
        return Ok(Plan {
            access: Access::Nothing,
            filter_covered: true,
            sort_provided: true,
        });
    }
    let best = best(&filter, sort, indexes);
    // Reading less goes before saving a sort.
    if let Some(best) = best.as_ref().filter(|best| best.score.is_selective()) {
        return Ok(best.plan.clone());
    }
    if let Some(union) = union(&filter, sort, indexes) {
        return Ok(union);
    }
    Ok(best.map_or_else(|| whole_collection(&filter, sort), |best| best.plan))
}

fn hinted(
    hinted: Hinted,
    filter: &Conjuncts<'_>,
    sort: Option<&SortSpec>,
    indexes: &[IndexInfo],
) -> Result<Plan> {
    match hinted {
        Hinted::Collection(direction) => Ok(collection_scan(
            filter,
            direction,
            sort.is_none_or(|sort| id_order(sort) == Some(direction)),
        )),
        Hinted::IdIndex => Ok(of_id(filter, sort).plan),
        Hinted::Index(position) => indexes
            .get(position)
            .and_then(|index| candidate::of_index(index, position, filter, sort, true))
            .map(|candidate| candidate.plan)
            .ok_or_else(|| {
                Error::new(
                    ErrorCode::NoQueryExecutionPlans,
                    "error processing query: planner returned error: the hinted partial index \
                     does not hold all documents that the filter may want",
                )
            }),
    }
}

/// The best index, if one is of use.
fn best(
    filter: &Conjuncts<'_>,
    sort: Option<&SortSpec>,
    indexes: &[IndexInfo],
) -> Option<Candidate> {
    let of_indexes = indexes
        .iter()
        .enumerate()
        .filter(|(_, index)| !index.hidden && !index.is_id_index())
        .filter_map(|(position, index)| candidate::of_index(index, position, filter, sort, false));
    std::iter::once(of_id(filter, sort))
        .chain(of_indexes)
        .filter(|candidate| candidate.score.is_useful())
        // The last of equals wins `max_by_key`: the first should.
        .enumerate()
        .max_by_key(|(order, candidate)| (candidate.score, Reverse(*order)))
        .map(|(_, candidate)| candidate)
}

/// What the order of the records, which is that of `_id`, can do.
fn of_id(filter: &Conjuncts<'_>, sort: Option<&SortSpec>) -> Candidate {
    let mut set = IntervalSet::all();
    let mut covered = 0;
    let mut weak = true;
    for predicate in &filter.predicates {
        if predicate.path == "_id" && predicate.scope.is_none() && !predicate.set.is_all() {
            set = set.intersect(&predicate.set);
            weak &= predicate.weak;
            covered += usize::from(predicate.exact);
        }
    }
    let order = sort.and_then(id_order);
    let direction = order.unwrap_or(Direction::Forward);
    let is_points = set.is_points();
    let is_single = set.is_single_point();
    let is_all = set.is_all();
    let score = Score {
        by_id: is_points,
        unique: is_points,
        equalities: usize::from(is_points),
        single_values: usize::from(is_single),
        range: !is_points && !is_all && !weak,
        sorted: order.is_some(),
        clustered: true,
        bounded: usize::from(!is_all),
        width: Reverse(1),
    };
    let access = if set.is_empty() {
        Access::Nothing
    } else if is_points {
        let mut values: Vec<RawBson> = set
            .into_intervals()
            .iter()
            .filter_map(|interval| interval.as_point())
            .map(Into::into)
            .collect();
        if direction == Direction::Backward {
            values.reverse();
        }
        Access::IdLookup { values }
    } else if is_all {
        Access::CollectionScan { direction }
    } else {
        Access::IdRange {
            intervals: set.into_intervals(),
            direction,
        }
    };
    Candidate {
        plan: Plan {
            sort_provided: sort.is_none() || order.is_some() || is_single,
            filter_covered: covered == filter.count,
            access,
        },
        score,
    }
}

/// The way through the collection that gives the order, if the order begins with `_id`, after
/// which nothing is left to sort.
fn id_order(sort: &SortSpec) -> Option<Direction> {
    match sort.fields().next() {
        Some(("_id", sort::Direction::Ascending)) => Some(Direction::Forward),
        Some(("_id", sort::Direction::Descending)) => Some(Direction::Backward),
        _ => None,
    }
}

fn whole_collection(filter: &Conjuncts<'_>, sort: Option<&SortSpec>) -> Plan {
    let order = sort.and_then(id_order);
    collection_scan(
        filter,
        order.unwrap_or(Direction::Forward),
        sort.is_none() || order.is_some(),
    )
}

fn collection_scan(filter: &Conjuncts<'_>, direction: Direction, sort_provided: bool) -> Plan {
    Plan {
        access: Access::CollectionScan { direction },
        filter_covered: filter.count == 0,
        sort_provided,
    }
}

/// The most work for unions, counted in predicates looked at: filters may be as large as messages.
const MAX_UNION_WORK: usize = 100_000;

/// An `$or` all of whose branches have an index.
fn union(filter: &Conjuncts<'_>, sort: Option<&SortSpec>, indexes: &[IndexInfo]) -> Option<Plan> {
    let mut work = MAX_UNION_WORK;
    let (access, filter_covered) = union_within(filter, 0, indexes, &mut work)?;
    Some(Plan {
        access,
        filter_covered,
        sort_provided: sort.is_none(),
    })
}

/// A union for one of the disjunctions among the conjuncts from `first` on.
fn union_within(
    filter: &Conjuncts<'_>,
    first: usize,
    indexes: &[IndexInfo],
    work: &mut usize,
) -> Option<(Access, bool)> {
    let mut disjunctions = filter.disjunctions.iter();
    disjunctions.find_map(|disjunction| {
        if disjunction.conjunct < first {
            return None;
        }
        let mut accesses = Vec::with_capacity(disjunction.branches.len());
        let mut filter_covered = true;
        for branch in disjunction.branches {
            *work = work.checked_sub(filter.predicates.len() + 1)?;
            let branch = filter.with_branch(disjunction.conjunct, branch);
            if branch.is_contradiction() {
                continue;
            }
            // What the branch itself brought stands last.
            let own = filter.count - 1;
            let (access, covered) = match best(&branch, None, indexes) {
                Some(Candidate { plan, .. }) => (plan.access, plan.filter_covered),
                None => union_within(&branch, own, indexes, work)?,
            };
            filter_covered &= covered;
            match access {
                Access::Nothing => {}
                Access::Union(inner) => accesses.extend(inner),
                access => accesses.push(access),
            }
        }
        let access = match accesses.len() {
            0 => Access::Nothing,
            1 => accesses.pop()?,
            _ => Access::Union(accesses),
        };
        Some((access, filter_covered))
    })
}
