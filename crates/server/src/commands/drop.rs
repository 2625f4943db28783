//! `drop`: a collection and all it holds.

use super::{Access, Command, Context, handler};
use crate::error::Result;
use crate::namespace;
use crate::reply::Reply;
use crate::request::Request;

pub(super) const COMMAND: Command = Command {
    name: "drop",
    aliases: &[],
    help: "drops a collection",
    admin_only: false,
    stable_api: true,
    access: Access::Write,
    run: handler!(run),
};

/// A collection that is not there is no error, as in MongoDB since 7.0.
async fn run(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let name = request.collection()?;
    namespace::check_writable(request.database, name)?;
    if let Some(field) = request.fields().next() {
        return Err(field?.unknown());
    }
    let Some(database) = context.server.store.database(request.database).await? else {
        return Ok(());
    };
    let indexes = database
        .collection(name)
        .map_or(0, |collection| collection.all_indexes().len());
    if database.drop_collection(name).await? {
        reply.int32("nIndexesWas", i32::try_from(indexes).unwrap_or(i32::MAX));
        reply.string("ns", &format!("{}.{name}", request.database));
    }
    Ok(())
}
