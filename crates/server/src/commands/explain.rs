//! `explain`: how a command would be, or was, carried out.
//!
//! Source: the manual's page "Explain Results".

use std::time::Instant;

use bson::{RawBsonRef, RawDocument, RawDocumentBuf};
use document::ErrorCode;
use query::pipeline::Pipeline;
use query::sort::SortSpec;

use super::{Access, Command, Context, aggregate, find, handler};
use crate::cursor::{Source, Taken};
use crate::error::{CommandError, Result};
use crate::exec::compile::Compiler;
use crate::exec::find::{Find, Query};
use crate::exec::off_the_workers;
use crate::exec::plan::{choose, describe, parse_hint};
use crate::field;
use crate::reply::Reply;
use crate::request::Request;
use crate::version;

pub(super) const COMMAND: Command = Command {
    name: "explain",
    aliases: &[],
    help: "tells how a command is carried out",
    admin_only: false,
    stable_api: true,
    access: Access::Read,
    run: handler!(run),
};

/// How much is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verbosity {
    /// The plan.
    QueryPlanner,
    /// The plan, and what carrying it out read.
    ExecutionStats,
}

async fn run(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let RawBsonRef::Document(command) = request.target else {
        return Err(CommandError::failed_to_parse(
            "explain needs a command document",
        ));
    };
    let mut verbosity = Verbosity::ExecutionStats;
    for field in request.fields() {
        let field = field?;
        match (field.name, field.value) {
            ("verbosity", RawBsonRef::String("queryPlanner")) => {
                verbosity = Verbosity::QueryPlanner;
            }
            ("verbosity", RawBsonRef::String("executionStats" | "allPlansExecution")) => {}
            ("verbosity", _) => {
                return Err(CommandError::failed_to_parse(
                    "verbosity must be one of queryPlanner, executionStats, allPlansExecution",
                ));
            }
            _ => return Err(field.unknown()),
        }
    }
    let mut inner = Request::parse(command, request.sequences.clone(), Some(request.database))?;
    inner.deadline = inner.deadline.or(request.deadline);
    if inner.database != request.database {
        return Err(CommandError::new(
            ErrorCode::InvalidNamespace,
            "the explained command must be on the database of explain",
        ));
    }
    if inner.command == "aggregate" {
        let arguments = aggregate::Arguments::parse_explained(&inner)?;
        return explain_aggregation(context, &inner, arguments, verbosity, reply).await;
    }
    let query = query_of(&inner)?;
    explain_query(context, &inner, query, verbosity, reply).await
}

/// `aggregate` with `explain: true`.
pub(super) async fn aggregation(
    context: &Context<'_>,
    request: &Request<'_>,
    arguments: aggregate::Arguments<'_>,
    reply: &mut Reply,
) -> Result<()> {
    explain_aggregation(context, request, arguments, Verbosity::QueryPlanner, reply).await
}

/// The query behind a command that can be explained.
fn query_of(request: &Request<'_>) -> Result<Query> {
    match request.command {
        "find" => Ok(find::parse(request)?.0),
        "count" | "distinct" => simple_query(request, request.body, "query"),
        "findAndModify" | "findandmodify" => simple_query(request, request.body, "query"),
        "update" => first_statement(request, "updates"),
        "delete" => first_statement(request, "deletes"),
        other => Err(CommandError::new(
            ErrorCode::CommandNotFound,
            format!("Explain failed due to unknown or not explainable command: {other}"),
        )),
    }
}

fn first_statement(request: &Request<'_>, name: &'static str) -> Result<Query> {
    match request.documents(name)?.as_slice() {
        [statement] => simple_query(request, statement, "q"),
        _ => Err(CommandError::new(
            ErrorCode::InvalidLength,
            "explained write batches must be of size 1",
        )),
    }
}

fn simple_query(request: &Request<'_>, holder: &RawDocument, filter: &str) -> Result<Query> {
    let field = |name: &str| holder.get(name).ok().flatten();
    let as_document = |name: &str| match field(name) {
        Some(RawBsonRef::Document(document)) => Some(document),
        _ => None,
    };
    let hint = field("hint").map(|value| {
        parse_hint(&field::Field {
            place: request.command,
            name: "hint",
            value,
        })
    });
    let empty = RawDocumentBuf::new();
    Ok(Query {
        filter: Compiler::new().filter(as_document(filter).unwrap_or(&empty))?,
        sort: as_document("sort")
            .map(SortSpec::parse)
            .transpose()?
            .filter(|sort| !sort.is_empty()),
        skip: 0,
        limit: 0,
        projection: None,
        hint: hint.transpose()?.flatten(),
    })
}

