//! `createIndexes`.

use document::ErrorCode;
use storage::IndexSpec;

use super::{Access, Command, Context, handler};
use crate::error::{CommandError, Result};
use crate::namespace;
use crate::reply::Reply;
use crate::request::Request;

pub(super) const COMMAND: Command = Command {
    name: "createIndexes",
    aliases: &[],
    help: "creates indexes on a collection",
    admin_only: false,
    stable_api: true,
    access: Access::Write,
    run: handler!(run),
};

async fn run(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let name = request.collection()?;
    namespace::check_writable(request.database, name)?;
    for field in request.fields() {
        let field = field?;
        match field.name {
            "indexes" | "commitQuorum" => {}
            "ignoreUnknownIndexOptions" if !field.bool()? => {}
            "ignoreUnknownIndexOptions" => return Err(field.unsupported()),
            _ => return Err(field.unknown()),
        }
    }
    let specifications = request.documents("indexes")?;
    if specifications.is_empty() {
        return Err(CommandError::new(
            ErrorCode::BadValue,
            "Must specify at least one index to create",
        ));
    }
    let specifications = specifications
        .into_iter()
        .map(IndexSpec::parse)
        .collect::<Result<Vec<_>, storage::Error>>()?;
    let database = context
        .server
        .store
        .database_or_create(request.database)
        .await?;
    let created_collection = database.collection(name).is_none();
    database.collection_or_create(name).await?;
    let created = database.create_indexes(name, &specifications).await?;
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    reply.int32("numIndexesBefore", count(created.before));
    reply.int32("numIndexesAfter", count(created.after));
    reply.boolean("createdCollectionAutomatically", created_collection);
    if created.before == created.after {
        reply.string("note", "all indexes already exist");
    }
    Ok(())
}
