//! `buildInfo`: what was built, and as which MongoDB it speaks.

use bson::RawBsonRef;
use document::limits::MAX_DOCUMENT_BYTES;

use super::{Access, Command, Context, handler};
use crate::error::Result;
use crate::reply::Reply;
use crate::request::Request;
use crate::version;

pub(super) const COMMAND: Command = Command {
    name: "buildInfo",
    aliases: &["buildinfo"],
    help: "tells the version",
    admin_only: false,
    stable_api: true,
    access: Access::Read,
    run: handler!(run),
};

async fn run(_: &Context<'_>, _: &Request<'_>, reply: &mut Reply) -> Result<()> {
    reply.string("version", version::MONGODB_VERSION);
    reply.begin_array("versionArray");
    for part in version::MONGODB_VERSION_ARRAY {
        reply.element_value(RawBsonRef::Int32(part));
    }
    reply.end();
    reply.begin_document("strongroom");
    reply.string("version", version::STRONGROOM_VERSION);
    reply.end();
    reply.string("gitVersion", "strongroom");
    reply.begin_array("modules");
    reply.end();
    reply.string("allocator", "system");
    reply.string("javascriptEngine", "none");
    reply.string("sysInfo", "deprecated");
    reply.int32("bits", 64);
    reply.boolean("debug", cfg!(debug_assertions));
    reply.int32(
        "maxBsonObjectSize",
        i32::try_from(MAX_DOCUMENT_BYTES).unwrap_or(i32::MAX),
    );
    reply.begin_array("storageEngines");
    reply.element_value(RawBsonRef::String("strongroom"));
    reply.end();
    Ok(())
}
