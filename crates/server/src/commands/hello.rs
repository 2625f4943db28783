//! `hello` and its older name `isMaster`: the handshake.
//!
//! Source: the manual's page "hello", and the drivers' specification "MongoDB Handshake".

use std::time::SystemTime;

use bson::RawBsonRef;
use document::limits::{MAX_DOCUMENT_BYTES, MAX_MESSAGE_BYTES, MAX_WRITE_BATCH};
use wire::Compressor;

use super::{Access, Command, Context, handler};
use crate::emit;
use crate::error::Result;
use crate::log::events;
use crate::reply::Reply;
use crate::request::Request;
use crate::version;

pub(super) const HELLO: Command = Command {
    name: "hello",
    aliases: &[],
    help: "describes the server to a client that connects",
    admin_only: false,
    stable_api: true,
    access: Access::Read,
    run: handler!(hello),
};

pub(super) const IS_MASTER: Command = Command {
    name: "isMaster",
    aliases: &["ismaster"],
    help: "describes the server to a client that connects; the older name of hello",
    admin_only: false,
    stable_api: false,
    access: Access::Read,
    run: handler!(is_master),
};

async fn hello(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    reply.boolean("isWritablePrimary", true);
    describe(context, request, reply);
    Ok(())
}

async fn is_master(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    reply.boolean("helloOk", true);
    reply.boolean("ismaster", true);
    describe(context, request, reply);
    Ok(())
}

/// The fields that both have. What a client says of itself is not needed: unknown fields are
/// ignored, as drivers add some with every version.
fn describe(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) {
    reply.int32("maxBsonObjectSize", to_i32(MAX_DOCUMENT_BYTES));
    reply.int32("maxMessageSizeBytes", to_i32(MAX_MESSAGE_BYTES));
    reply.int32("maxWriteBatchSize", to_i32(MAX_WRITE_BATCH));
    reply.date("localTime", millis_now());
    reply.int32("logicalSessionTimeoutMinutes", 30);
    reply.int32(
        "connectionId",
        i32::try_from(context.connection.id).unwrap_or(i32::MAX),
    );
    reply.int32("minWireVersion", 0);
    reply.int32("maxWireVersion", version::MAX_WIRE_VERSION);
    reply.boolean("readOnly", context.server.is_read_only());
    agree_on_compression(request, reply);
    log_client(request);
}

/// Says once for each connection which driver it is, if the client does. The name of the
/// application is left out: it may be anything, and the log lies in clear.
fn log_client(request: &Request<'_>) {
    let Ok(client) = request.body.get_document("client") else {
        return;
    };
    let text = |section: &str, name: &str| {
        client
            .get_document(section)
            .ok()
            .and_then(|section| section.get_str(name).ok())
    };
    emit!(
        events::CLIENT_METADATA,
        driver = text("driver", "name").unwrap_or_default(),
        version = text("driver", "version").unwrap_or_default()
    );
}

/// Answers the compressors that client and server both have, in the client's order.
fn agree_on_compression(request: &Request<'_>, reply: &mut Reply) {
    let Ok(offered) = request.body.get_array("compression") else {
        return;
    };
    reply.begin_array("compression");
    for name in offered.into_iter().map_while(std::result::Result::ok) {
        if let RawBsonRef::String(name) = name
            && Compressor::ALL
                .iter()
                .any(|compressor| compressor.name() == name)
        {
            reply.element_value(RawBsonRef::String(name));
        }
    }
    reply.end();
}

fn to_i32(limit: usize) -> i32 {
    i32::try_from(limit).unwrap_or(i32::MAX)
}

/// Milliseconds since 1970.
pub(super) fn millis_now() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or_default()
}
