//! `renameCollection`, within a database.

use bson::RawBsonRef;
use document::ErrorCode;

use super::{Access, Command, Context, handler};
use crate::error::{CommandError, Result};
use crate::field::{self, Field};
use crate::namespace;
use crate::reply::Reply;
use crate::request::Request;

pub(super) const COMMAND: Command = Command {
    name: "renameCollection",
    aliases: &[],
    help: "gives a collection another name",
    admin_only: true,
    stable_api: false,
    access: Access::Write,
    run: handler!(run),
};

async fn run(context: &Context<'_>, request: &Request<'_>, _: &mut Reply) -> Result<()> {
    let from = Field {
        place: request.command,
        name: request.command,
        value: request.target,
    };
    let (from_database, from) = split(from.string()?)?;
    let mut to = None;
    let mut drop_target = false;
    for field in request.fields() {
        let field = field?;
        match (field.name, field.value) {
            ("to", RawBsonRef::String(name)) => to = Some(split(name)?),
            ("dropTarget", _) => drop_target = field.bool()?,
            ("stayTemp", _) => {
                field.bool()?;
            }
            ("to", _) => return Err(field.wrong_type("string")),
            _ => return Err(field.unknown()),
        }
    }
    let (to_database, to) = to.ok_or_else(|| field::missing("renameCollection", "to"))?;
    if from_database != to_database {
        return Err(CommandError::new(
            ErrorCode::NotImplemented,
            "renaming a collection into another database is not supported: databases have data \
             keys of their own; copy the documents instead",
        ));
    }
    if from == to {
        return Err(CommandError::new(
            ErrorCode::IllegalOperation,
            "Can't rename a collection to itself",
        ));
    }
    let not_found = || {
        CommandError::new(
            ErrorCode::NamespaceNotFound,
            format!("Source collection {from_database}.{from} does not exist"),
        )
    };
    let database = context
        .server
        .store
        .database(from_database)
        .await?
        .ok_or_else(not_found)?;
    if database.collection(from).is_none() {
        return Err(not_found());
    }
    database.rename_collection(from, to, drop_target).await?;
    Ok(())
}

fn split(namespace: &str) -> Result<(&str, &str)> {
    let (database, collection) = namespace.split_once('.').ok_or_else(|| {
        CommandError::new(
            ErrorCode::InvalidNamespace,
            format!("Invalid namespace specified '{}'", namespace.escape_debug()),
        )
    })?;
    namespace::check_database(database)?;
    namespace::check_writable(database, collection)?;
    Ok((database, collection))
}
