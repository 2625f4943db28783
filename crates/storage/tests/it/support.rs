//! What the tests share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bson::raw::RawBson;
use bson::{Bson, Document, RawDocument, RawDocumentBuf};
use storage::keys::{DataKeys, KeyError, KeyRing, TreeId};
use storage::{
    Database, Direction, Durability, Encryption, Error, IndexBounds, IndexSpec, PartialFilter,
    Snapshot, Store, StoreOptions,
};
use zeroize::Zeroizing;

/// A data key of a test.
pub(crate) struct TestKey(pub(crate) [u8; 32]);

impl DataKeys for TestKey {
    fn active(&self) -> u32 {
        1
    }

    fn key(&self, id: u32) -> Option<Zeroizing<[u8; 32]>> {
        (id == 1).then(|| Zeroizing::new(self.0))
    }
}

/// A key ring in memory, which outlives the stores that a test opens with it.
#[derive(Default)]
pub(crate) struct TestRing {
    pub(crate) keys: Mutex<HashMap<TreeId, [u8; 32]>>,
}

impl KeyRing for TestRing {
    fn create(&self, tree: TreeId) -> Result<Arc<dyn DataKeys>, KeyError> {
        let mut key = [0; 32];
        key[..16].copy_from_slice(&tree.0);
        key[16..].copy_from_slice(&TreeId::random()?.0);
        self.keys.lock().unwrap().insert(tree, key);
        Ok(Arc::new(TestKey(key)))
    }

    fn lookup(&self, tree: TreeId) -> Result<Option<Arc<dyn DataKeys>>, KeyError> {
        let keys = self.keys.lock().unwrap();
        Ok(keys
            .get(&tree)
            .map(|&key| Arc::new(TestKey(key)) as Arc<dyn DataKeys>))
    }

    fn rotate(&self, _: TreeId) -> Result<u32, KeyError> {
        Err("this ring has one key for each tree".into())
    }

    fn destroy(&self, tree: TreeId) -> Result<(), KeyError> {
        self.keys.lock().unwrap().remove(&tree);
        Ok(())
    }

    fn trees(&self) -> Result<Vec<TreeId>, KeyError> {
        Ok(self.keys.lock().unwrap().keys().copied().collect())
    }
}

/// A store in a directory of its own.
pub(crate) struct Fixture {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) ring: Option<Arc<TestRing>>,
    pub(crate) options: StoreOptions,
}

impl Fixture {
    pub(crate) fn new(encrypted: bool) -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            ring: encrypted.then(Arc::default),
            options: StoreOptions {
                cache_bytes: 32 << 20,
                // Small, so that what is tested is in files as well.
                memtable_bytes: 32 << 10,
                partial_filters: Some(Arc::new(|expression| {
                    // {a: value}: equality, for the tests.
                    let (name, value) = expression
                        .iter()
                        .next()
                        .ok_or("empty")?
                        .map_err(|error| error.to_string())?;
                    let filter = Equality(name.as_str().to_owned(), value.into());
                    Ok(Arc::new(filter) as Arc<dyn PartialFilter>)
                })),
                ..StoreOptions::default()
            },
        }
    }

    pub(crate) fn encryption(&self) -> Encryption {
        match &self.ring {
            Some(ring) => Encryption::Keys(Arc::clone(ring) as Arc<dyn KeyRing>),
            None => Encryption::None,
        }
    }

    pub(crate) async fn open(&self) -> Store {
        self.try_open().await.unwrap()
    }

    pub(crate) async fn try_open(&self) -> storage::Result<Store> {
        Store::open(
            self.directory.path(),
            self.encryption(),
            self.options.clone(),
        )
        .await
    }
}

struct Equality(String, RawBson);

impl PartialFilter for Equality {
    fn matches(&self, document: &RawDocument) -> bool {
        document
            .get(&self.0)
            .ok()
            .flatten()
            .is_some_and(|value| document::compare::equal(value, self.1.as_raw_bson_ref()))
    }
}

/// A raw document.
pub(crate) fn raw(document: Document) -> RawDocumentBuf {
    RawDocumentBuf::try_from(&document).unwrap()
}

/// The specification of an index.
pub(crate) fn spec(document: Document) -> IndexSpec {
    let mut document = document;
    if !document.contains_key("name") {
        let key = document.get_document("key").unwrap();
        let parts: Vec<_> = key
            .iter()
            .map(|(path, value)| format!("{path}_{value}"))
            .collect();
        document.insert("name", parts.join("_"));
    }
    IndexSpec::parse(&raw(document)).unwrap()
}

/// Inserts documents into a collection, which is created if it is not there.
pub(crate) async fn insert(database: &Database, collection: &str, documents: &[Document]) {
    database.collection_or_create(collection).await.unwrap();
    database
        .retry_write(collection, Durability::Eventual, |txn, collection| {
            for document in documents {
                txn.insert(collection, &raw(document.clone()))?;
            }
            Ok::<_, Error>(())
        })
        .await
        .unwrap();
}

/// The documents of a collection in the order of `_id`.
pub(crate) fn all(database: &Database, collection: &str) -> Vec<Document> {
    let snapshot = database.snapshot().unwrap();
    let collection = snapshot.collection(collection).unwrap();
    let mut records = snapshot
        .scan(&collection, Direction::Forward, None)
        .unwrap();
    let mut documents = Vec::new();
    while let Some(record) = records.next().unwrap() {
        documents.push(record.document.try_into().unwrap());
    }
    documents
}

/// The documents that an index leads to.
pub(crate) fn by_index(
    snapshot: &Snapshot,
    collection: &str,
    index: &str,
    bounds: &IndexBounds,
    direction: Direction,
) -> Vec<Document> {
    let collection = snapshot.collection(collection).unwrap();
    let index = collection.index(index).unwrap();
    let mut records = snapshot
        .scan_index(&collection, index, bounds, direction, None)
        .unwrap();
    let mut documents = Vec::new();
    while let Some((_, document)) = records.next().unwrap() {
        documents.push((&*document).try_into().unwrap());
    }
    documents
}

/// The `_id`s of documents.
pub(crate) fn ids(documents: &[Document]) -> Vec<Bson> {
    documents
        .iter()
        .map(|document| document.get("_id").unwrap().clone())
        .collect()
}
