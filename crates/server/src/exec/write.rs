//! Changing documents: what `update`, `delete` and `findAndModify` share.
//!
//! A statement on one document finds it, changes it and commits in one transaction, which runs
//! again when another client got in first. A statement on many documents finds them in one
//! snapshot, so that it does not meet its own work, and changes them group by group; each group
//! looks again whether its documents still pass the filter.

use std::sync::Arc;
use std::time::Instant;

use bson::oid::ObjectId;
use bson::{DateTime, RawDocument, RawDocumentBuf};
use document::{ErrorCode, Number};
use query::filter::Matcher;
use query::sort::SortSpec;
use query::update::{Outcome, Update, UpdateContext, upsert_document};
use storage::{Collection, Database, Durability, RecordId, Snapshot, Txn};

use super::new_document;
use super::plan::{Hint, choose};
use super::scan::{Access, Scan};
use crate::cursor::Taken;
use crate::error::{CommandError, Result};
use crate::exec::{off_the_workers, sorted};
use crate::request::check_deadline;

/// So many documents of a statement on many are changed in one transaction.
const GROUP: usize = 500;

/// An upsert that lost a race for a unique key tries again so many times.
const UPSERT_TRIES: usize = 10;

/// Which documents a statement is about.
pub struct Target<'a> {
    /// The database.
    pub database: &'a Database,
    /// The collection's name.
    pub collection: &'a str,
    /// Which documents.
    pub filter: Arc<Matcher>,
    /// Which of them first, for a statement on one.
    pub sort: Option<SortSpec>,
    /// The index that the client wants to be used.
    pub hint: Option<Hint>,
    /// When the command has to be done.
    pub deadline: Option<Instant>,
    /// What the write waits for.
    pub durability: Durability,
}

/// A change to documents.
pub struct Change<'a> {
    /// What becomes of each.
    pub update: &'a Update,
    /// Whether a document is made where none is found.
    pub upsert: bool,
    /// When the command started.
    pub now: DateTime,
}

/// What a statement did.
#[derive(Debug, Default)]
pub struct Written {
    /// How many documents passed the filter.
    pub matched: u64,
    /// How many changed.
    pub modified: u64,
    /// The document that was made.
    pub upserted: Option<RawDocumentBuf>,
}

/// A document before and after a statement on one.
#[derive(Debug, Default)]
pub struct BeforeAfter {
    /// As it was, if one was found.
    pub before: Option<RawDocumentBuf>,
    /// As it is, if it was changed or made.
    pub after: Option<RawDocumentBuf>,
    /// Whether it was made by an upsert.
    pub upserted: bool,
}

impl BeforeAfter {
    /// Whether a document that was there changed.
    pub const fn modified(&self) -> bool {
        self.before.is_some() && self.after.is_some()
    }
}

impl Change<'_> {
    fn context(&self, position: Option<usize>) -> UpdateContext {
        UpdateContext {
            now: self.now,
            timestamp: new_document::current_timestamp(),
            is_insert: false,
            position,
        }
    }

    /// The document that takes the place of `document`; `None` if it stays as it is.
    fn apply(&self, filter: &Matcher, document: &RawDocument) -> Result<Option<RawDocumentBuf>> {
        let position = if self.update.needs_position() {
            filter.matches_with_position(document)?.1
        } else {
            None
        };
        match self.update.apply(document, &self.context(position))? {
            Outcome::Unchanged => Ok(None),
            Outcome::Changed(document) => Ok(Some(document)),
        }
    }

    fn new_document(&self, filter: &Matcher) -> Result<RawDocumentBuf> {
        let document = upsert_document(filter, self.update, &self.context(None), ObjectId::new())?;
        Ok(new_document::prepare(&document)?.into_owned())
    }
}

/// Updates the first document that the target selects, or makes one.
pub async fn update_one(target: &Target<'_>, change: &Change<'_>) -> Result<BeforeAfter> {
    if change.upsert {
        target
            .database
            .collection_or_create(target.collection)
            .await?;
    } else if target.database.collection(target.collection).is_none() {
        return Ok(BeforeAfter::default());
    }
    let mut tries = 0;
    loop {
        let result = target
            .database
            .retry_write(target.collection, target.durability, |txn, collection| {
                update_one_in(txn, collection, target, change)
            })
            .await;
        tries += 1;
        match result {
            // Another client made the document meanwhile: now it is found, not made.
            Err(error)
                if change.upsert && tries < UPSERT_TRIES && lost_upsert_race(&error, target) => {}
            Err(error) if error.code == ErrorCode::NamespaceNotFound && !change.upsert => {
                return Ok(BeforeAfter::default());
            }
            result => return result,
        }
    }
}

