//! `aggregate`.

use bson::{RawArray, RawBsonRef};
use document::{ErrorCode, Number};
use query::pipeline::Pipeline;

use super::{Access, Command, Context, handler};
use crate::cursor::{self, CursorOptions};
use crate::error::{CommandError, Result};
use crate::exec::compile::Compiler;
use crate::exec::pipeline::{Aggregation, Input};
use crate::exec::plan::{Hint, parse_hint};
use crate::field;
use crate::reply::Reply;
use crate::request::Request;
use crate::state::Counters;

pub(super) const COMMAND: Command = Command {
    name: "aggregate",
    aliases: &[],
    help: "runs a pipeline over a collection",
    admin_only: false,
    stable_api: true,
    access: Access::Read,
    run: handler!(run),
};

/// The command's fields.
pub(super) struct Arguments<'a> {
    pub(super) stages: &'a RawArray,
    pub(super) compiler: Compiler,
    pub(super) hint: Option<Hint>,
    options: CursorOptions,
    explain: bool,
}

impl<'a> Arguments<'a> {
    fn parse(request: &Request<'a>) -> Result<Self> {
        let arguments = Self::parse_explained(request)?;
        let has_cursor = request
            .body
            .get("cursor")
            .is_ok_and(|cursor| cursor.is_some());
        if !has_cursor && !arguments.explain {
            return Err(CommandError::failed_to_parse(
                "The 'cursor' option is required, except for aggregate with the explain argument",
            ));
        }
        Ok(arguments)
    }

    /// As `explain` takes them: without `cursor`.
    pub(super) fn parse_explained(request: &Request<'a>) -> Result<Self> {
        let (mut stages, mut cursor) = (None, None);
        let mut compiler = Compiler::new();
        let mut hint = None;
        let mut explain = false;
        for field in request.fields() {
            let field = field?;
            match field.name {
                "pipeline" => stages = Some(field.array()?),
                "cursor" => cursor = Some(CursorOptions::parse(&field)?),
                "explain" => explain = field.bool()?,
                "hint" => hint = parse_hint(&field)?,
                "let" => compiler.define(&field)?,
                "collation" => field.simple_collation()?,
                // Stages are bounded in memory; allowing the disk does not oblige to use it.
                "allowDiskUse" | "bypassDocumentValidation" => {
                    field.bool()?;
                }
                _ => return Err(field.unknown()),
            }
        }
        Ok(Self {
            stages: stages.ok_or_else(|| field::missing("aggregate", "pipeline"))?,
            compiler,
            hint,
            options: cursor.unwrap_or_default(),
            explain,
        })
    }
}

async fn run(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    Counters::add(&context.server.counters.queries, 1);
    let arguments = Arguments::parse(request)?;
    if arguments.explain {
        return super::explain::aggregation(context, request, arguments, reply).await;
    }
    let collection = collection(request)?;
    let pipeline = Pipeline::parse(arguments.stages, arguments.compiler.context())?;
    if collection.is_none() && !pipeline.makes_documents() {
        return Err(CommandError::new(
            ErrorCode::InvalidNamespace,
            "{aggregate: 1} is not valid for this pipeline: its first stage must make documents",
        ));
    }
    let database = context.server.store.database(request.database).await?;
    let namespace = match collection {
        Some(name) => format!("{}.{name}", request.database),
        None => format!("{}.$cmd.aggregate", request.database),
    };
    let input = Input {
        database,
        collection: collection.map(str::to_owned),
        hint: arguments.hint,
    };
    let source = Box::new(Aggregation::new(pipeline, input)?);
    cursor::answer(
        context,
        request,
        reply,
        namespace,
        source,
        arguments.options,
    )
    .await
}

/// The collection that is read; `None` for `{ aggregate: 1 }`.
pub(super) fn collection<'a>(request: &Request<'a>) -> Result<Option<&'a str>> {
    match request.target {
        RawBsonRef::String(_) => request.collection().map(Some),
        ref value => match Number::from_raw(value).and_then(Number::to_i64_exact) {
            Some(1) => Ok(None),
            _ => Err(CommandError::failed_to_parse(
                "Invalid command format: the 'aggregate' field must specify a collection name or 1",
            )),
        },
    }
}
