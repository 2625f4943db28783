//! `listIndexes`.

use document::ErrorCode;

use super::{Access, Command, Context, handler};
use crate::cursor::{self, CursorOptions, Documents};
use crate::error::{CommandError, Result};
use crate::reply::Reply;
use crate::request::Request;

pub(super) const COMMAND: Command = Command {
    name: "listIndexes",
    aliases: &[],
    help: "lists the indexes of a collection",
    admin_only: false,
    stable_api: true,
    access: Access::Read,
    run: handler!(run),
};

async fn run(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let name = request.collection()?;
    let mut options = CursorOptions::default();
    for field in request.fields() {
        let field = field?;
        match field.name {
            "cursor" => options = CursorOptions::parse(&field)?,
            "includeBuildUUIDs" | "includeIndexBuildInfo" if !field.bool()? => {}
            "includeBuildUUIDs" | "includeIndexBuildInfo" => return Err(field.unsupported()),
            _ => return Err(field.unknown()),
        }
    }
    let namespace = format!("{}.{name}", request.database);
    let database = context.server.store.database(request.database).await?;
    let collection = database
        .and_then(|database| database.collection(name))
        .ok_or_else(|| {
            CommandError::new(
                ErrorCode::NamespaceNotFound,
                format!("ns does not exist: {namespace}"),
            )
        })?;
    let documents = collection
        .all_indexes()
        .iter()
        .map(|index| index.spec().document.clone())
        .collect();
    let source = Box::new(Documents::new(documents));
    cursor::answer(context, request, reply, namespace, source, options).await
}
