//! Reading the records that a filter selects, along the access path that was chosen for it.

use std::collections::HashSet;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Instant;

use bson::{RawDocument, RawDocumentBuf};
use query::filter::Matcher;
use storage::{Collection, Direction, Index, IndexBounds, IndexPosition, RecordId, Snapshot};

use crate::cursor::Taken;
use crate::error::Result;
use crate::request::check_deadline;

/// The deadline is looked at once for so many records.
const RECORDS_PER_CHECK: u64 = 128;

/// How the records are reached.
#[derive(Debug, Clone)]
pub enum Access {
    /// The records whose `_id`s lie in ranges, which are read one after the other; in the order
    /// of `_id` or against it. A range goes from the lower to the higher one whatever the
    /// direction.
    Records {
        /// The ranges, apart from each other.
        ranges: Vec<(Bound<RecordId>, Bound<RecordId>)>,
        /// Which way.
        direction: Direction,
    },
    /// The records with these `_id`s.
    Ids(Vec<RecordId>),
    /// What an index holds within bounds, in its order.
    Index {
        /// The index.
        index: Arc<Index>,
        /// What is read of it.
        bounds: IndexBounds,
        /// Which way.
        direction: Direction,
    },
    /// What several paths lead to, each record once: `$or`.
    Union(Vec<Access>),
}

/// How far a scan has come.
#[derive(Default)]
struct Progress {
    /// How many members of a union are done.
    members_done: usize,
    /// How many parts of a path are done: ids, or ranges of records.
    parts_done: usize,
    /// After which record a scan of a collection goes on.
    after_record: Option<RecordId>,
    /// After which key a scan of an index goes on.
    after_key: Option<IndexPosition>,
    /// The records that a union has met.
    met: HashSet<RecordId>,
    /// The record that was refused, to be handed out first.
    refused: Option<(RecordId, RawDocumentBuf)>,
}

/// What a scan looked at, for `explain`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Examined {
    /// Documents that were read.
    pub documents: u64,
    /// Keys of indexes that were read.
    pub keys: u64,
}

/// The records of a collection that pass a filter, in the order of the access path. It stops
/// where it is told to, and goes on there later.
pub struct Scan {
    collection: Arc<Collection>,
    access: Access,
    /// `None` where the access path reaches exactly what the filter selects.
    filter: Option<Arc<Matcher>>,
    progress: Progress,
    examined: Examined,
}

/// Receives the records that pass.
pub type RecordSink<'a> = dyn FnMut(&RecordId, &RawDocument) -> Result<Taken> + 'a;

impl Scan {
    /// A scan from the start.
    pub fn new(collection: Arc<Collection>, access: Access, filter: Option<Arc<Matcher>>) -> Self {
        Self {
            collection,
            access,
            filter,
            progress: Progress::default(),
            examined: Examined::default(),
        }
    }

    /// What was read so far.
    pub const fn examined(&self) -> Examined {
        self.examined
    }

    /// Whether it may read many records.
    pub fn is_long(&self) -> bool {
        !matches!(&self.access, Access::Ids(ids) if ids.len() <= 16)
    }

    /// Hands records of `snapshot` to `sink` until it has enough, or there are no more: `true`.
    pub fn run(
        &mut self,
        snapshot: &Snapshot,
        deadline: Option<Instant>,
        sink: &mut RecordSink<'_>,
    ) -> Result<bool> {
        if let Some((id, document)) = self.progress.refused.take() {
            match sink(&id, &document)? {
                Taken::More => {}
                Taken::Enough => return Ok(false),
                Taken::Refused => {
                    self.progress.refused = Some((id, document));
                    return Ok(false);
                }
            }
        }
        let mut run = Run {
            snapshot,
            collection: &self.collection,
            filter: self.filter.as_deref(),
            progress: &mut self.progress,
            examined: &mut self.examined,
            deadline,
            sink,
            until_check: RECORDS_PER_CHECK,
        };
        match &self.access {
            Access::Union(members) => run.union(members),
            access => run.single(access, false),
        }
    }
}

/// One run of a scan.
struct Run<'a, 'b> {
    snapshot: &'a Snapshot,
    collection: &'a Arc<Collection>,
    filter: Option<&'a Matcher>,
    progress: &'a mut Progress,
    examined: &'a mut Examined,
    deadline: Option<Instant>,
    sink: &'a mut RecordSink<'b>,
    until_check: u64,
}

