//! `create`: a collection, explicitly.

use bson::RawDocumentBuf;
use document::ErrorCode;

use super::{Access, Command, Context, handler};
use crate::error::{CommandError, Result};
use crate::namespace;
use crate::reply::Reply;
use crate::request::Request;

pub(super) const COMMAND: Command = Command {
    name: "create",
    aliases: &[],
    help: "creates a collection",
    admin_only: false,
    stable_api: true,
    access: Access::Write,
    run: handler!(run),
};

async fn run(context: &Context<'_>, request: &Request<'_>, _: &mut Reply) -> Result<()> {
    let name = request.collection()?;
    namespace::check_writable(request.database, name)?;
    for field in request.fields() {
        let field = field?;
        match field.name {
            // What asks for nothing is taken; what would have to be enforced is not.
            "capped" if !field.bool()? => {}
            "collation" if field.is_simple_collation() => {}
            "validator" if field.document()?.is_empty() => {}
            "autoIndexId" if field.bool()? => {}
            "idIndex" => check_id_index(field.document()?)?,
            // Hints to another storage engine.
            "storageEngine" | "indexOptionDefaults" => {
                field.document()?;
            }
            "validationLevel" | "validationAction" | "size" | "max" | "flags" => {}
            "capped"
            | "collation"
            | "validator"
            | "autoIndexId"
            | "viewOn"
            | "pipeline"
            | "timeseries"
            | "expireAfterSeconds"
            | "clusteredIndex"
            | "changeStreamPreAndPostImages"
            | "encryptedFields" => {
                return Err(field.unsupported());
            }
            _ => return Err(field.unknown()),
        }
    }
    let database = context
        .server
        .store
        .database_or_create(request.database)
        .await?;
    database
        .create_collection(name, &RawDocumentBuf::new())
        .await?;
    Ok(())
}

/// The index on `_id` is always the same one.
fn check_id_index(specification: &bson::RawDocument) -> Result<()> {
    let key = specification.get_document("key").ok();
    if key.is_some_and(|key| key == &*bson::rawdoc! { "_id": 1 }) {
        return Ok(());
    }
    Err(CommandError::new(
        ErrorCode::BadValue,
        "The field 'key' for an _id index must be {_id: 1}",
    ))
}
