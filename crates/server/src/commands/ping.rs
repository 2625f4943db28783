//! `ping`: whether the server answers.

use super::{Access, Command, Context, handler};
use crate::error::Result;
use crate::reply::Reply;
use crate::request::Request;

pub(super) const COMMAND: Command = Command {
    name: "ping",
    aliases: &[],
    help: "does nothing: the answer says that the server is there",
    admin_only: false,
    stable_api: true,
    access: Access::Read,
    run: handler!(run),
};

async fn run(_: &Context<'_>, _: &Request<'_>, _: &mut Reply) -> Result<()> {
    Ok(())
}
