//! `listCommands`: the table, told.

use super::{Access, COMMANDS, Command, Context, handler};
use crate::error::Result;
use crate::reply::Reply;
use crate::request::Request;

pub(super) const COMMAND: Command = Command {
    name: "listCommands",
    aliases: &[],
    help: "lists the commands",
    admin_only: false,
    stable_api: false,
    access: Access::Read,
    run: handler!(run),
};

async fn run(_: &Context<'_>, _: &Request<'_>, reply: &mut Reply) -> Result<()> {
    reply.begin_document("commands");
    for command in COMMANDS {
        reply.begin_document(command.name);
        reply.string("help", command.help);
        reply.boolean("requiresAuth", false);
        reply.boolean("adminOnly", command.admin_only);
        reply.begin_array("apiVersions");
        if command.stable_api {
            reply.element_value(bson::RawBsonRef::String("1"));
        }
        reply.end();
        reply.end();
    }
    reply.end();
    Ok(())
}
