//! `getParameter`: the server's parameters.

use bson::RawBsonRef;
use document::ErrorCode;

use super::{Access, Command, Context, handler};
use crate::error::{CommandError, Result};
use crate::reply::Reply;
use crate::request::Request;
use crate::version;

pub(super) const COMMAND: Command = Command {
    name: "getParameter",
    aliases: &[],
    help: "tells parameters of the server",
    admin_only: true,
    stable_api: false,
    access: Access::Read,
    run: handler!(run),
};

/// A parameter's name, and how it is written.
type Parameter = (&'static str, fn(&mut Reply));

/// The parameters that there are, sorted.
const PARAMETERS: &[Parameter] = &[
    ("authenticationMechanisms", |reply| {
        reply.begin_array("authenticationMechanisms");
        reply.end();
    }),
    ("enableTestCommands", |reply| {
        reply.boolean("enableTestCommands", false)
    }),
    ("featureCompatibilityVersion", |reply| {
        reply.begin_document("featureCompatibilityVersion");
        reply.string("version", version::FEATURE_COMPATIBILITY_VERSION);
        reply.end();
    }),
    ("requireApiVersion", |reply| {
        reply.boolean("requireApiVersion", false)
    }),
];

async fn run(_: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let all = match request.target {
        RawBsonRef::String("*") => true,
        RawBsonRef::Document(options) => options.get_bool("allParameters").unwrap_or(false),
        _ => false,
    };
    let mut found = false;
    if all {
        for (_, write) in PARAMETERS {
            write(reply);
        }
        found = true;
    } else {
        for field in request.fields() {
            let field = field?;
            if let Some((_, write)) = PARAMETERS.iter().find(|(name, _)| *name == field.name) {
                write(reply);
                found = true;
            }
        }
    }
    if found {
        Ok(())
    } else {
        Err(CommandError::new(
            ErrorCode::InvalidOptions,
            "no option found to get",
        ))
    }
}
