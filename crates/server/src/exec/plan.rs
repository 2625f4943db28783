//! The access path that the planner chose, in the storage layer's terms.

use std::ops::Bound;
use std::sync::Arc;

use bson::RawDocumentBuf;
use bson::raw::RawBson;
use query::filter::Matcher;
use query::plan::{self, IndexInfo, KeyField, Plan};
use query::sort::{self, SortSpec};
use storage::{Collection, Direction, Index, IndexBounds, Interval, RecordId};

pub use query::plan::Hint;

use super::find::Query;
use super::scan::Access;
use crate::error::{CommandError, Result};
use crate::field::Field;

/// Reads the field `hint` of a command.
pub fn parse_hint(field: &Field<'_>) -> Result<Option<Hint>> {
    Ok(Hint::parse(field.value)?)
}

/// How a query reads its collection.
pub struct Planned {
    /// The path.
    pub access: Access,
    /// What each record still has to pass; `None` where the path reaches just what is asked for.
    pub filter: Option<Arc<Matcher>>,
    /// Whether the records come in the order asked for.
    pub provides_sort: bool,
    /// The planner's own words, for `explain`.
    plan: Plan,
    indexes: Vec<IndexInfo>,
}

/// Chooses the path.
///
/// # Errors
///
/// A hint to an index that is not there or cannot be used.
pub fn choose(
    collection: &Arc<Collection>,
    filter: &Arc<Matcher>,
    sort: Option<&SortSpec>,
    hint: Option<&Hint>,
) -> Result<Planned> {
    // A lookup by `_id` goes before every index, and is the most frequent query: it is recognised
    // before the indexes are described to the planner.
    if hint.is_none() {
        let plan = plan::choose(filter, sort, &[], None)?;
        if matches!(
            plan.access,
            plan::Access::IdLookup { .. } | plan::Access::Nothing
        ) {
            return planned(plan, Vec::new(), &[], filter);
        }
    }
    // Records are in the order of `_id`, so that its index is not one of those to choose from.
    let candidates: Vec<&Arc<Index>> = collection
        .indexes()
        .filter(|index| !index.is_id_index())
        .collect();
    let indexes = candidates
        .iter()
        .map(|index| describe_index(index))
        .collect::<Result<Vec<_>>>()?;
    let plan = plan::choose(filter, sort, &indexes, hint)?;
    planned(plan, indexes, &candidates, filter)
}

fn planned(
    plan: Plan,
    indexes: Vec<IndexInfo>,
    candidates: &[&Arc<Index>],
    filter: &Arc<Matcher>,
) -> Result<Planned> {
    Ok(Planned {
        access: convert(&plan.access, candidates)?,
        filter: (!plan.filter_covered && !filter.is_empty()).then(|| Arc::clone(filter)),
        provides_sort: plan.sort_provided,
        plan,
        indexes,
    })
}

fn describe_index(index: &Index) -> Result<IndexInfo> {
    let spec = index.spec();
    let key = spec
        .fields
        .iter()
        .map(|field| KeyField {
            path: field.path.clone(),
            direction: if field.descending {
                sort::Direction::Descending
            } else {
                sort::Direction::Ascending
            },
        })
        .collect();
    let mut info = IndexInfo::new(spec.name.clone(), key);
    info.unique = spec.unique;
    info.sparse = spec.sparse;
    info.hidden = spec.hidden;
    info.multikey_fields = index.multikey_fields();
    if let Some(expression) = &spec.partial_filter_expression {
        info.partial_filter = Some(Arc::new(Matcher::parse(expression)?));
    }
    Ok(info)
}

fn convert(access: &plan::Access, indexes: &[&Arc<Index>]) -> Result<Access> {
    Ok(match access {
        plan::Access::Nothing => Access::Ids(Vec::new()),
        plan::Access::CollectionScan { direction } => Access::Records {
            ranges: vec![(Bound::Unbounded, Bound::Unbounded)],
            direction: convert_direction(*direction),
        },
        plan::Access::IdLookup { values } => Access::Ids(
            values
                .iter()
                .map(|value| Ok(RecordId::new(value.as_raw_bson_ref())?))
                .collect::<Result<_>>()?,
        ),
        plan::Access::IdRange {
            intervals,
            direction,
        } => {
            let mut ranges = intervals
                .iter()
                .map(|interval| Ok((record_bound(&interval.low)?, record_bound(&interval.high)?)))
                .collect::<Result<Vec<_>>>()?;
            let direction = convert_direction(*direction);
            if direction == Direction::Backward {
                ranges.reverse();
            }
            Access::Records { ranges, direction }
        }
        plan::Access::IndexScan(scan) => {
            let index = indexes.get(scan.index).ok_or_else(|| {
                CommandError::new(
                    document::ErrorCode::InternalError,
                    "the planner chose an index that is not there",
                )
            })?;
            let fields = scan
                .bounds
                .iter()
                .map(|intervals| intervals.iter().map(convert_interval).collect())
                .collect();
            Access::Index {
                index: Arc::clone(index),
                bounds: IndexBounds::new(fields),
                direction: convert_direction(scan.direction),
            }
        }
        plan::Access::Union(members) => Access::Union(
            members
                .iter()
                .map(|member| convert(member, indexes))
                .collect::<Result<_>>()?,
        ),
    })
}

const fn convert_direction(direction: plan::Direction) -> Direction {
    match direction {
        plan::Direction::Forward => Direction::Forward,
        plan::Direction::Backward => Direction::Backward,
    }
}

fn convert_interval(interval: &plan::Interval) -> Interval {
    Interval {
        low: interval.low.clone(),
        high: interval.high.clone(),
    }
}

fn record_bound(bound: &Bound<RawBson>) -> Result<Bound<RecordId>> {
    Ok(match bound {
        Bound::Included(value) => Bound::Included(RecordId::new(value.as_raw_bson_ref())?),
        Bound::Excluded(value) => Bound::Excluded(RecordId::new(value.as_raw_bson_ref())?),
        Bound::Unbounded => Bound::Unbounded,
    })
}

/// The chosen path and what is done with its documents, as `explain` tells it: stage by stage,
/// the last one outermost.
pub fn describe(planned: &Planned, query: &Query) -> RawDocumentBuf {
    let mut stage = plan::explain::winning_plan(&planned.plan, &query.filter, &planned.indexes);
    let wrap =
        |name: &str, inner: RawDocumentBuf| bson::rawdoc! { "stage": name, "inputStage": inner };
    let sorts = query.sort.as_ref().filter(|_| !planned.provides_sort);
    if let Some(sort) = sorts {
        let mut pattern = RawDocumentBuf::new();
        for (path, direction) in sort.fields() {
            if let Ok(path) = <&bson::raw::CStr>::try_from(path) {
                pattern.append(path, direction.as_i32());
            }
        }
        stage = bson::rawdoc! { "stage": "SORT", "sortPattern": pattern, "inputStage": stage };
    }
    if query.skip > 0 {
        stage = wrap("SKIP", stage);
    }
    if query.limit > 0 && sorts.is_none() {
        stage = wrap("LIMIT", stage);
    }
    if query
        .projection
        .as_ref()
        .is_some_and(|projection| !projection.is_identity())
    {
        stage = wrap("PROJECTION_DEFAULT", stage);
    }
    stage
}
