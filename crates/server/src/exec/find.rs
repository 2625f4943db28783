//! A query as a cursor's source: a scan with sort, skip, limit and projection.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bson::{RawDocument, RawDocumentBuf};
use query::filter::Matcher;
use query::projection::Projection;
use query::sort::SortSpec;
use storage::{Collection, Snapshot};

use super::plan::{Hint, Planned, choose};
use super::scan::{Examined, Scan};
use super::sorted;
use crate::cursor::{Sink, Source, Taken};
use crate::error::Result;

/// What is asked of a collection.
pub struct Query {
    /// Which documents.
    pub filter: Arc<Matcher>,
    /// In which order; `None` for the order that is the cheapest.
    pub sort: Option<SortSpec>,
    /// How many are left out at the start.
    pub skip: u64,
    /// How many there are at most; 0 for all.
    pub limit: u64,
    /// What of each document.
    pub projection: Option<Projection>,
    /// The index that the client wants to be used.
    pub hint: Option<Hint>,
}

/// A query that runs on a snapshot.
pub struct Find {
    snapshot: Snapshot,
    scan: Scan,
    /// The order that the scan does not have by itself. Taken when the sort has been done.
    pending_sort: Option<SortSpec>,
    /// What the sort yielded, not handed out yet.
    sorted: Option<VecDeque<RawDocumentBuf>>,
    output: Output,
}

/// What happens to each document that passes.
struct Output {
    skip: u64,
    /// `None` for all.
    left: Option<u64>,
    projection: Option<Projection>,
    filter: Arc<Matcher>,
}

impl Find {
    /// Plans `query` on `collection` as `snapshot` has it.
    pub fn new(snapshot: Snapshot, collection: Arc<Collection>, query: Query) -> Result<Self> {
        let planned = choose(
            &collection,
            &query.filter,
            query.sort.as_ref(),
            query.hint.as_ref(),
        )?;
        Ok(Self::planned(snapshot, collection, query, planned))
    }

    /// Runs `query` along a path that has been chosen.
    pub fn planned(
        snapshot: Snapshot,
        collection: Arc<Collection>,
        query: Query,
        planned: Planned,
    ) -> Self {
        let pending_sort = query
            .sort
            .filter(|sort| !planned.provides_sort && sort.fields().len() > 0);
        Self {
            snapshot,
            scan: Scan::new(collection, planned.access, planned.filter),
            pending_sort,
            sorted: None,
            output: Output {
                skip: query.skip,
                left: (query.limit > 0).then_some(query.limit),
                projection: query
                    .projection
                    .filter(|projection| !projection.is_identity()),
                filter: query.filter,
            },
        }
    }

    /// What was read so far.
    pub const fn examined(&self) -> Examined {
        self.scan.examined()
    }

    fn sort(&mut self, sort: &SortSpec, deadline: Option<Instant>) -> Result<()> {
        let limit = self
            .output
            .left
            .map(|left| left.saturating_add(self.output.skip));
        let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let sorted = sorted::documents(&mut self.scan, &self.snapshot, sort, limit, deadline)?;
        self.sorted = Some(sorted.into());
        Ok(())
    }
}

impl Source for Find {
    fn run(&mut self, deadline: Option<Instant>, sink: &mut Sink<'_>) -> Result<bool> {
        if self.output.left == Some(0) {
            return Ok(true);
        }
        if let Some(sort) = self.pending_sort.take() {
            self.sort(&sort, deadline)?;
        }
        let output = &mut self.output;
        let Some(sorted) = &mut self.sorted else {
            let exhausted = self
                .scan
                .run(&self.snapshot, deadline, &mut |_, document| {
                    output.offer(document, sink)
                })?;
            return Ok(exhausted || output.left == Some(0));
        };
        while let Some(document) = sorted.front() {
            let taken = output.offer(document, sink)?;
            if taken != Taken::Refused {
                sorted.pop_front();
            }
            if taken != Taken::More {
                break;
            }
        }
        Ok(sorted.is_empty() || output.left == Some(0))
    }

    fn is_long(&self) -> bool {
        self.scan.is_long()
    }
}

impl Output {
    fn offer(&mut self, document: &RawDocument, sink: &mut Sink<'_>) -> Result<Taken> {
        if self.skip > 0 {
            self.skip -= 1;
            return Ok(Taken::More);
        }
        let taken = match &self.projection {
            None => sink(document)?,
            Some(projection) => {
                let position = if projection.needs_position() {
                    self.filter.matches_with_position(document)?.1
                } else {
                    None
                };
                sink(&projection.apply(document, position)?)?
            }
        };
        if taken == Taken::Refused {
            return Ok(taken);
        }
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                return Ok(Taken::Enough);
            }
        }
        Ok(taken)
    }
}
