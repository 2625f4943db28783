//! `listDatabases`.

use bson::rawdoc;
use query::filter::Matcher;

use super::{Access, Command, Context, handler};
use crate::error::Result;
use crate::reply::Reply;
use crate::request::Request;

pub(super) const COMMAND: Command = Command {
    name: "listDatabases",
    aliases: &[],
    help: "lists the databases",
    admin_only: true,
    stable_api: true,
    access: Access::Read,
    run: handler!(run),
};

async fn run(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let mut name_only = false;
    let mut filter = None;
    for field in request.fields() {
        let field = field?;
        match field.name {
            "nameOnly" => name_only = field.bool()?,
            "filter" => filter = Some(Matcher::parse(field.document()?)?),
            "authorizedDatabases" => {
                field.bool()?;
            }
            _ => return Err(field.unknown()),
        }
    }
    let store = &context.server.store;
    let mut total = 0_u64;
    reply.begin_array("databases");
    for name in store.databases() {
        let entry = if name_only {
            rawdoc! { "name": name }
        } else {
            // A database that is dropped meanwhile is not listed; one whose key is lost is, and
            // whether it is empty nobody knows.
            let (size, empty) = match store.database(&name).await {
                Ok(Some(database)) => {
                    let size = database.size_on_disk().await?;
                    (size, database.collections().is_empty())
                }
                Ok(None) => continue,
                Err(storage::Error::Locked { .. }) => match store.size_on_disk(&name).await? {
                    Some(size) => (size, false),
                    None => continue,
                },
                Err(error) => return Err(error.into()),
            };
            total += size;
            let size = i64::try_from(size).unwrap_or(i64::MAX);
            rawdoc! { "name": name, "sizeOnDisk": size, "empty": empty }
        };
        let listed = match &filter {
            Some(filter) => filter.matches(&entry)?,
            None => true,
        };
        if listed {
            reply.element_document(entry.as_bytes());
        }
    }
    reply.end();
    if !name_only {
        reply.int64("totalSize", i64::try_from(total).unwrap_or(i64::MAX));
        reply.int64(
            "totalSizeMb",
            i64::try_from(total >> 20).unwrap_or(i64::MAX),
        );
    }
    Ok(())
}
