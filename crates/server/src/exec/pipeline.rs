//! An aggregation over a scan of a collection.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bson::RawDocumentBuf;
use query::pipeline::{Collections, Documents, Leading, Pipeline};
use storage::Database;

use super::find::{Find, Query};
use super::plan::Hint;
use crate::cursor::{Sink, Source, Taken};
use crate::error::{CommandError, Result};

/// So many documents, and so many bytes, are read ahead for the stages.
const READ_AHEAD_DOCUMENTS: usize = 128;
const READ_AHEAD_BYTES: usize = 1 << 20;

/// A pipeline as a cursor's source.
pub struct Aggregation {
    documents: Documents,
    /// The document that was refused, to be handed out first.
    refused: Option<RawDocumentBuf>,
    deadline: Arc<Deadline>,
}

/// The deadline of the command that runs now: a cursor's differs from batch to batch.
#[derive(Debug, Default)]
struct Deadline(parking_lot::Mutex<Option<Instant>>);

impl Deadline {
    fn get(&self) -> Option<Instant> {
        *self.0.lock()
    }
}

/// What an aggregation reads from.
pub struct Input {
    /// The database, for `$lookup` and `$unionWith`.
    pub database: Option<Database>,
    /// The collection; `None` for a pipeline that makes its documents itself.
    pub collection: Option<String>,
    /// The index that the client wants to be used.
    pub hint: Option<Hint>,
}

impl Aggregation {
    /// Runs `pipeline` on `input`. What the collection can answer by itself, it does: the leading
    /// filter, sort, skip and limit become a planned query.
    pub fn new(pipeline: Pipeline, input: Input) -> Result<Self> {
        let deadline = Arc::new(Deadline::default());
        let collections: Arc<dyn Collections> = Arc::new(DatabaseCollections {
            database: input.database.clone(),
            deadline: Arc::clone(&deadline),
        });
        let documents = if pipeline.makes_documents() {
            pipeline.run(Box::new(std::iter::empty()), &collections)
        } else {
            let (leading, rest) = pipeline.leading();
            let name = input.collection.unwrap_or_default();
            let source = read(
                input.database.as_ref(),
                &name,
                leading,
                input.hint,
                &deadline,
            )?;
            rest.run(source, &collections)
        };
        Ok(Self {
            documents,
            refused: None,
            deadline,
        })
    }
}

impl Source for Aggregation {
    fn run(&mut self, deadline: Option<Instant>, sink: &mut Sink<'_>) -> Result<bool> {
        *self.deadline.0.lock() = deadline;
        loop {
            let next = self
                .refused
                .take()
                .map(Ok)
                .or_else(|| self.documents.next());
            let Some(document) = next.transpose()? else {
                return Ok(true);
            };
            match sink(&document)? {
                Taken::More => {}
                Taken::Enough => return Ok(false),
                Taken::Refused => {
                    self.refused = Some(document);
                    return Ok(false);
                }
            }
        }
    }

    fn is_long(&self) -> bool {
        true
    }
}

/// The documents of a collection that the start of a pipeline asks for.
fn read(
    database: Option<&Database>,
    collection: &str,
    leading: Leading,
    hint: Option<Hint>,
    deadline: &Arc<Deadline>,
) -> Result<Documents> {
    let nothing = || Ok(Box::new(std::iter::empty()) as Documents);
    let Some(database) = database else {
        return nothing();
    };
    let snapshot = database.snapshot()?;
    let Some(collection) = snapshot.collection(collection) else {
        return nothing();
    };
    if leading.limit == Some(0) {
        return nothing();
    }
    let query = Query {
        filter: leading
            .filter
            .unwrap_or_else(|| Arc::new(query::filter::Matcher::all())),
        sort: leading.sort,
        skip: leading.skip,
        limit: leading.limit.unwrap_or(0),
        projection: None,
        hint,
    };
    let find = Find::new(snapshot, collection, query)?;
    Ok(Box::new(ReadAhead {
        find,
        deadline: Arc::clone(deadline),
        ahead: VecDeque::new(),
        exhausted: false,
        failed: false,
    }))
}

/// Turns the pushing source into an iterator, some documents at a time.
struct ReadAhead {
    find: Find,
    deadline: Arc<Deadline>,
    ahead: VecDeque<RawDocumentBuf>,
    exhausted: bool,
    failed: bool,
}

impl Iterator for ReadAhead {
    type Item = query::Result<RawDocumentBuf>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        if self.ahead.is_empty() && !self.exhausted {
            let ahead = &mut self.ahead;
            let mut bytes = 0;
            let read = self.find.run(self.deadline.get(), &mut |document| {
                bytes += document.as_bytes().len();
                ahead.push_back(document.to_owned());
                let enough = ahead.len() >= READ_AHEAD_DOCUMENTS || bytes >= READ_AHEAD_BYTES;
                Ok(if enough { Taken::Enough } else { Taken::More })
            });
            match read {
                Ok(exhausted) => self.exhausted = exhausted,
                Err(error) => {
                    self.failed = true;
                    return Some(Err(to_query_error(error)));
                }
            }
        }
        self.ahead.pop_front().map(Ok)
    }
}

/// The pipeline's errors are the query layer's.
fn to_query_error(error: CommandError) -> query::Error {
    query::Error::new(error.code, error.message.into_owned())
}

/// The other collections of the database.
struct DatabaseCollections {
    database: Option<Database>,
    deadline: Arc<Deadline>,
}

impl fmt::Debug for DatabaseCollections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseCollections")
            .finish_non_exhaustive()
    }
}

impl Collections for DatabaseCollections {
    fn find(&self, collection: &str, access: Leading) -> query::Result<Documents> {
        read(
            self.database.as_ref(),
            collection,
            access,
            None,
            &self.deadline,
        )
        .map_err(to_query_error)
    }
}
