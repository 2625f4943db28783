//! A collection's metadata as it is stored: a BSON document.

use std::sync::Arc;

use bson::raw::cstr;
use bson::spec::BinarySubtype;
use bson::{Binary, RawArrayBuf, RawBsonRef, RawDocument, RawDocumentBuf, rawdoc};

use super::collection::{Collection, CollectionState};
use super::index::{Index, IndexState, Multikey};
use crate::error::{Error, Result};
use crate::index::{IndexSpec, PartialFilterCompiler};

/// The metadata to store.
pub(crate) fn encode(collection: &Collection) -> Vec<u8> {
    let mut indexes = RawArrayBuf::new();
    for index in collection.secondary_indexes() {
        indexes.push(rawdoc! {
            "id": i64::from(index.id),
            "spec": index.spec.document.clone(),
            "ready": index.is_ready(),
        });
    }
    let mut document = RawDocumentBuf::new();
    document.append(cstr!("name"), collection.name.as_str());
    document.append(
        cstr!("uuid"),
        Binary {
            subtype: BinarySubtype::Uuid,
            bytes: collection.uuid.as_bytes().to_vec(),
        },
    );
    document.append(cstr!("options"), collection.options.as_ref());
    document.append(cstr!("indexes"), indexes);
    document.append(cstr!("nextIndex"), i64::from(collection.next_index));
    document.into_bytes()
}

/// The metadata that was stored. `multikey` reads the flags of an index.
pub(crate) fn decode(
    id: u32,
    bytes: &[u8],
    database: &str,
    state: CollectionState,
    compiler: Option<&PartialFilterCompiler>,
    multikey: impl Fn(u32) -> Result<u64>,
) -> Result<Collection> {
    let damaged = || Error::Corruption(format!("the metadata of collection number {id}"));
    let document = RawDocument::from_bytes(bytes).map_err(|_| damaged())?;
    let name = document.get_str("name").map_err(|_| damaged())?.to_owned();
    let uuid = document.get_binary("uuid").map_err(|_| damaged())?;
    let uuid = uuid::Uuid::from_slice(uuid.bytes).map_err(|_| damaged())?;
    let options = document
        .get_document("options")
        .map_err(|_| damaged())?
        .to_owned();
    let mut indexes = vec![Arc::new(Index::id_index())];
    for index in document.get_array("indexes").map_err(|_| damaged())? {
        let Ok(RawBsonRef::Document(index)) = index else {
            return Err(damaged());
        };
        let id = index
            .get_i64("id")
            .ok()
            .and_then(|id| u32::try_from(id).ok());
        let id = id.ok_or_else(damaged)?;
        let spec = IndexSpec::parse(index.get_document("spec").map_err(|_| damaged())?)?;
        let partial = compile(&spec, compiler)?;
        let ready = index.get_bool("ready").map_err(|_| damaged())?;
        indexes.push(Arc::new(Index {
            id,
            spec,
            state: if ready {
                IndexState::Ready
            } else {
                IndexState::Building
            },
            partial,
            multikey: Arc::new(Multikey::new(multikey(id)?)),
        }));
    }
    let next_index = document.get_i64("nextIndex").map_err(|_| damaged())?;
    Ok(Collection {
        id,
        namespace: format!("{database}.{name}"),
        name,
        uuid,
        options,
        indexes,
        next_index: u32::try_from(next_index).map_err(|_| damaged())?,
        state: Arc::new(state),
    })
}

/// The filter of a partial index.
pub(crate) fn compile(
    spec: &IndexSpec,
    compiler: Option<&PartialFilterCompiler>,
) -> Result<Option<Arc<dyn crate::index::PartialFilter>>> {
    use document::ErrorCode;
    let Some(expression) = &spec.partial_filter_expression else {
        return Ok(None);
    };
    let compiler = compiler.ok_or_else(|| {
        Error::refused(
            ErrorCode::CannotCreateIndex,
            "partial indexes are not supported here",
        )
    })?;
    compiler(expression).map(Some).map_err(|reason| {
        Error::refused(
            ErrorCode::CannotCreateIndex,
            format!("partialFilterExpression of index '{}': {reason}", spec.name),
        )
    })
}
