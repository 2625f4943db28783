//! Stages in a better order, with the same result: filters as early as they can stand, and sorts
//! that know how many documents are wanted of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use bson::raw::{RawBsonRef, cstr};
use bson::{RawArrayBuf, RawDocument, RawDocumentBuf};

use super::stages::{Stage, compile_filter};
use crate::Result;
use crate::expression::{ParseContext, fields};
use crate::filter::Matcher;

/// Reorders and merges `stages`.
pub(super) fn optimize(stages: Vec<Stage>, context: &ParseContext) -> Result<Vec<Stage>> {
    let mut stages = filters_first(stages, context)?;
    tell_sorts_their_limit(&mut stages);
    Ok(stages)
}

/// A stage, or filters that will be one.
enum Slot {
    Filters(Vec<Arc<Matcher>>),
    Stage(Stage),
}

fn filters_first(stages: Vec<Stage>, context: &ParseContext) -> Result<Vec<Stage>> {
    let mut slots: Vec<Slot> = Vec::with_capacity(stages.len());
    for stage in stages {
        let Stage::Match(matcher) = stage else {
            slots.push(Slot::Stage(stage));
            continue;
        };
        let roots = asks_only_paths(matcher.source()).then(|| matcher.root_fields());
        let mut place = slots.len();
        while let Some(Slot::Stage(before)) = place.checked_sub(1).and_then(|i| slots.get(i))
            && commutes(before, roots.as_ref())
        {
            place -= 1;
        }
        match place.checked_sub(1).and_then(|i| slots.get_mut(i)) {
            Some(Slot::Filters(filters)) => filters.push(matcher),
            _ => match slots.get_mut(place) {
                // A filter already moved to this place.
                Some(Slot::Filters(filters)) => filters.push(matcher),
                _ => slots.insert(place, Slot::Filters(vec![matcher])),
            },
        }
    }
    slots
        .into_iter()
        .map(|slot| match slot {
            Slot::Stage(stage) => Ok(stage),
            Slot::Filters(filters) => merge(filters, context).map(Stage::Match),
        })
        .collect()
}

fn commutes(stage: &Stage, roots: Option<&BTreeSet<&str>>) -> bool {
    match stage {
        Stage::Sort(_) => true,
        Stage::Other(stage) => roots.is_some_and(|roots| stage.commutes_with_match_on(roots)),
        Stage::Match(_) | Stage::Skip(_) | Stage::Limit(_) => false,
    }
}

/// Whether a filter is made of paths and tests alone: `$expr` and the like may read any field.
fn asks_only_paths(filter: &RawDocument) -> bool {
    fields(filter).all(|(name, value)| match (name.as_str(), value) {
        ("$and" | "$or" | "$nor", RawBsonRef::Array(inner)) => crate::expression::items(inner)
            .all(|item| item.as_document().is_some_and(asks_only_paths)),
        ("$comment", _) => true,
        (name, _) => !name.starts_with('$'),
    })
}

fn merge(filters: Vec<Arc<Matcher>>, context: &ParseContext) -> Result<Arc<Matcher>> {
    match <[Arc<Matcher>; 1]>::try_from(filters) {
        Ok([only]) => Ok(only),
        Err(filters) => {
            let mut all = RawArrayBuf::new();
            filters.iter().for_each(|filter| all.push(filter.source()));
            let mut merged = RawDocumentBuf::new();
            merged.append(cstr!("$and"), all);
            compile_filter(&merged, context)
        }
    }
}

fn tell_sorts_their_limit(stages: &mut [Stage]) {
    // From the end, so that the window of each sort is known when it is reached.
    let mut window: Option<u64> = None;
    for stage in stages.iter_mut().rev() {
        match stage {
            Stage::Limit(limit) => {
                window = Some(window.map_or(*limit, |window| window.min(*limit)));
            }
            Stage::Skip(skip) => window = window.map(|window| window.saturating_add(*skip)),
            Stage::Sort(sort) => {
                if let Some(window) = window {
                    let mut limited = (**sort).clone();
                    limited.limit = Some(window);
                    *sort = Arc::new(limited);
                }
                window = None;
            }
            Stage::Match(_) | Stage::Other(_) => window = None,
        }
    }
}
