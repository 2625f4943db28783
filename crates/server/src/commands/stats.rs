//! `dbStats` and `collStats`: how much there is.

use super::{Command, Context, handler};
use crate::error::Result;
use crate::field::Field;
use crate::reply::Reply;
use crate::request::Request;

pub(super) const DATABASE: Command = Command {
    name: "dbStats",
    aliases: &["dbstats"],
    help: "tells how much a database holds",
    admin_only: false,
    stable_api: false,
    run: handler!(database),
};

pub(super) const COLLECTION: Command = Command {
    name: "collStats",
    aliases: &["collstats"],
    help: "tells how much a collection holds",
    admin_only: false,
    stable_api: false,
    run: handler!(collection),
};

/// What sizes are divided by.
fn scale(request: &Request<'_>) -> Result<u64> {
    let mut scale = 1;
    for field in request.fields() {
        let field: Field<'_> = field?;
        match field.name {
            "scale" => scale = field.non_negative()?.max(1),
            "freeStorage" => {}
            _ => return Err(field.unknown()),
        }
    }
    Ok(scale)
}

async fn database(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let scale = scale(request)?;
    let (mut collections, mut indexes, mut objects, mut size) = (0, 0, 0_u64, 0);
    if let Some(database) = context.server.store.database(request.database).await? {
        for collection in database.collections() {
            collections += 1;
            indexes += collection.all_indexes().len();
            objects += collection.count();
        }
        size = database.size_on_disk().await?;
    }
    reply.string("db", request.database);
    reply.int64("collections", collections);
    reply.int64("views", 0);
    reply.int64("objects", to_i64(objects));
    reply.double("dataSize", (size / scale) as f64);
    reply.double("storageSize", (size / scale) as f64);
    reply.int64("indexes", i64::try_from(indexes).unwrap_or(i64::MAX));
    reply.double("totalSize", (size / scale) as f64);
    reply.int64("scaleFactor", to_i64(scale));
    Ok(())
}

async fn collection(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let name = request.collection()?;
    let scale = scale(request)?;
    reply.string("ns", &format!("{}.{name}", request.database));
    let database = context.server.store.database(request.database).await?;
    let collection = database.and_then(|database| database.collection(name));
    let count = collection
        .as_ref()
        .map_or(0, |collection| collection.count());
    let indexes = collection
        .as_ref()
        .map_or(0, |collection| collection.all_indexes().len());
    reply.int64("count", to_i64(count));
    reply.boolean("capped", false);
    reply.int64("nindexes", i64::try_from(indexes).unwrap_or(i64::MAX));
    reply.int64("scaleFactor", to_i64(scale));
    Ok(())
}

fn to_i64(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
