//! `replSetGetStatus`: there is no replica set, which tools find out by asking.

use document::ErrorCode;

use super::{Access, Command, Context, handler};
use crate::error::{CommandError, Result};
use crate::reply::Reply;
use crate::request::Request;

pub(super) const COMMAND: Command = Command {
    name: "replSetGetStatus",
    aliases: &[],
    help: "tells the state of the replica set, of which there is none",
    admin_only: true,
    stable_api: false,
    access: Access::Read,
    run: handler!(run),
};

async fn run(_: &Context<'_>, _: &Request<'_>, _: &mut Reply) -> Result<()> {
    Err(CommandError::new(
        ErrorCode::NoReplicationEnabled,
        "not running with --replSet",
    ))
}
