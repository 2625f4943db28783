//! `update`.

use bson::{RawBsonRef, RawDocument};
use document::ErrorCode;

use super::insert::check_batch_size;
use super::write::WriteErrors;
use super::{Access, Command, Context, handler};
use crate::error::{CommandError, Result};
use crate::exec::compile::Compiler;
use crate::exec::plan::{Hint, parse_hint};
use crate::exec::write::{Change, Target, Written, count, update_many, update_one};
use crate::field::{self, Field};
use crate::namespace;
use crate::reply::Reply;
use crate::request::Request;
use crate::state::Counters;

pub(super) const COMMAND: Command = Command {
    name: "update",
    aliases: &[],
    help: "changes documents",
    admin_only: false,
    stable_api: true,
    access: Access::Write,
    run: handler!(run),
};

async fn run(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let name = request.collection()?;
    namespace::check_writable(request.database, name)?;
    let mut ordered = true;
    let mut compiler = Compiler::new();
    for field in request.fields() {
        let field = field?;
        match field.name {
            "updates" => {}
            "ordered" => ordered = field.bool()?,
            "let" => compiler.define(&field)?,
            "bypassDocumentValidation" | "bypassEmptyTsReplacement" => {
                field.bool()?;
            }
            _ => return Err(field.unknown()),
        }
    }
    let statements = request.documents("updates")?;
    check_batch_size(statements.len())?;
    // The shape of all statements is checked before the first one runs.
    let statements = statements
        .into_iter()
        .map(Statement::parse)
        .collect::<Result<Vec<Statement<'_>>>>()?;
    let mut errors = WriteErrors::new(ordered);
    let (mut matched, mut modified) = (0, 0);
    let mut upserted = Vec::new();
    for (index, statement) in statements.iter().enumerate() {
        request.check_deadline()?;
        match statement.run(context, request, name, &compiler).await {
            Ok(written) => {
                matched += written.matched + u64::from(written.upserted.is_some());
                modified += written.modified;
                upserted.extend(written.upserted.map(|document| (index, document)));
            }
            Err(error) if error.code == ErrorCode::MaxTimeMSExpired => return Err(error),
            Err(error) => errors.push(index, error),
        }
        if errors.stop() {
            break;
        }
    }
    Counters::add(&context.server.counters.updates, statements.len() as u64);
    reply.int32("n", count(matched));
    reply.int32("nModified", count(modified));
    if !upserted.is_empty() {
        reply.begin_array("upserted");
        for (index, document) in &upserted {
            reply.begin_element_document();
            reply.int32("index", count(*index as u64));
            reply.field(
                "_id",
                document
                    .get("_id")
                    .ok()
                    .flatten()
                    .unwrap_or(RawBsonRef::Null),
            );
            reply.end();
        }
        reply.end();
    }
    errors.write(reply);
    Ok(())
}

/// One statement of the command.
struct Statement<'a> {
    filter: &'a RawDocument,
    update: RawBsonRef<'a>,
    array_filters: Vec<&'a RawDocument>,
    multi: bool,
    upsert: bool,
    hint: Option<Hint>,
    constants: Option<Field<'a>>,
    sort: Option<&'a RawDocument>,
}

impl<'a> Statement<'a> {
    fn parse(statement: &'a RawDocument) -> Result<Self> {
        const PLACE: &str = "update.updates";
        let (mut filter, mut update) = (None, None);
        let mut parsed = Self {
            filter: statement,
            update: RawBsonRef::Null,
            array_filters: Vec::new(),
            multi: false,
            upsert: false,
            hint: None,
            constants: None,
            sort: None,
        };
        for field in Field::all(PLACE, statement) {
            let field = field?;
            match field.name {
                "q" => filter = Some(field.document()?),
                "u" => update = Some(field.value),
                "c" => parsed.constants = Some(field),
                "multi" => parsed.multi = field.bool()?,
                "upsert" => parsed.upsert = field.bool()?,
                "arrayFilters" => parsed.array_filters = field.documents()?,
                "collation" => field.simple_collation()?,
                "hint" => parsed.hint = parse_hint(&field)?,
                "sort" => parsed.sort = Some(field.document()?),
                "upsertSupplied" | "sampleId" => return Err(field.unsupported()),
                _ => return Err(field.unknown()),
            }
        }
        parsed.filter = filter.ok_or_else(|| field::missing(PLACE, "q"))?;
        parsed.update = update.ok_or_else(|| field::missing(PLACE, "u"))?;
        if parsed.multi && parsed.sort.is_some() {
            return Err(CommandError::failed_to_parse(
                "Cannot specify sort with multi=true",
            ));
        }
        Ok(parsed)
    }

    async fn run(
        &self,
        context: &Context<'_>,
        request: &Request<'_>,
        collection: &str,
        compiler: &Compiler,
    ) -> Result<Written> {
        let mut compiler = compiler.clone();
        if let Some(constants) = &self.constants {
            compiler.define(constants)?;
        }
        let filter = compiler.filter(self.filter)?;
        let update = compiler.update(self.update, &self.array_filters)?;
        if self.multi && update.is_replacement() {
            return Err(CommandError::failed_to_parse(
                "multi update is not supported for replacement-style update",
            ));
        }
        let store = &context.server.store;
        let database = if self.upsert {
            store.database_or_create(request.database).await?
        } else {
            match store.database(request.database).await? {
                Some(database) => database,
                None => return Ok(Written::default()),
            }
        };
        let target = Target {
            database: &database,
            collection,
            filter,
            sort: self.sort.map(query::sort::SortSpec::parse).transpose()?,
            hint: self.hint.clone(),
            deadline: request.deadline,
            durability: request.write_concern.durability,
        };
        let change = Change {
            update: &update,
            upsert: self.upsert,
            now: compiler.now(),
        };
        if self.multi {
            return update_many(&target, &change).await;
        }
        let one = update_one(&target, &change).await?;
        Ok(Written {
            matched: u64::from(one.before.is_some()),
            modified: u64::from(one.modified()),
            upserted: one.after.filter(|_| one.upserted),
        })
    }
}
