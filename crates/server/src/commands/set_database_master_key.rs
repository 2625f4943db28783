//! `setDatabaseMasterKey`: a master key of its own for a database ("bring your own key"), or that of the
//! server again.

use bson::RawBsonRef;
use document::ErrorCode;

use super::rotate_master_key::{encryption, key_identifier, keys, revoked, tree_of};
use super::{Access, Command, Context, handler};
use crate::encryption::DatabaseKey;
use crate::error::{CommandError, Result};
use crate::field;
use crate::namespace;
use crate::reply::Reply;
use crate::request::Request;

pub(super) const COMMAND: Command = Command {
    name: "setDatabaseMasterKey",
    aliases: &[],
    help: "puts a database under a master key of its own, or under that of the server again",
    admin_only: true,
    stable_api: false,
    access: Access::Read,
    run: handler!(run),
};

/// Databases of the server itself: a tenant's key has no place there.
const OF_THE_SERVER: [&str; 3] = ["admin", "config", "local"];

async fn run(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let (mut name, mut to, mut create, mut revoke) = (None, None, false, false);
    for field in request.fields() {
        let field = field?;
        match (field.name, field.value) {
            ("database", _) => name = Some(field.string()?),
            ("keyIdentifier", RawBsonRef::Null) => to = Some(DatabaseKey::Default),
            ("keyIdentifier", _) => {
                to = Some(DatabaseKey::Given(key_identifier(&field)?.to_owned()));
            }
            ("create", _) => create = field.bool()?,
            ("revokeOldKey", _) => revoke = field.bool()?,
            _ => return Err(field.unknown()),
        }
    }
    let name = name.ok_or_else(|| field::missing(request.command, "database"))?;
    let to = to.ok_or_else(|| field::missing(request.command, "keyIdentifier"))?;
    namespace::check_database(name)?;
    if OF_THE_SERVER.contains(&name) {
        return Err(CommandError::new(
            ErrorCode::IllegalOperation,
            format!(
                "the database {name} is the server's own and stays under the server's master key"
            ),
        ));
    }
    let encryption = encryption(context)?;
    let store = &context.server.store;
    let is_missing = store.tree_of(name).is_none();
    if is_missing && !create {
        return Err(CommandError::new(
            ErrorCode::NamespaceNotFound,
            format!("there is no database {name}; with create: true it is created, empty"),
        ));
    }
    if is_missing {
        encryption.permit_write()?;
        // A key that cannot be had leaves no empty database behind.
        if let DatabaseKey::Given(given) = &to {
            encryption.try_key(given).await?;
        }
        store.database_or_create(name).await?;
    }
    let tree = tree_of(context, name)?;
    let done = encryption.change_database_key(tree, to, revoke).await?;
    reply.string("database", name);
    reply.boolean("created", is_missing);
    keys(reply, done.old.as_ref(), done.new.as_ref());
    revoked(reply, done.old_revoked);
    Ok(())
}
