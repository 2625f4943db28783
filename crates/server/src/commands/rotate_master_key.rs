//! `rotateMasterKey`: another master key for the server, or for a database that has one of its own.

use std::sync::Arc;

use document::ErrorCode;
use keystore::rotation::Origin;
use keystore::{MasterKeyRef, TreeId};

use super::{Access, Command, Context, handler};
use crate::emit;
use crate::encryption::{DatabaseKey, Encryption};
use crate::error::{CommandError, Result};
use crate::field::Field;
use crate::log::events;
use crate::namespace;
use crate::reply::Reply;
use crate::request::Request;

pub(super) const COMMAND: Command = Command {
    name: "rotateMasterKey",
    aliases: &[],
    help: "puts the keystore, or a database with a master key of its own, under another master key",
    admin_only: true,
    stable_api: false,
    access: Access::Read,
    run: handler!(run),
};

/// What is asked for.
#[derive(Default)]
struct Arguments<'a> {
    key_identifier: Option<&'a str>,
    database: Option<&'a str>,
    data_keys: bool,
    rewrite: bool,
    revoke_old_key: bool,
}

async fn run(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let mut arguments = Arguments::default();
    for field in request.fields() {
        let field = field?;
        match field.name {
            "keyIdentifier" => arguments.key_identifier = Some(key_identifier(&field)?),
            "database" => {
                let name = field.string()?;
                namespace::check_database(name)?;
                arguments.database = Some(name);
            }
            "dataKeys" => arguments.data_keys = field.bool()?,
            "rewrite" => arguments.rewrite = field.bool()?,
            "revokeOldKey" => arguments.revoke_old_key = field.bool()?,
            _ => return Err(field.unknown()),
        }
    }
    if arguments.rewrite && !arguments.data_keys {
        return Err(CommandError::bad_value(
            "'rotateMasterKey.rewrite' needs 'dataKeys: true': there is nothing to rewrite data under",
        ));
    }
    let encryption = encryption(context)?;
    let identifier = arguments.key_identifier.map(str::to_owned);
    let revoke = arguments.revoke_old_key;
    let trees = match arguments.database {
        None => {
            let done = encryption.rotate(identifier, revoke).await?;
            let rotated = &done.rotated;
            keys(reply, Some(&rotated.old), Some(&rotated.new));
            reply.string("origin", origin(rotated.origin));
            revoked(reply, done.old_revoked);
            context.server.store.trees()
        }
        Some(name) => {
            let tree = tree_of(context, name)?;
            let to = identifier.map_or(DatabaseKey::Next, DatabaseKey::Given);
            let own = encryption.keystore().tree_master_key(tree);
            if own.is_ok_and(|own| own.is_none()) {
                return Err(crate::encryption::KeyChangeError::NoOwnKey.into());
            }
            let done = encryption.change_database_key(tree, to, revoke).await?;
            reply.string("database", name);
            keys(reply, done.old.as_ref(), done.new.as_ref());
            revoked(reply, done.old_revoked);
            vec![storage::TreeId(tree.0)]
        }
    };
    if arguments.data_keys {
        data_keys(context, trees, arguments.rewrite, reply).await;
    }
    Ok(())
}

/// The encryption, or why there are no keys to change.
pub(super) fn encryption<'a>(context: &'a Context<'_>) -> Result<&'a Arc<Encryption>> {
    context.server.start_up.encryption.as_ref().ok_or_else(|| {
        CommandError::new(
            ErrorCode::IllegalOperation,
            "the data is not encrypted (security.enableEncryption): there are no keys",
        )
    })
}

/// A unique identifier or Name, as KMIP has them.
pub(super) fn key_identifier<'a>(field: &Field<'a>) -> Result<&'a str> {
    let identifier = field.string()?;
    match identifier.trim().is_empty() {
        true => Err(CommandError::bad_value(format!(
            "'{}.keyIdentifier' must not be empty",
            field.place
        ))),
        false => Ok(identifier),
    }
}

/// The tree of a database that is there.
pub(super) fn tree_of(context: &Context<'_>, name: &str) -> Result<TreeId> {
    let tree = context.server.store.tree_of(name);
    let tree = tree.ok_or_else(|| {
        CommandError::new(
            ErrorCode::NamespaceNotFound,
            format!("there is no database {name}"),
        )
    })?;
    Ok(TreeId(tree.0))
}

/// Old and new key, as the answer has them.
pub(super) fn keys(reply: &mut Reply, old: Option<&MasterKeyRef>, new: Option<&MasterKeyRef>) {
    for (field, key) in [("oldKeyId", old), ("newKeyId", new)] {
        match key.and_then(|key| key.identifier.as_deref()) {
            Some(identifier) => reply.string(field, identifier),
            // A key file, or the key of the server.
            None => reply.null(field),
        }
    }
    if let Some(new) = new {
        if let Some(name) = &new.name {
            reply.string("newKeyName", name);
        }
        reply.int64("generation", i64::from(new.generation));
    }
}

pub(super) fn revoked(reply: &mut Reply, revoked: Option<Result<(), String>>) {
    match revoked {
        None => {}
        Some(Ok(())) => reply.boolean("oldKeyRevoked", true),
        Some(Err(reason)) => {
            reply.boolean("oldKeyRevoked", false);
            reply.string("revokeError", &reason);
        }
    }
}

fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Created => "created",
        Origin::FoundAgain => "foundAgain",
        _ => "given",
    }
}

/// Gives each tree a further data key. The master key is another one already, so what fails is counted
/// and told, and is no error of the command.
async fn data_keys(
    context: &Context<'_>,
    trees: Vec<storage::TreeId>,
    rewrite: bool,
    reply: &mut Reply,
) {
    let store = &context.server.store;
    let (mut rotated, mut locked, mut failed) = (0_i32, 0_i32, 0_i32);
    let mut to_rewrite = Vec::new();
    let mut error = None;
    for tree in trees {
        match store.rotate_data_key(tree).await {
            Ok(_) => {
                rotated += 1;
                to_rewrite.push(tree);
            }
            Err(storage::Error::Locked { .. }) => locked += 1,
            // Dropped meanwhile.
            Err(storage::Error::Refused {
                code: ErrorCode::DatabaseNotFound,
                ..
            }) => {}
            Err(other) => {
                failed += 1;
                emit!(events::DATA_KEY_NOT_ROTATED, %tree, error = %other);
                error = Some(other.to_string());
            }
        }
    }
    emit!(events::DATA_KEYS_ROTATED, rotated, locked, failed);
    if !rewrite {
        to_rewrite.clear();
    }
    if let Some(encryption) = &context.server.start_up.encryption {
        encryption.data_keys_changed(&to_rewrite);
    }
    reply.begin_document("dataKeys");
    reply.int32("rotated", rotated);
    reply.int32("locked", locked);
    reply.int32("failed", failed);
    if rewrite {
        // They were among those that are counted above.
        reply.int32("rewriting", rotated);
    }
    if let Some(error) = error {
        reply.string("error", &error);
    }
    reply.end();
}
