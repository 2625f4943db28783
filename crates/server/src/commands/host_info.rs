//! `hostInfo`: the machine.

use super::hello::millis_now;
use super::{Access, Command, Context, handler};
use crate::error::Result;
use crate::reply::Reply;
use crate::request::Request;

pub(super) const COMMAND: Command = Command {
    name: "hostInfo",
    aliases: &[],
    help: "describes the machine that the server runs on",
    admin_only: false,
    stable_api: false,
    access: Access::Read,
    run: handler!(run),
};

async fn run(_: &Context<'_>, _: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let name = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    reply.begin_document("system");
    reply.date("currentTime", millis_now());
    reply.string("hostname", &text(name.nodename()));
    reply.int32("cpuAddrSize", 64);
    reply.int32("numCores", i32::try_from(cores).unwrap_or(i32::MAX));
    reply.string("cpuArch", &text(name.machine()));
    reply.end();
    reply.begin_document("os");
    reply.string("type", &text(name.sysname()));
    reply.string("name", &text(name.sysname()));
    reply.string("version", &text(name.release()));
    reply.end();
    reply.begin_document("extra");
    reply.end();
    Ok(())
}
