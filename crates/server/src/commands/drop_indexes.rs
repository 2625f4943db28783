//! `dropIndexes`: by name, by key pattern, several, or all but the one on `_id`.

use std::sync::Arc;

use bson::RawBsonRef;
use document::ErrorCode;
use storage::Collection;

use super::{Access, Command, Context, handler};
use crate::error::{CommandError, Result};
use crate::field::{self, Field};
use crate::reply::Reply;
use crate::request::Request;

pub(super) const COMMAND: Command = Command {
    name: "dropIndexes",
    aliases: &["deleteIndexes"],
    help: "drops indexes of a collection",
    admin_only: false,
    stable_api: true,
    access: Access::Write,
    run: handler!(run),
};

async fn run(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let name = request.collection()?;
    let mut which = None;
    for field in request.fields() {
        let field = field?;
        match field.name {
            "index" => which = Some(field),
            _ => return Err(field.unknown()),
        }
    }
    let which = which.ok_or_else(|| field::missing("dropIndexes", "index"))?;
    let not_found = || {
        CommandError::new(
            ErrorCode::NamespaceNotFound,
            format!("ns not found {}.{name}", request.database),
        )
    };
    let database = context
        .server
        .store
        .database(request.database)
        .await?
        .ok_or_else(not_found)?;
    let collection = database.collection(name).ok_or_else(not_found)?;
    let all = which.value == RawBsonRef::String("*");
    // All that are named are found before the first is dropped.
    let names = names(&collection, &which)?;
    for index in &names {
        database.drop_index(name, index).await?;
    }
    let before = i32::try_from(collection.all_indexes().len()).unwrap_or(i32::MAX);
    reply.int32("nIndexesWas", before);
    if all {
        reply.string("msg", "non-_id indexes dropped for collection");
    }
    Ok(())
}

fn names(collection: &Arc<Collection>, which: &Field<'_>) -> Result<Vec<String>> {
    match which.value {
        RawBsonRef::String("*") => Ok(collection
            .all_indexes()
            .iter()
            .filter(|index| !index.is_id_index())
            .map(|index| index.name().to_owned())
            .collect()),
        RawBsonRef::String(name) => Ok(vec![by_name(collection, name)?]),
        RawBsonRef::Array(names) => names
            .into_iter()
            .map_while(Result::ok)
            .map(|name| match name {
                RawBsonRef::String(name) => by_name(collection, name),
                _ => Err(which.wrong_type("string")),
            })
            .collect(),
        RawBsonRef::Document(pattern) => {
            let mut found = collection
                .all_indexes()
                .iter()
                .filter(|index| index.spec().key_pattern() == pattern);
            match (found.next(), found.next()) {
                (Some(index), None) => Ok(vec![by_name(collection, index.name())?]),
                (Some(_), Some(_)) => Err(CommandError::new(
                    ErrorCode::AmbiguousIndexKeyPattern,
                    format!(
                        "several indexes have the key pattern {}: drop one by its name",
                        crate::render::document(pattern)
                    ),
                )),
                (None, _) => Err(CommandError::new(
                    ErrorCode::IndexNotFound,
                    format!(
                        "can't find index with key: {}",
                        crate::render::document(pattern)
                    ),
                )),
            }
        }
        _ => Err(which.wrong_type("string, object, array")),
    }
}

fn by_name(collection: &Collection, name: &str) -> Result<String> {
    match collection.index(name) {
        Some(index) if index.is_id_index() => Err(CommandError::new(
            ErrorCode::InvalidOptions,
            "cannot drop _id index",
        )),
        Some(index) => Ok(index.name().to_owned()),
        None => Err(CommandError::new(
            ErrorCode::IndexNotFound,
            format!("index not found with name [{}]", name.escape_debug()),
        )),
    }
}
