//! `serverStatus`: what the server is and does.

use std::sync::atomic::{AtomicU64, Ordering};

use super::hello::millis_now;
use super::{Access, Command, Context, handler};
use crate::error::Result;
use crate::reply::Reply;
use crate::request::Request;
use crate::version;

pub(super) const COMMAND: Command = Command {
    name: "serverStatus",
    aliases: &[],
    help: "tells what the server is and does",
    admin_only: false,
    stable_api: false,
    access: Access::Read,
    run: handler!(run),
};

async fn run(context: &Context<'_>, _: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let server = context.server;
    let uptime = server.started.elapsed();
    reply.string(
        "host",
        &rustix::system::uname().nodename().to_string_lossy(),
    );
    reply.string("version", version::MONGODB_VERSION);
    reply.string("process", "strongroomd");
    reply.int64("pid", i64::from(std::process::id()));
    reply.double("uptime", uptime.as_secs_f64().floor());
    reply.int64(
        "uptimeMillis",
        i64::try_from(uptime.as_millis()).unwrap_or(i64::MAX),
    );
    reply.date("localTime", millis_now());
    connections(context, reply);
    network(context, reply);
    operations(context, reply);
    reply.begin_document("metrics");
    reply.begin_document("cursor");
    reply.begin_document("open");
    reply.int64(
        "total",
        i64::try_from(server.cursors.len()).unwrap_or(i64::MAX),
    );
    reply.end();
    reply.end();
    reply.end();
    reply.begin_document("storageEngine");
    reply.string("name", "strongroom");
    reply.boolean("supportsCommittedReads", true);
    reply.boolean("persistent", true);
    reply.boolean("readOnly", server.is_read_only());
    reply.end();
    encryption(context, reply);
    reply.begin_document("strongroom");
    reply.string("version", version::STRONGROOM_VERSION);
    reply.end();
    Ok(())
}

fn connections(context: &Context<'_>, reply: &mut Reply) {
    let counters = &context.server.counters;
    let current = read(&counters.connections);
    let most = i64::try_from(context.server.start_up.max_connections).unwrap_or(i64::MAX);
    reply.begin_document("connections");
    reply.int64("current", current);
    reply.int64("available", most.saturating_sub(current));
    reply.int64("totalCreated", read(&counters.connections_total));
    reply.end();
}

fn network(context: &Context<'_>, reply: &mut Reply) {
    let counters = &context.server.counters;
    reply.begin_document("network");
    reply.int64("bytesIn", read(&counters.bytes_in));
    reply.int64("bytesOut", read(&counters.bytes_out));
    reply.int64("numRequests", read(&counters.requests));
    reply.end();
}

fn operations(context: &Context<'_>, reply: &mut Reply) {
    let counters = &context.server.counters;
    reply.begin_document("opcounters");
    reply.int64("insert", read(&counters.inserts));
    reply.int64("query", read(&counters.queries));
    reply.int64("update", read(&counters.updates));
    reply.int64("delete", read(&counters.deletes));
    reply.int64("getmore", read(&counters.getmores));
    reply.int64("command", read(&counters.commands));
    reply.end();
}

/// PSMDB's section, so that what watches for it there finds it here.
fn encryption(context: &Context<'_>, reply: &mut Reply) {
    match &context.server.start_up.encryption {
        Some(encryption) => {
            let status = encryption.status().to_document();
            reply.begin_document("encryptionAtRest");
            for element in status.iter_elements().map_while(std::result::Result::ok) {
                if let Ok(value) = element.value() {
                    reply.field(element.key().as_str(), value);
                }
            }
            // Their names are for clients, not for the log.
            let databases = encryption.databases(&context.server.store);
            if !databases.is_empty() {
                reply.begin_array("databases");
                for database in &databases {
                    reply.element_document(database.as_bytes());
                }
                reply.end();
            }
            reply.end();
        }
        None => {
            reply.begin_document("encryptionAtRest");
            reply.boolean("encryptionEnabled", false);
            reply.end();
        }
    }
}

fn read(counter: &AtomicU64) -> i64 {
    i64::try_from(counter.load(Ordering::Relaxed)).unwrap_or(i64::MAX)
}
