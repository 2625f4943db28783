//! `delete`.

use bson::RawDocument;
use document::ErrorCode;

use super::insert::check_batch_size;
use super::write::WriteErrors;
use super::{Access, Command, Context, handler};
use crate::error::Result;
use crate::exec::compile::Compiler;
use crate::exec::plan::{Hint, parse_hint};
use crate::exec::write::{Target, count, delete_limit, delete_many, delete_one};
use crate::field::{self, Field};
use crate::namespace;
use crate::reply::Reply;
use crate::request::Request;
use crate::state::Counters;

pub(super) const COMMAND: Command = Command {
    name: "delete",
    aliases: &[],
    help: "deletes documents",
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
            "deletes" => {}
            "ordered" => ordered = field.bool()?,
            "let" => compiler.define(&field)?,
            _ => return Err(field.unknown()),
        }
    }
    let statements = request.documents("deletes")?;
    check_batch_size(statements.len())?;
    let statements = statements
        .into_iter()
        .map(Statement::parse)
        .collect::<Result<Vec<Statement<'_>>>>()?;
    let mut errors = WriteErrors::new(ordered);
    let mut deleted = 0;
    for (index, statement) in statements.iter().enumerate() {
        request.check_deadline()?;
        match statement.run(context, request, name, &compiler).await {
            Ok(count) => deleted += count,
            Err(error) if error.code == ErrorCode::MaxTimeMSExpired => return Err(error),
            Err(error) => errors.push(index, error),
        }
        if errors.stop() {
            break;
        }
    }
    Counters::add(&context.server.counters.deletes, statements.len() as u64);
    reply.int32("n", count(deleted));
    errors.write(reply);
    Ok(())
}

/// One statement of the command.
struct Statement<'a> {
    filter: &'a RawDocument,
    one: bool,
    hint: Option<Hint>,
}

impl<'a> Statement<'a> {
    fn parse(statement: &'a RawDocument) -> Result<Self> {
        const PLACE: &str = "delete.deletes";
        let (mut filter, mut one, mut hint) = (None, None, None);
        for field in Field::all(PLACE, statement) {
            let field = field?;
            match field.name {
                "q" => filter = Some(field.document()?),
                "limit" => one = Some(delete_limit(field.value)?),
                "collation" => field.simple_collation()?,
                "hint" => hint = parse_hint(&field)?,
                _ => return Err(field.unknown()),
            }
        }
        Ok(Self {
            filter: filter.ok_or_else(|| field::missing(PLACE, "q"))?,
            one: one.ok_or_else(|| field::missing(PLACE, "limit"))?,
            hint,
        })
    }

    async fn run(
        &self,
        context: &Context<'_>,
        request: &Request<'_>,
        collection: &str,
        compiler: &Compiler,
    ) -> Result<u64> {
        let filter = compiler.filter(self.filter)?;
        let Some(database) = context.server.store.database(request.database).await? else {
            return Ok(0);
        };
        let target = Target {
            database: &database,
            collection,
            filter,
            sort: None,
            hint: self.hint.clone(),
            deadline: request.deadline,
            durability: request.write_concern.durability,
        };
        if self.one {
            Ok(u64::from(delete_one(&target).await?.is_some()))
        } else {
            delete_many(&target).await
        }
    }
}
