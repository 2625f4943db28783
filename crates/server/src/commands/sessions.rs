//! `startSession`, `endSessions`, `refreshSessions` and `killSessions`.
//!
//! A session carries nothing on this server yet (there are no transactions and no retryable
//! writes), so starting one hands out a number and ending one forgets nothing.

use bson::spec::BinarySubtype;
use bson::{RawBinaryRef, RawBsonRef};

use super::{Access, Command, Context, handler};
use crate::error::Result;
use crate::field::Field;
use crate::reply::Reply;
use crate::request::Request;

pub(super) const START: Command = Command {
    name: "startSession",
    aliases: &[],
    help: "starts a session",
    admin_only: false,
    stable_api: false,
    access: Access::Read,
    run: handler!(start),
};

pub(super) const END: Command = Command {
    name: "endSessions",
    aliases: &[],
    help: "ends sessions",
    admin_only: false,
    stable_api: true,
    access: Access::Read,
    run: handler!(forget),
};

pub(super) const REFRESH: Command = Command {
    name: "refreshSessions",
    aliases: &[],
    help: "keeps sessions from ending",
    admin_only: false,
    stable_api: true,
    access: Access::Read,
    run: handler!(forget),
};

pub(super) const KILL: Command = Command {
    name: "killSessions",
    aliases: &[],
    help: "ends sessions",
    admin_only: false,
    stable_api: true,
    access: Access::Read,
    run: handler!(forget),
};

async fn start(_: &Context<'_>, _: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let id = uuid::Uuid::new_v4();
    reply.begin_document("id");
    let bytes = id.as_bytes();
    reply.field(
        "id",
        RawBsonRef::Binary(RawBinaryRef {
            subtype: BinarySubtype::Uuid,
            bytes,
        }),
    );
    reply.end();
    reply.int32("timeoutMinutes", 30);
    Ok(())
}

async fn forget(_: &Context<'_>, request: &Request<'_>, _: &mut Reply) -> Result<()> {
    Field {
        place: request.command,
        name: request.command,
        value: request.target,
    }
    .documents()?;
    Ok(())
}