impl Run<'_, '_> {
    fn union(&mut self, members: &[Access]) -> Result<bool> {
        while let Some(member) = members.get(self.progress.members_done) {
            if !self.single(member, true)? {
                return Ok(false);
            }
            self.progress.members_done += 1;
            self.progress.parts_done = 0;
            self.progress.after_record = None;
            self.progress.after_key = None;
        }
        Ok(true)
    }

    fn single(&mut self, access: &Access, in_union: bool) -> Result<bool> {
        match access {
            Access::Records { ranges, direction } => self.ranges(ranges, *direction, in_union),
            Access::Ids(ids) => self.ids(ids, in_union),
            Access::Index {
                index,
                bounds,
                direction,
            } => self.index_scan(index, bounds, *direction, in_union),
            // The planner makes unions of simple paths only.
            Access::Union(_) => Ok(true),
        }
    }

    fn ranges(
        &mut self,
        ranges: &[(Bound<RecordId>, Bound<RecordId>)],
        direction: Direction,
        in_union: bool,
    ) -> Result<bool> {
        while let Some((low, high)) = ranges.get(self.progress.parts_done) {
            let after = self.progress.after_record.take();
            let (mut low, mut high) = (low.as_ref(), high.as_ref());
            match (&after, direction) {
                (Some(after), Direction::Forward) => low = Bound::Excluded(after),
                (Some(after), Direction::Backward) => high = Bound::Excluded(after),
                (None, _) => {}
            }
            if !self.range(low, high, direction, in_union)? {
                return Ok(false);
            }
            self.progress.parts_done += 1;
        }
        Ok(true)
    }

    fn range(
        &mut self,
        low: Bound<&RecordId>,
        high: Bound<&RecordId>,
        direction: Direction,
        in_union: bool,
    ) -> Result<bool> {
        let mut records = self
            .snapshot
            .scan_range(self.collection, direction, low, high)?;
        while let Some(record) = records.next()? {
            self.examined.documents += 1;
            self.check_deadline()?;
            if !self.passes(record.document)? {
                continue;
            }
            let id = record.id();
            if !self.offer(&id, record.document, in_union)? {
                self.progress.after_record = Some(id);
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn ids(&mut self, ids: &[RecordId], in_union: bool) -> Result<bool> {
        while let Some(id) = ids.get(self.progress.parts_done) {
            self.progress.parts_done += 1;
            self.check_deadline()?;
            self.examined.keys += 1;
            let Some(document) = self.snapshot.get_record(self.collection, id)? else {
                continue;
            };
            self.examined.documents += 1;
            if self.passes(&document)? && !self.offer(id, &document, in_union)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn index_scan(
        &mut self,
        index: &Arc<Index>,
        bounds: &IndexBounds,
        direction: Direction,
        in_union: bool,
    ) -> Result<bool> {
        let after = self.progress.after_key.take();
        let mut records =
            self.snapshot
                .scan_index(self.collection, index, bounds, direction, after.as_ref())?;
        let keys_before = self.examined.keys;
        while let Some((id, document)) = records.next()? {
            self.examined.documents += 1;
            self.examined.keys = keys_before + records.keys_examined();
            self.check_deadline()?;
            if self.passes(&document)? && !self.offer(&id, &document, in_union)? {
                self.progress.after_key = records.position();
                return Ok(false);
            }
        }
        self.examined.keys = keys_before + records.keys_examined();
        Ok(true)
    }

    fn passes(&self, document: &RawDocument) -> Result<bool> {
        match self.filter {
            Some(filter) => Ok(filter.matches(document)?),
            None => Ok(true),
        }
    }

    /// Hands a record over. `false` when the scan must stop after it.
    fn offer(&mut self, id: &RecordId, document: &RawDocument, in_union: bool) -> Result<bool> {
        if in_union && !self.progress.met.insert(id.clone()) {
            return Ok(true);
        }
        match (self.sink)(id, document)? {
            Taken::More => Ok(true),
            Taken::Enough => Ok(false),
            Taken::Refused => {
                self.progress.refused = Some((id.clone(), document.to_owned()));
                Ok(false)
            }
        }
    }

    fn check_deadline(&mut self) -> Result<()> {
        self.until_check -= 1;
        if self.until_check == 0 {
            self.until_check = RECORDS_PER_CHECK;
            check_deadline(self.deadline)?;
        }
        Ok(())
    }
}
