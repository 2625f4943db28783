//! `dropDatabase`: a database and its data key.

use super::{Access, Command, Context, handler};
use crate::error::Result;
use crate::reply::Reply;
use crate::request::Request;

pub(super) const COMMAND: Command = Command {
    name: "dropDatabase",
    aliases: &[],
    help: "drops a database and destroys its data key",
    admin_only: false,
    stable_api: true,
    access: Access::Write,
    run: handler!(run),
};

async fn run(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    if let Some(field) = request.fields().next() {
        return Err(field?.unknown());
    }
    let (store, encryption) = (&context.server.store, &context.server.start_up.encryption);
    let tree = store.tree_of(request.database);
    // Asked for before it is gone.
    let keys = match (encryption, tree) {
        (Some(encryption), Some(tree)) => encryption.keys_of(keystore::TreeId(tree.0)),
        _ => None,
    };
    if store.drop_database(request.database).await? {
        if let (Some(encryption), Some(keys)) = (encryption, keys) {
            encryption.tree_dropped(keys);
        }
        context.server.cursors.kill_database(request.database);
        reply.string("dropped", request.database);
    }
    Ok(())
}
