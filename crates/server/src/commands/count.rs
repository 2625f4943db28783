//! `count`.

use std::sync::Arc;

use bson::{RawDocument, RawDocumentBuf};

use super::{Access, Command, Context, handler};
use crate::cursor::Taken;
use crate::error::Result;
use crate::exec::compile::Compiler;
use crate::exec::off_the_workers;
use crate::exec::plan::{choose, parse_hint};
use crate::exec::scan::Scan;
use crate::exec::write::count;
use crate::reply::Reply;
use crate::request::Request;

pub(super) const COMMAND: Command = Command {
    name: "count",
    aliases: &[],
    help: "counts documents",
    admin_only: false,
    stable_api: true,
    access: Access::Read,
    run: handler!(run),
};

async fn run(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let name = request.collection()?;
    let empty = RawDocumentBuf::new();
    let mut filter: &RawDocument = &empty;
    let (mut skip, mut limit, mut hint) = (0, 0, None);
    for field in request.fields() {
        let field = field?;
        match field.name {
            "query" => filter = field.document()?,
            "skip" => skip = field.non_negative()?,
            // The shell once used a negative limit for "one batch": it means the same here.
            "limit" => limit = field.i64()?.unsigned_abs(),
            "hint" => hint = parse_hint(&field)?,
            "collation" => field.simple_collation()?,
            "fields" => {}
            _ => return Err(field.unknown()),
        }
    }
    let filter = Compiler::new().filter(filter)?;
    let database = context.server.store.database(request.database).await?;
    let snapshot = database.map(|database| database.snapshot()).transpose()?;
    let collection = snapshot
        .as_ref()
        .and_then(|snapshot| snapshot.collection(name));
    let mut n = 0;
    if let (Some(snapshot), Some(collection)) = (snapshot, collection) {
        let counted_in_full = filter.is_empty() && hint.is_none();
        if counted_in_full {
            n = collection.count();
        } else {
            let plan = choose(&collection, &filter, None, hint.as_ref())?;
            let mut scan = Scan::new(Arc::clone(&collection), plan.access, plan.filter);
            // No more is counted than the answer needs.
            let enough = if limit == 0 {
                u64::MAX
            } else {
                skip.saturating_add(limit)
            };
            off_the_workers(|| {
                scan.run(&snapshot, request.deadline, &mut |_, _| {
                    n += 1;
                    Ok(if n >= enough {
                        Taken::Enough
                    } else {
                        Taken::More
                    })
                })
            })?;
        }
    }
    n = n.saturating_sub(skip);
    if limit > 0 {
        n = n.min(limit);
    }
    reply.int32("n", count(n));
    Ok(())
}
