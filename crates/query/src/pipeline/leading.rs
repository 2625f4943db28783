//! The stages at the head of a pipeline that a collection can answer itself, from an index if
//! there is one.

use std::sync::Arc;

use document::limits::MAX_BLOCKING_STAGE_BYTES;

use super::stages::{Sort, Stage};
use super::{Documents, Pipeline};
use crate::filter::Matcher;
use crate::sort::SortSpec;

/// Which documents of a collection are wanted, as a `find` would ask for them: those that pass the
/// filter, in the order, from `skip` on, `limit` of them.
#[derive(Debug, Clone, Default)]
pub struct Leading {
    /// All documents if there is none.
    pub filter: Option<Arc<Matcher>>,
    /// Any order if there is none.
    pub sort: Option<SortSpec>,
    /// How many documents to pass over, after the sort.
    pub skip: u64,
    /// How many documents to give, after the skip.
    pub limit: Option<u64>,
}

impl Leading {
    /// Answers by reading everything: for sources without indexes.
    pub fn apply(self, input: Documents) -> Documents {
        let nothing: Arc<dyn super::Collections> = Arc::new(super::NoCollections);
        let mut stages = Vec::new();
        stages.extend(self.filter.map(Stage::Match));
        if let Some(spec) = self.sort {
            stages.push(Stage::Sort(Arc::new(Sort {
                spec,
                limit: self.limit.map(|limit| limit.saturating_add(self.skip)),
                memory_limit_bytes: MAX_BLOCKING_STAGE_BYTES,
            })));
        }
        if self.skip > 0 {
            stages.push(Stage::Skip(self.skip));
        }
        stages.extend(self.limit.map(Stage::Limit));
        Pipeline { stages }.run(input, &nothing)
    }
}

pub(super) fn split(pipeline: Pipeline) -> (Leading, Pipeline) {
    let mut leading = Leading::default();
    let mut stages = pipeline.stages.into_iter().peekable();
    if let Some(Stage::Match(matcher)) = stages.next_if(|stage| matches!(stage, Stage::Match(_))) {
        leading.filter = Some(matcher);
    }
    if let Some(Stage::Sort(sort)) = stages.next_if(|stage| matches!(stage, Stage::Sort(_))) {
        leading.sort = Some(sort.spec.clone());
    }
    // Each skip and limit narrows the window that those before it have left.
    while let Some(stage) =
        stages.next_if(|stage| matches!(stage, Stage::Skip(_) | Stage::Limit(_)))
    {
        match stage {
            Stage::Skip(skip) => {
                leading.skip = leading.skip.saturating_add(skip);
                leading.limit = leading.limit.map(|limit| limit.saturating_sub(skip));
            }
            Stage::Limit(limit) => {
                leading.limit = Some(leading.limit.map_or(limit, |known| known.min(limit)));
            }
            Stage::Match(_) | Stage::Sort(_) | Stage::Other(_) => {}
        }
    }
    (
        leading,
        Pipeline {
            stages: stages.collect(),
        },
    )
}
