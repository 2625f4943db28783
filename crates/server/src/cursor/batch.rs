//! Batches: filling one from a source, and the cursor document of the reply.

use std::time::Instant;

use super::registry::Borrowed;
use super::source::{Source, Taken};
use crate::commands::Context;
use crate::error::Result;
use crate::exec::off_the_workers;
use crate::field::Field;
use crate::reply::Reply;
use crate::request::Request;

/// How many documents a first batch has where the client does not say.
const FIRST_BATCH: u64 = 101;

/// What an element of a batch costs beyond its document: the type, an index of up to ten digits,
/// a NUL; and some room for what follows the batch.
const ELEMENT_OVERHEAD: usize = 512;

/// What a client asks of a cursor.
#[derive(Debug, Clone, Copy, Default)]
pub struct CursorOptions {
    /// How many documents the first batch has.
    pub batch_size: Option<u64>,
    /// Whether the first batch is all the client wants.
    pub single_batch: bool,
    /// Whether the cursor stays open however long it is not used.
    pub no_timeout: bool,
}

impl CursorOptions {
    /// Reads the field `cursor` of a command.
    pub fn parse(field: &Field<'_>) -> Result<Self> {
        let mut options = Self::default();
        for field in Field::all("cursor", field.document()?) {
            let field = field?;
            match field.name {
                "batchSize" => options.batch_size = Some(field.non_negative()?),
                _ => return Err(field.unknown()),
            }
        }
        Ok(options)
    }
}

/// Writes the first batch, and keeps the source as a cursor if there is more.
pub async fn answer(
    context: &Context<'_>,
    request: &Request<'_>,
    reply: &mut Reply,
    namespace: String,
    mut source: Box<dyn Source>,
    options: CursorOptions,
) -> Result<()> {
    reply.begin_document("cursor");
    reply.begin_array("firstBatch");
    let size = options.batch_size.unwrap_or(FIRST_BATCH);
    let exhausted = fill(reply, &mut *source, Some(size), request.deadline)?;
    reply.end();
    let id = if exhausted || options.single_batch {
        0
    } else {
        context
            .server
            .cursors
            .open(namespace.clone(), source, options.no_timeout)?
    };
    reply.int64("id", id);
    reply.string("ns", &namespace);
    reply.end();
    Ok(())
}

/// Writes the next batch of an open cursor.
pub fn more(
    context: &Context<'_>,
    request: &Request<'_>,
    reply: &mut Reply,
    id: i64,
    namespace: &str,
    batch_size: Option<u64>,
) -> Result<()> {
    let cursors = &context.server.cursors;
    let mut borrowed: Borrowed = cursors.borrow(id, namespace)?;
    reply.begin_document("cursor");
    reply.begin_array("nextBatch");
    let exhausted = match fill(reply, &mut *borrowed.source, batch_size, request.deadline) {
        Ok(exhausted) => exhausted,
        Err(error) => {
            cursors.close(id);
            return Err(error);
        }
    };
    reply.end();
    let namespace = borrowed.namespace.clone();
    let open = if exhausted {
        cursors.close(id);
        false
    } else {
        cursors.put_back(borrowed)
    };
    reply.int64("id", if open { id } else { 0 });
    reply.string("ns", &namespace);
    reply.end();
    Ok(())
}

/// Fills the open array up to `size` documents, or to what a reply holds. `true` when the source
/// has no more.
fn fill(
    reply: &mut Reply,
    source: &mut dyn Source,
    size: Option<u64>,
    deadline: Option<Instant>,
) -> Result<bool> {
    let size = size.unwrap_or(u64::MAX);
    if size == 0 {
        return Ok(false);
    }
    let mut count = 0;
    let long = source.is_long();
    let mut run = || {
        source.run(deadline, &mut |document| {
            let bytes = document.as_bytes();
            if count > 0 && reply.room() < bytes.len() + ELEMENT_OVERHEAD {
                return Ok(Taken::Refused);
            }
            reply.element_document(bytes);
            count += 1;
            Ok(if count == size {
                Taken::Enough
            } else {
                Taken::More
            })
        })
    };
    if long { off_the_workers(run) } else { run() }
}
