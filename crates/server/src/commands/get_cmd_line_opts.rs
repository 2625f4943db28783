//! `getCmdLineOpts`: what the server was started with, secrets taken out.

use bson::RawBsonRef;

use super::{Access, Command, Context, handler};
use crate::error::Result;
use crate::reply::Reply;
use crate::request::Request;

pub(super) const COMMAND: Command = Command {
    name: "getCmdLineOpts",
    aliases: &[],
    help: "tells the options that the server was started with",
    admin_only: true,
    stable_api: false,
    access: Access::Read,
    run: handler!(run),
};

async fn run(context: &Context<'_>, _: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let start_up = &context.server.start_up;
    reply.begin_array("argv");
    for argument in &start_up.argv {
        reply.element_value(RawBsonRef::String(argument));
    }
    reply.end();
    reply.document("parsed", &start_up.parsed);
    Ok(())
}
