//! `revokeMasterKey`: a master key of before is revoked on the KMIP server.

use super::rotate_master_key::{encryption, key_identifier};
use super::{Access, Command, Context, handler};
use crate::error::Result;
use crate::field;
use crate::reply::Reply;
use crate::request::Request;

pub(super) const COMMAND: Command = Command {
    name: "revokeMasterKey",
    aliases: &[],
    help: "revokes a master key of before on the KMIP server, once nothing needs it",
    admin_only: true,
    stable_api: false,
    access: Access::Read,
    run: handler!(run),
};

async fn run(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let (mut identifier, mut remove_previous) = (None, false);
    for field in request.fields() {
        let field = field?;
        match field.name {
            "keyIdentifier" => identifier = Some(key_identifier(&field)?),
            "removePrevious" => remove_previous = field.bool()?,
            _ => return Err(field.unknown()),
        }
    }
    let identifier = identifier.ok_or_else(|| field::missing(request.command, "keyIdentifier"))?;
    let revoked = encryption(context)?
        .revoke_master_key(identifier.to_owned(), remove_previous)
        .await?;
    reply.string("keyId", &revoked.identifier);
    if let Some(name) = revoked.names.first() {
        reply.string("keyName", name);
    }
    reply.boolean("revoked", true);
    reply.boolean("previousRemoved", revoked.previous_removed);
    reply.boolean("inHistory", revoked.in_history);
    Ok(())
}
