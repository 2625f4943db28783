//! `insert`.

use std::borrow::Cow;

use bson::RawDocument;
use document::ErrorCode;
use document::limits::MAX_WRITE_BATCH;
use storage::{Database, Error as StorageError};

use super::write::{WriteErrors, chunks};
use super::{Access, Command, Context, handler};
use crate::error::{CommandError, Result};
use crate::exec::new_document;
use crate::namespace;
use crate::reply::Reply;
use crate::request::Request;
use crate::state::Counters;

pub(super) const COMMAND: Command = Command {
    name: "insert",
    aliases: &[],
    help: "inserts documents",
    admin_only: false,
    stable_api: true,
    access: Access::Write,
    run: handler!(run),
};

async fn run(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let name = request.collection()?;
    namespace::check_writable(request.database, name)?;
    let mut ordered = true;
    for field in request.fields() {
        let field = field?;
        match field.name {
            "documents" => {}
            "ordered" => ordered = field.bool()?,
            // There are no validators that could be bypassed, and no replicated timestamps.
            "bypassDocumentValidation" | "bypassEmptyTsReplacement" => {
                field.bool()?;
            }
            _ => return Err(field.unknown()),
        }
    }
    let documents = request.documents("documents")?;
    check_batch_size(documents.len())?;
    let mut errors = WriteErrors::new(ordered);
    let prepared = prepare(&documents, &mut errors);
    let database = context
        .server
        .store
        .database_or_create(request.database)
        .await?;
    database.collection_or_create(name).await?;
    let inserted = insert_all(&database, request, name, &prepared, &mut errors).await?;
    Counters::add(&context.server.counters.inserts, inserted);
    reply.int32("n", i32::try_from(inserted).unwrap_or(i32::MAX));
    errors.write(reply);
    Ok(())
}

/// Refuses a write command with no statements, or with too many.
pub(super) fn check_batch_size(count: usize) -> Result<()> {
    if (1..=MAX_WRITE_BATCH).contains(&count) {
        return Ok(());
    }
    Err(CommandError::new(
        ErrorCode::InvalidLength,
        format!(
            "Write batch sizes must be between 1 and {MAX_WRITE_BATCH}. Got {count} operations."
        ),
    ))
}

/// A document that is ready to be stored, and its place in the command.
type Prepared<'a> = (usize, Cow<'a, RawDocument>);

fn prepare<'a>(documents: &[&'a RawDocument], errors: &mut WriteErrors) -> Vec<Prepared<'a>> {
    let mut prepared = Vec::with_capacity(documents.len());
    for (index, document) in documents.iter().enumerate() {
        match new_document::prepare(document) {
            Ok(document) => prepared.push((index, document)),
            Err(error) => {
                errors.push(index, error);
                if errors.stop() {
                    break;
                }
            }
        }
    }
    prepared
}

async fn insert_all(
    database: &Database,
    request: &Request<'_>,
    name: &str,
    prepared: &[Prepared<'_>],
    errors: &mut WriteErrors,
) -> Result<u64> {
    let durability = request.write_concern.durability;
    let ordered = errors.ordered();
    let mut inserted = 0;
    for chunk in chunks(prepared, |(_, document)| document.as_bytes().len()) {
        request.check_deadline()?;
        let written = database
            .retry_write(name, durability, |txn, collection| {
                let mut count = 0;
                let mut failed = Vec::new();
                for (index, document) in chunk {
                    match txn.insert(collection, document) {
                        Ok(_) => count += 1,
                        Err(error @ (StorageError::WriteConflict | StorageError::Closed)) => {
                            return Err(error);
                        }
                        Err(error) => {
                            failed.push((*index, CommandError::from(error)));
                            if ordered {
                                break;
                            }
                        }
                    }
                }
                Ok((count, failed))
            })
            .await;
        let (count, failed) = written.map_err(CommandError::from)?;
        inserted += count;
        let stop = ordered && !failed.is_empty();
        failed
            .into_iter()
            .for_each(|(index, error)| errors.push(index, error));
        if stop {
            break;
        }
    }
    Ok(inserted)
}
