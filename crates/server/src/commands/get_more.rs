//! `getMore`: the next batch of a cursor.

use bson::RawBsonRef;

use super::{Access, Command, Context, handler};
use crate::cursor;
use crate::error::Result;
use crate::field::{self, Field};
use crate::namespace;
use crate::reply::Reply;
use crate::request::Request;
use crate::state::Counters;

pub(super) const COMMAND: Command = Command {
    name: "getMore",
    aliases: &[],
    help: "hands out the next batch of a cursor",
    admin_only: false,
    stable_api: true,
    access: Access::Read,
    run: handler!(run),
};

async fn run(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    Counters::add(&context.server.counters.getmores, 1);
    let target = Field {
        place: "getMore",
        name: "getMore",
        value: request.target,
    };
    let RawBsonRef::Int64(id) = request.target else {
        return Err(target.wrong_type("long"));
    };
    let mut collection = None;
    let mut batch_size = None;
    for field in request.fields() {
        let field = field?;
        match field.name {
            "collection" => collection = Some(field.string()?),
            "batchSize" => batch_size = Some(field.non_negative()?).filter(|size| *size > 0),
            "term" | "lastKnownCommittedOpTime" => return Err(field.unsupported()),
            _ => return Err(field.unknown()),
        }
    }
    let collection = collection.ok_or_else(|| field::missing("getMore", "collection"))?;
    // The cursors of `listCollections` and of database-wide aggregations have names with `$`.
    if !collection.starts_with("$cmd.") {
        namespace::check_collection(request.database, collection)?;
    }
    let namespace = format!("{}.{collection}", request.database);
    cursor::more(context, request, reply, id, &namespace, batch_size)
}