/// Whether a duplicate key is of a field that the filter asks equality of: then the filter finds
/// the other document. Otherwise it never will.
fn lost_upsert_race(error: &CommandError, target: &Target<'_>) -> bool {
    if error.code != ErrorCode::DuplicateKey {
        return false;
    }
    let Some(pattern) = error
        .details
        .as_ref()
        .and_then(|d| d.get_document("keyPattern").ok())
    else {
        return false;
    };
    let equalities = target.filter.equalities();
    pattern
        .iter_elements()
        .map_while(std::result::Result::ok)
        .all(|element| {
            equalities
                .iter()
                .any(|(path, _)| *path == element.key().as_str())
        })
}

fn update_one_in(
    txn: &mut Txn,
    collection: &Arc<Collection>,
    target: &Target<'_>,
    change: &Change<'_>,
) -> Result<BeforeAfter> {
    let Some((id, before)) = first(txn, collection, target)? else {
        if !change.upsert {
            return Ok(BeforeAfter::default());
        }
        let made = change.new_document(&target.filter)?;
        txn.insert(collection, &made)?;
        return Ok(BeforeAfter {
            before: None,
            after: Some(made),
            upserted: true,
        });
    };
    let after = change.apply(&target.filter, &before)?;
    if let Some(after) = &after {
        txn.replace_known(collection, &id, &before, after)?;
    }
    Ok(BeforeAfter {
        before: Some(before),
        after,
        upserted: false,
    })
}

/// Updates every document that the target selects; makes one if there is none and it is asked for.
pub async fn update_many(target: &Target<'_>, change: &Change<'_>) -> Result<Written> {
    let mut written = Written::default();
    let mut groups = Groups::of(target)?;
    loop {
        let group = groups.next(target.deadline)?;
        if group.is_empty() {
            break;
        }
        let (matched, modified) = target
            .database
            .retry_write(target.collection, target.durability, |txn, collection| {
                update_group(txn, collection, &group, target, change)
            })
            .await?;
        written.matched += matched;
        written.modified += modified;
    }
    if written.matched == 0 && change.upsert {
        let one = update_one(target, change).await?;
        written.matched += u64::from(one.before.is_some());
        written.modified += u64::from(one.modified());
        written.upserted = one.after.filter(|_| one.upserted);
    }
    Ok(written)
}

fn update_group(
    txn: &mut Txn,
    collection: &Arc<Collection>,
    group: &[RecordId],
    target: &Target<'_>,
    change: &Change<'_>,
) -> Result<(u64, u64)> {
    let (mut matched, mut modified) = (0, 0);
    for id in group {
        let Some(before) = txn.get_record(collection, id)? else {
            continue;
        };
        if !target.filter.matches(&before)? {
            continue;
        }
        matched += 1;
        if let Some(after) = change.apply(&target.filter, &before)? {
            txn.replace_known(collection, id, &before, &after)?;
            modified += 1;
        }
    }
    Ok((matched, modified))
}

/// Deletes the first document that the target selects, and gives it back.
pub async fn delete_one(target: &Target<'_>) -> Result<Option<RawDocumentBuf>> {
    if target.database.collection(target.collection).is_none() {
        return Ok(None);
    }
    let deleted = target
        .database
        .retry_write(
            target.collection,
            target.durability,
            |txn, collection| -> Result<_> {
                let Some((id, document)) = first(txn, collection, target)? else {
                    return Ok(None);
                };
                txn.delete_known(collection, &id, &document)?;
                Ok(Some(document))
            },
        )
        .await;
    match deleted {
        Err(error) if error.code == ErrorCode::NamespaceNotFound => Ok(None),
        deleted => deleted,
    }
}

