//! `dropDatabase`: a database and its data key.

use super::{Access, Command, Context, handler};
use crate::error::Result;
use crate::reply::Reply;
use crate::request::Request;

pub(super) const COMMAND: Command = Command {
    name: "dropDatabase",
    aliases: &[],
    help: "drops a database and destroys its data key",
    admin_only: false,
    stable_api: true,
    access: Access::Write,
    run: handler!(run),
};

async fn run(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    if let Some(field) = request.fields().next() {
        return Err(field?.unknown());
    }
    if context.server.store.drop_database(request.database).await? {
        context.server.cursors.kill_database(request.database);
        reply.string("dropped", request.database);
    }
    Ok(())
}
