//! `find`.

use bson::{RawDocument, RawDocumentBuf};
use query::sort::SortSpec;

use super::{Access, Command, Context, handler};
use crate::cursor::{self, CursorOptions, Documents};
use crate::error::Result;
use crate::exec::compile::Compiler;
use crate::exec::find::{Find, Query};
use crate::exec::plan::parse_hint;
use crate::reply::Reply;
use crate::request::Request;
use crate::state::Counters;

pub(super) const COMMAND: Command = Command {
    name: "find",
    aliases: &[],
    help: "selects documents of a collection",
    admin_only: false,
    stable_api: true,
    access: Access::Read,
    run: handler!(run),
};

async fn run(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    Counters::add(&context.server.counters.queries, 1);
    let name = request.collection()?;
    let (query, options) = parse(request)?;
    let namespace = format!("{}.{name}", request.database);
    let database = context.server.store.database(request.database).await?;
    let snapshot = database.map(|database| database.snapshot()).transpose()?;
    let found = snapshot.and_then(|snapshot| {
        let collection = snapshot.collection(name)?;
        Some((snapshot, collection))
    });
    let Some((snapshot, collection)) = found else {
        let empty = Box::new(Documents::default());
        return cursor::answer(context, request, reply, namespace, empty, options).await;
    };
    let source = Box::new(Find::new(snapshot, collection, query)?);
    cursor::answer(context, request, reply, namespace, source, options).await
}

/// Reads the command's fields.
pub(super) fn parse(request: &Request<'_>) -> Result<(Query, CursorOptions)> {
    let empty = RawDocumentBuf::new();
    let mut compiler = Compiler::new();
    let mut filter: &RawDocument = &empty;
    let (mut projection, mut sort, mut hint) = (None, None, None);
    let (mut skip, mut limit) = (0, 0);
    let mut options = CursorOptions::default();
    for field in request.fields() {
        let field = field?;
        match field.name {
            "filter" => filter = field.document()?,
            "projection" => projection = Some(field.document()?),
            "sort" => sort = Some(field.document()?),
            "hint" => hint = parse_hint(&field)?,
            "skip" => skip = field.non_negative()?,
            "limit" => limit = field.non_negative()?,
            "batchSize" => options.batch_size = Some(field.non_negative()?),
            "singleBatch" => options.single_batch = field.bool()?,
            "noCursorTimeout" => options.no_timeout = field.bool()?,
            "let" => compiler.define(&field)?,
            "collation" => field.simple_collation()?,
            // Sorts are bounded in memory; allowing the disk does not oblige to use it.
            "allowDiskUse" | "allowPartialResults" | "oplogReplay" => {
                field.bool()?;
            }
            "returnKey" | "showRecordId" | "tailable" | "awaitData" | "mirrored"
                if !field.bool()? => {}
            "returnKey" | "showRecordId" | "tailable" | "awaitData" | "min" | "max" => {
                return Err(field.unsupported());
            }
            _ => return Err(field.unknown()),
        }
    }
    if options.single_batch && options.batch_size.is_none() && limit > 0 {
        options.batch_size = Some(limit);
    }
    let sort = sort
        .map(SortSpec::parse)
        .transpose()?
        .filter(|sort| !sort.is_empty());
    let query = Query {
        filter: compiler.filter(filter)?,
        sort,
        skip,
        limit,
        projection: projection
            .map(|spec| compiler.projection(spec))
            .transpose()?,
        hint,
    };
    Ok((query, options))
}
