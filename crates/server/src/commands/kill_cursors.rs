//! `killCursors`.

use bson::RawBsonRef;

use super::{Access, Command, Context, handler};
use crate::error::Result;
use crate::field;
use crate::reply::Reply;
use crate::request::Request;

pub(super) const COMMAND: Command = Command {
    name: "killCursors",
    aliases: &[],
    help: "closes cursors",
    admin_only: false,
    stable_api: true,
    access: Access::Read,
    run: handler!(run),
};

async fn run(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let mut cursors = None;
    for field in request.fields() {
        let field = field?;
        match field.name {
            "cursors" => cursors = Some(field),
            _ => return Err(field.unknown()),
        }
    }
    let cursors = cursors.ok_or_else(|| field::missing("killCursors", "cursors"))?;
    let target = field::Field {
        place: "killCursors",
        name: "killCursors",
        value: request.target,
    };
    let namespace = format!("{}.{}", request.database, target.string()?);
    let (mut killed, mut not_found) = (Vec::new(), Vec::new());
    for id in cursors
        .array()?
        .into_iter()
        .map_while(std::result::Result::ok)
    {
        let RawBsonRef::Int64(id) = id else {
            return Err(cursors.wrong_type("long"));
        };
        let list = if context.server.cursors.kill(id, &namespace) {
            &mut killed
        } else {
            &mut not_found
        };
        list.push(id);
    }
    for (name, ids) in [("cursorsKilled", killed), ("cursorsNotFound", not_found)] {
        write_ids(reply, name, &ids);
    }
    write_ids(reply, "cursorsAlive", &[]);
    write_ids(reply, "cursorsUnknown", &[]);
    Ok(())
}

fn write_ids(reply: &mut Reply, name: &str, ids: &[i64]) {
    reply.begin_array(name);
    for id in ids {
        reply.element_value(RawBsonRef::Int64(*id));
    }
    reply.end();
}