/// Deletes every document that the target selects, and tells how many.
pub async fn delete_many(target: &Target<'_>) -> Result<u64> {
    let mut deleted = 0;
    let mut groups = Groups::of(target)?;
    loop {
        let group = groups.next(target.deadline)?;
        if group.is_empty() {
            return Ok(deleted);
        }
        deleted += target
            .database
            .retry_write(
                target.collection,
                target.durability,
                |txn, collection| -> Result<u64> {
                    let mut count = 0;
                    for id in &group {
                        let Some(document) = txn.get_record(collection, id)? else {
                            continue;
                        };
                        if target.filter.matches(&document)? {
                            txn.delete_known(collection, id, &document)?;
                            count += 1;
                        }
                    }
                    Ok(count)
                },
            )
            .await?;
    }
}

/// The first record that the target selects.
fn first(
    snapshot: &Snapshot,
    collection: &Arc<Collection>,
    target: &Target<'_>,
) -> Result<Option<(RecordId, RawDocumentBuf)>> {
    let plan = choose(
        collection,
        &target.filter,
        target.sort.as_ref(),
        target.hint.as_ref(),
    )?;
    if let (Access::Ids(ids), true) = (&plan.access, plan.provides_sort) {
        return first_of_ids(snapshot, collection, ids, plan.filter.as_deref());
    }
    let mut scan = Scan::new(
        Arc::clone(collection),
        plan.access.clone(),
        plan.filter.clone(),
    );
    let blocking_sort = target.sort.as_ref().filter(|_| !plan.provides_sort);
    let long = scan.is_long();
    let mut run = || match blocking_sort {
        Some(sort) => sorted::first(&mut scan, snapshot, sort, target.deadline),
        None => {
            let mut found = None;
            scan.run(snapshot, target.deadline, &mut |id, document| {
                found = Some((id.clone(), document.to_owned()));
                Ok(Taken::Enough)
            })?;
            Ok(found)
        }
    };
    if long { off_the_workers(run) } else { run() }
}

/// The first of these records that passes: without a copy of the document that was read.
fn first_of_ids(
    snapshot: &Snapshot,
    collection: &Collection,
    ids: &[RecordId],
    filter: Option<&Matcher>,
) -> Result<Option<(RecordId, RawDocumentBuf)>> {
    for id in ids {
        let Some(document) = snapshot.get_record(collection, id)? else {
            continue;
        };
        let passes = match filter {
            Some(filter) => filter.matches(&document)?,
            None => true,
        };
        if passes {
            return Ok(Some((id.clone(), document)));
        }
    }
    Ok(None)
}

/// The records that a target selects in one snapshot, group by group: what is changed meanwhile,
/// by this statement too, is not met again.
struct Groups {
    /// `None` when there are no more.
    rest: Option<(Snapshot, Scan)>,
}

impl Groups {
    fn of(target: &Target<'_>) -> Result<Self> {
        let snapshot = target.database.snapshot()?;
        let Some(collection) = snapshot.collection(target.collection) else {
            return Ok(Self { rest: None });
        };
        let plan = choose(&collection, &target.filter, None, target.hint.as_ref())?;
        let scan = Scan::new(collection, plan.access, plan.filter);
        Ok(Self {
            rest: Some((snapshot, scan)),
        })
    }

    /// The next records; none when all have been handed out.
    fn next(&mut self, deadline: Option<Instant>) -> Result<Vec<RecordId>> {
        check_deadline(deadline)?;
        let mut group = Vec::new();
        let Some((snapshot, scan)) = &mut self.rest else {
            return Ok(group);
        };
        let exhausted = off_the_workers(|| {
            scan.run(snapshot, deadline, &mut |id, _| {
                group.push(id.clone());
                Ok(if group.len() < GROUP {
                    Taken::More
                } else {
                    Taken::Enough
                })
            })
        })?;
        if exhausted {
            self.rest = None;
        }
        Ok(group)
    }
}

/// A count in a reply, which is an `int`.
pub fn count(value: u64) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// A limit of a delete statement: 0 for all, 1 for one.
pub fn delete_limit(value: bson::RawBsonRef<'_>) -> Result<bool> {
    match Number::from_raw(&value).and_then(Number::to_i64_exact) {
        Some(0) => Ok(false),
        Some(1) => Ok(true),
        _ => Err(CommandError::failed_to_parse(
            "The limit field in delete objects must be 0 or 1.",
        )),
    }
}
