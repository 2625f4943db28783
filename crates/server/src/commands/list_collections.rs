//! `listCollections`.

use bson::spec::BinarySubtype;
use bson::{RawDocumentBuf, rawdoc};
use query::filter::Matcher;
use storage::Collection;

use super::{Access, Command, Context, handler};
use crate::cursor::{self, CursorOptions, Documents};
use crate::error::Result;
use crate::reply::Reply;
use crate::request::Request;

pub(super) const COMMAND: Command = Command {
    name: "listCollections",
    aliases: &[],
    help: "lists the collections of a database",
    admin_only: false,
    stable_api: true,
    access: Access::Read,
    run: handler!(run),
};

async fn run(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let mut name_only = false;
    let mut filter = None;
    let mut options = CursorOptions::default();
    for field in request.fields() {
        let field = field?;
        match field.name {
            "nameOnly" => name_only = field.bool()?,
            "filter" => filter = Some(Matcher::parse(field.document()?)?),
            "cursor" => options = CursorOptions::parse(&field)?,
            "authorizedCollections" => {
                field.bool()?;
            }
            _ => return Err(field.unknown()),
        }
    }
    let mut documents = Vec::new();
    if let Some(database) = context.server.store.database(request.database).await? {
        for collection in database.collections() {
            let entry = describe(&collection, name_only);
            let listed = match &filter {
                Some(filter) => filter.matches(&entry)?,
                None => true,
            };
            if listed {
                documents.push(entry);
            }
        }
    }
    let namespace = format!("{}.$cmd.listCollections", request.database);
    let source = Box::new(Documents::new(documents));
    cursor::answer(context, request, reply, namespace, source, options).await
}

fn describe(collection: &Collection, name_only: bool) -> RawDocumentBuf {
    if name_only {
        return rawdoc! { "name": collection.name(), "type": "collection" };
    }
    let uuid = bson::Binary {
        subtype: BinarySubtype::Uuid,
        bytes: collection.uuid().as_bytes().to_vec(),
    };
    let id_index = rawdoc! { "v": 2, "key": { "_id": 1 }, "name": "_id_" };
    rawdoc! {
        "name": collection.name(),
        "type": "collection",
        "options": collection.options().to_owned(),
        "info": { "readOnly": false, "uuid": uuid },
        "idIndex": id_index,
    }
}
