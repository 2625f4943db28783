//! `getLog`: the last lines of the log, and the warnings of the start, which the shell shows.

use bson::RawBsonRef;
use document::ErrorCode;

use super::{Access, Command, Context, handler};
use crate::error::{CommandError, Result};
use crate::log::LogHandle;
use crate::reply::Reply;
use crate::request::Request;

pub(super) const COMMAND: Command = Command {
    name: "getLog",
    aliases: &[],
    help: "tells the last lines of the log, or the warnings of the start",
    admin_only: true,
    stable_api: false,
    access: Access::Read,
    run: handler!(run),
};

async fn run(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let log = context.server.start_up.log.as_ref();
    match request.target {
        RawBsonRef::String("*") => {
            reply.begin_array("names");
            reply.element_value(RawBsonRef::String("global"));
            reply.element_value(RawBsonRef::String("startupWarnings"));
            reply.end();
        }
        RawBsonRef::String("startupWarnings") => {
            write_lines(
                reply,
                &log.map(LogHandle::startup_warnings).unwrap_or_default(),
            );
        }
        RawBsonRef::String("global") => {
            write_lines(reply, &log.map(LogHandle::recent_lines).unwrap_or_default());
        }
        _ => {
            return Err(CommandError::new(
                ErrorCode::OperationFailed,
                "no RecentLog of this name: 'global' and 'startupWarnings' are there",
            ));
        }
    }
    Ok(())
}

fn write_lines(reply: &mut Reply, lines: &[String]) {
    reply.int32(
        "totalLinesWritten",
        i32::try_from(lines.len()).unwrap_or(i32::MAX),
    );
    reply.begin_array("log");
    for line in lines {
        reply.element_value(RawBsonRef::String(line));
    }
    reply.end();
}