async fn explain_query(
    context: &Context<'_>,
    request: &Request<'_>,
    query: Query,
    verbosity: Verbosity,
    reply: &mut Reply,
) -> Result<()> {
    let name = request.collection()?;
    reply.string("explainVersion", "1");
    write_plan(context, request, name, query, verbosity, reply).await?;
    reply.document("command", request.body);
    write_server(reply);
    Ok(())
}

async fn explain_aggregation(
    context: &Context<'_>,
    request: &Request<'_>,
    arguments: aggregate::Arguments<'_>,
    verbosity: Verbosity,
    reply: &mut Reply,
) -> Result<()> {
    let pipeline = Pipeline::parse(arguments.stages, arguments.compiler.context())?;
    let name = aggregate::collection(request)?.unwrap_or("$cmd.aggregate");
    let (leading, rest) = pipeline.leading();
    let query = Query {
        filter: match leading.filter {
            Some(filter) => filter,
            None => arguments.compiler.filter(&RawDocumentBuf::new())?,
        },
        sort: leading.sort,
        skip: leading.skip,
        limit: leading.limit.unwrap_or(0),
        projection: None,
        hint: arguments.hint,
    };
    reply.string("explainVersion", "1");
    if rest.is_empty() {
        write_plan(context, request, name, query, verbosity, reply).await?;
    } else {
        reply.begin_array("stages");
        reply.begin_element_document();
        reply.begin_document("$cursor");
        write_plan(context, request, name, query, verbosity, reply).await?;
        reply.end();
        reply.end();
        for stage in rest.stage_names() {
            reply.begin_element_document();
            reply.begin_document(stage);
            reply.end();
            reply.end();
        }
        reply.end();
    }
    reply.document("command", request.body);
    write_server(reply);
    Ok(())
}

/// Writes `queryPlanner`, and `executionStats` if they are asked for.
async fn write_plan(
    context: &Context<'_>,
    request: &Request<'_>,
    name: &str,
    query: Query,
    verbosity: Verbosity,
    reply: &mut Reply,
) -> Result<()> {
    let database = context.server.store.database(request.database).await?;
    let snapshot = database.map(|database| database.snapshot()).transpose()?;
    let collection = snapshot
        .as_ref()
        .and_then(|snapshot| snapshot.collection(name));
    reply.begin_document("queryPlanner");
    reply.string("namespace", &format!("{}.{name}", request.database));
    reply.boolean("indexFilterSet", false);
    reply.document("parsedQuery", query.filter.source());
    let (Some(snapshot), Some(collection)) = (snapshot, collection) else {
        reply.begin_document("winningPlan");
        reply.string("stage", "EOF");
        reply.end();
        reply.begin_array("rejectedPlans");
        reply.end();
        reply.end();
        if verbosity == Verbosity::ExecutionStats {
            write_stats(reply, 0, Instant::now(), Default::default());
        }
        return Ok(());
    };
    let planned = choose(
        &collection,
        &query.filter,
        query.sort.as_ref(),
        query.hint.as_ref(),
    )?;
    reply.document("winningPlan", &describe(&planned, &query));
    reply.begin_array("rejectedPlans");
    reply.end();
    reply.end();
    if verbosity == Verbosity::ExecutionStats {
        let started = Instant::now();
        let mut find = Find::planned(snapshot, collection, query, planned);
        let mut returned = 0_u64;
        off_the_workers(|| {
            find.run(request.deadline, &mut |_| {
                returned += 1;
                Ok(Taken::More)
            })
        })?;
        write_stats(reply, returned, started, find.examined());
    }
    Ok(())
}

fn write_stats(
    reply: &mut Reply,
    returned: u64,
    started: Instant,
    examined: crate::exec::scan::Examined,
) {
    let count = |count: u64| i32::try_from(count).unwrap_or(i32::MAX);
    reply.begin_document("executionStats");
    reply.boolean("executionSuccess", true);
    reply.int32("nReturned", count(returned));
    let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    reply.int32("executionTimeMillis", count(millis));
    reply.int32("totalKeysExamined", count(examined.keys));
    reply.int32("totalDocsExamined", count(examined.documents));
    reply.end();
}

fn write_server(reply: &mut Reply) {
    reply.begin_document("serverInfo");
    reply.string(
        "host",
        &rustix::system::uname().nodename().to_string_lossy(),
    );
    reply.string("version", version::MONGODB_VERSION);
    reply.end();
}
