//! `getLog`: the warnings of the start, which the shell shows when it connects.

use bson::RawBsonRef;
use document::ErrorCode;

use super::{Command, Context, handler};
use crate::error::{CommandError, Result};
use crate::reply::Reply;
use crate::request::Request;

pub(super) const COMMAND: Command = Command {
    name: "getLog",
    aliases: &[],
    help: "tells the warnings of the start",
    admin_only: true,
    stable_api: false,
    run: handler!(run),
};

async fn run(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let warnings = &context.server.start_up.warnings;
    match request.target {
        RawBsonRef::String("*") => {
            reply.begin_array("names");
            reply.element_value(RawBsonRef::String("startupWarnings"));
            reply.end();
        }
        RawBsonRef::String("startupWarnings") => {
            reply.int32("totalLinesWritten", i32::try_from(warnings.len()).unwrap_or(i32::MAX));
            reply.begin_array("log");
            for warning in warnings {
                let line = serde_json::json!({
                    "t": { "$date": "1970-01-01T00:00:00.000Z" }, "s": "W", "c": "CONTROL",
                    "id": 20_000, "ctx": "initandlisten", "msg": warning, "tags": ["startupWarnings"],
                });
                reply.element_value(RawBsonRef::String(&line.to_string()));
            }
            reply.end();
        }
        RawBsonRef::String("global") => {
            return Err(CommandError::new(
                ErrorCode::NotImplemented,
                "getLog 'global' is not supported by this server yet: read its log file",
            ));
        }
        _ => {
            return Err(CommandError::new(
                ErrorCode::OperationFailed,
                "no RecentLog of this name: 'startupWarnings' is there",
            ));
        }
    }
    Ok(())
}
