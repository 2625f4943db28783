//! What is in the files: everything in clear, nothing when they are encrypted.

use std::path::Path;

use bson::doc;
use storage::Durability;

use crate::support::{Fixture, insert, raw, spec};

/// Names and values that stand out.
const SECRETS: [&str; 6] = [
    "databasenamezq",
    "collectionnamezq",
    "fieldnamezq",
    "stringvaluezq",
    "indexnamezq",
    "identifierzq",
];

fn occurrences(path: &Path, needle: &str, found: &mut usize) {
    for entry in std::fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        *found += usize::from(name.to_string_lossy().contains(needle));
        if entry.file_type().unwrap().is_dir() {
            occurrences(&entry.path(), needle, found);
        } else {
            let bytes = std::fs::read(entry.path()).unwrap();
            *found += bytes
                .windows(needle.len())
                .filter(|w| *w == needle.as_bytes())
                .count();
        }
    }
}

#[tokio::test]
async fn nothing_is_in_clear() {
    for encrypted in [false, true] {
        let fixture = Fixture::new(encrypted);
        let store = fixture.open().await;
        let database = store.database_or_create("databasenamezq").await.unwrap();
        let document =
            |i: i32| doc! { "_id": format!("identifierzq{i}"), "fieldnamezq": "stringvaluezq" };
        let documents: Vec<_> = (0..500).map(document).collect();
        insert(&database, "collectionnamezq", &documents).await;
        let index = doc! { "key": { "fieldnamezq": 1 }, "name": "indexnamezq" };
        database
            .create_indexes("collectionnamezq", &[spec(index)])
            .await
            .unwrap();
        let check = |when: &str| {
            for secret in SECRETS {
                let mut found = 0;
                occurrences(fixture.directory.path(), secret, &mut found);
                assert_eq!(found == 0, encrypted, "{secret}, {when}: {found}");
            }
        };
        store.sync_all().await.unwrap();
        check("in the log");
        store.close().await.unwrap();
        check("closed");
        let mut tables = 0;
        occurrences(fixture.directory.path(), ".sst", &mut tables);
        assert!(tables > 0, "there is nothing but the log");
        // A key that is dropped leaves what it sealed as noise; a tree that is dropped, nothing.
        let store = fixture.open().await;
        let database = store.database("databasenamezq").await.unwrap().unwrap();
        let mut txn = database.begin().unwrap();
        let c = txn.collection_for_write("collectionnamezq").await.unwrap();
        txn.insert(&c, &raw(document(1000))).unwrap();
        txn.commit(Durability::Immediate).await.unwrap();
        drop(database);
        store.drop_database("databasenamezq").await.unwrap();
        store.close().await.unwrap();
        let mut found = 0;
        occurrences(fixture.directory.path(), "stringvaluezq", &mut found);
        assert_eq!(found, 0);
    }
}
