//! `dbStats` and `collStats`: how much there is.

use super::{Access, Command, Context, handler};
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
    access: Access::Read,
    run: handler!(database),
};

pub(super) const COLLECTION: Command = Command {
    name: "collStats",
    aliases: &["collstats"],
    help: "tells how much a collection holds",
    admin_only: false,
    stable_api: false,
    access: Access::Read,
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
    let (mut collections, mut indexes, mut objects, mut bytes, mut on_disk) = (0, 0, 0, 0, 0);
    if let Some(database) = context.server.store.database(request.database).await? {
        for collection in database.collections() {
            collections += 1;
            indexes += collection.all_indexes().len() as u64;
            objects += collection.count();
            bytes += collection.data_bytes();
        }
        on_disk = database.size_on_disk().await?;
    }
    reply.string("db", request.database);
    reply.int64("collections", collections);
    reply.int64("views", 0);
    reply.int64("objects", to_i64(objects));
    reply.double("avgObjSize", average(bytes, objects));
    reply.double("dataSize", (bytes / scale) as f64);
    reply.double("storageSize", (on_disk / scale) as f64);
    reply.int64("indexes", to_i64(indexes));
    reply.double("totalSize", (on_disk / scale) as f64);
    reply.int64("scaleFactor", to_i64(scale));
    Ok(())
}

async fn collection(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let name = request.collection()?;
    let scale = scale(request)?;
    let database = context.server.store.database(request.database).await?;
    let collection = database.and_then(|database| database.collection(name));
    let (count, bytes, indexes) = collection.map_or((0, 0, 0), |collection| {
        (
            collection.count(),
            collection.data_bytes(),
            collection.all_indexes().len() as u64,
        )
    });
    reply.string("ns", &format!("{}.{name}", request.database));
    reply.int64("size", to_i64(bytes / scale));
    reply.int64("count", to_i64(count));
    reply.int64("avgObjSize", average(bytes, count) as i64);
    reply.boolean("capped", false);
    reply.int64("nindexes", to_i64(indexes));
    reply.int64("scaleFactor", to_i64(scale));
    Ok(())
}

fn average(bytes: u64, objects: u64) -> f64 {
    if objects == 0 {
        0.0
    } else {
        bytes as f64 / objects as f64
    }
}

fn to_i64(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
