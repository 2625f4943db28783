//! `findAndModify`: changes or deletes one document and gives it back.

use bson::{RawBsonRef, RawDocument, RawDocumentBuf};
use query::projection::Projection;
use query::sort::SortSpec;

use super::{Access, Command, Context, handler};
use crate::error::{CommandError, Result};
use crate::exec::compile::Compiler;
use crate::exec::plan::{Hint, parse_hint};
use crate::exec::write::{BeforeAfter, Change, Target, delete_one, update_one};
use crate::namespace;
use crate::reply::Reply;
use crate::request::Request;
use crate::state::Counters;

pub(super) const COMMAND: Command = Command {
    name: "findAndModify",
    aliases: &["findandmodify"],
    help: "changes or deletes one document and gives it back",
    admin_only: false,
    stable_api: true,
    access: Access::Write,
    run: handler!(run),
};

/// The command's fields.
#[derive(Default)]
struct Arguments<'a> {
    filter: Option<&'a RawDocument>,
    sort: Option<SortSpec>,
    remove: bool,
    update: Option<RawBsonRef<'a>>,
    new: bool,
    upsert: bool,
    fields: Option<&'a RawDocument>,
    array_filters: Vec<&'a RawDocument>,
    hint: Option<Hint>,
    compiler: Compiler,
}

impl<'a> Arguments<'a> {
    fn parse(request: &Request<'a>) -> Result<Self> {
        let mut arguments = Self::default();
        for field in request.fields() {
            let field = field?;
            match field.name {
                "query" => arguments.filter = Some(field.document()?),
                "sort" => arguments.sort = parse_sort(field.document()?)?,
                "remove" => arguments.remove = field.bool()?,
                "update" => arguments.update = Some(field.value),
                "new" => arguments.new = field.bool()?,
                "upsert" => arguments.upsert = field.bool()?,
                "fields" => arguments.fields = Some(field.document()?),
                "arrayFilters" => arguments.array_filters = field.documents()?,
                "hint" => arguments.hint = parse_hint(&field)?,
                "let" => arguments.compiler.define(&field)?,
                "collation" => field.simple_collation()?,
                "bypassDocumentValidation" | "bypassEmptyTsReplacement" => {
                    field.bool()?;
                }
                _ => return Err(field.unknown()),
            }
        }
        let refused = |message| Err(CommandError::failed_to_parse(message));
        match (arguments.remove, arguments.update.is_some()) {
            (true, true) => refused("Cannot specify both an update and remove=true"),
            (false, false) => refused("Either an update or remove=true must be specified"),
            (true, _) if arguments.upsert => {
                refused("Cannot specify both upsert=true and remove=true")
            }
            (true, _) if arguments.new => refused(
                "Cannot specify both new=true and remove=true; 'remove' always returns the deleted document",
            ),
            _ => Ok(arguments),
        }
    }
}

/// An empty sort asks for none.
fn parse_sort(sort: &RawDocument) -> Result<Option<SortSpec>> {
    if sort.is_empty() {
        Ok(None)
    } else {
        Ok(Some(SortSpec::parse(sort)?))
    }
}

async fn run(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let name = request.collection()?;
    namespace::check_writable(request.database, name)?;
    let arguments = Arguments::parse(request)?;
    let empty = RawDocumentBuf::new();
    let filter = arguments
        .compiler
        .filter(arguments.filter.unwrap_or(&empty))?;
    let projection = arguments
        .fields
        .map(|spec| arguments.compiler.projection(spec))
        .transpose()?;
    let update = arguments
        .update
        .map(|update| arguments.compiler.update(update, &arguments.array_filters))
        .transpose()?;
    let store = &context.server.store;
    let database = if arguments.upsert {
        Some(store.database_or_create(request.database).await?)
    } else {
        store.database(request.database).await?
    };
    let mut result = BeforeAfter::default();
    if let Some(database) = &database {
        let target = Target {
            database,
            collection: name,
            filter: filter.clone(),
            sort: arguments.sort,
            hint: arguments.hint,
            deadline: request.deadline,
            durability: request.write_concern.durability,
        };
        result = match &update {
            Some(update) => {
                Counters::add(&context.server.counters.updates, 1);
                let now = arguments.compiler.now();
                let change = Change {
                    update,
                    upsert: arguments.upsert,
                    now,
                };
                update_one(&target, &change).await?
            }
            None => {
                Counters::add(&context.server.counters.deletes, 1);
                BeforeAfter {
                    before: delete_one(&target).await?,
                    ..BeforeAfter::default()
                }
            }
        };
    }
    write_last_error(reply, &result, update.is_some());
    // A document that the update leaves as it is, is the new one too.
    let value = if arguments.new {
        result.after.as_ref().or(result.before.as_ref())
    } else {
        result.before.as_ref()
    };
    write_value(
        reply,
        value.map(|document| &**document),
        projection.as_ref(),
        &filter,
    )
}

fn write_last_error(reply: &mut Reply, result: &BeforeAfter, update: bool) {
    reply.begin_document("lastErrorObject");
    reply.int32("n", i32::from(result.before.is_some() || result.upserted));
    if update {
        reply.boolean("updatedExisting", result.before.is_some());
        if result.upserted
            && let Some(id) = result
                .after
                .as_ref()
                .and_then(|document| document.get("_id").ok().flatten())
        {
            reply.field("upserted", id);
        }
    }
    reply.end();
}

fn write_value(
    reply: &mut Reply,
    value: Option<&RawDocument>,
    projection: Option<&Projection>,
    filter: &query::filter::Matcher,
) -> Result<()> {
    match (value, projection) {
        (None, _) => reply.null("value"),
        (Some(document), None) => reply.document("value", document),
        (Some(document), Some(projection)) => {
            let position = if projection.needs_position() {
                filter.matches_with_position(document)?.1
            } else {
                None
            };
            reply.document("value", &projection.apply(document, position)?);
        }
    }
    Ok(())
}
