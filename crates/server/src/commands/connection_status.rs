//! `connectionStatus` and `whatsmyuri`: who the client is to the server.

use super::{Access, Command, Context, handler};
use crate::error::Result;
use crate::reply::Reply;
use crate::request::Request;

pub(super) const COMMAND: Command = Command {
    name: "connectionStatus",
    aliases: &[],
    help: "tells who is authenticated on this connection",
    admin_only: false,
    stable_api: true,
    access: Access::Read,
    run: handler!(run),
};

pub(super) const WHATS_MY_URI: Command = Command {
    name: "whatsmyuri",
    aliases: &[],
    help: "tells the client's address as the server sees it",
    admin_only: false,
    stable_api: false,
    access: Access::Read,
    run: handler!(whats_my_uri),
};

async fn run(_: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let mut privileges = false;
    for field in request.fields() {
        let field = field?;
        match field.name {
            "showPrivileges" => privileges = field.bool()?,
            _ => return Err(field.unknown()),
        }
    }
    reply.begin_document("authInfo");
    reply.begin_array("authenticatedUsers");
    reply.end();
    reply.begin_array("authenticatedUserRoles");
    reply.end();
    if privileges {
        reply.begin_array("authenticatedUserPrivileges");
        reply.end();
    }
    reply.end();
    Ok(())
}

async fn whats_my_uri(context: &Context<'_>, _: &Request<'_>, reply: &mut Reply) -> Result<()> {
    reply.string("you", &context.connection.peer.to_string());
    Ok(())
}
