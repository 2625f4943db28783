//! A dbpath with data in it, encrypted and not.

use std::fs;
use std::path::Path;
use std::time::Duration;

use bson::{RawBsonRef, rawdoc};
use keystore::FILE_NAME;
use storage::{Durability, Store};

use super::support::*;
use crate::exit::ExitStatus;
use crate::run;
use crate::startup::{Opened, open};

/// Words that stand in the data and in the names of its collection and database.
const WORDS: [&str; 3] = ["payroll", "employees", "Confidential"];

async fn open_store_at(dbpath: &Path, opened: &Opened) -> Store {
    let commit_interval = Duration::from_millis(100);
    run::open_store(dbpath, opened, commit_interval)
        .await
        .unwrap()
}

async fn write(store: &Store) {
    let [database, collection, value] = WORDS;
    let database = store.database_or_create(database).await.unwrap();
    database.collection_or_create(collection).await.unwrap();
    let document = rawdoc! { "_id": 1, "note": value };
    database
        .retry_write(collection, Durability::Immediate, |txn, collection| {
            txn.insert(collection, &document)?;
            Ok::<_, storage::Error>(())
        })
        .await
        .unwrap();
}

async fn read(store: &Store) -> String {
    let [database, collection, _] = WORDS;
    let database = store.database(database).await.unwrap().unwrap();
    let collection = database.collection(collection).unwrap();
    let snapshot = database.snapshot().unwrap();
    let document = snapshot
        .get(&collection, RawBsonRef::Int32(1))
        .unwrap()
        .unwrap();
    document.get_str("note").unwrap().to_owned()
}

/// Which of the words lie in a file, or in a file's name, below the dbpath.
fn words_in_clear(dbpath: &Path) -> Vec<&'static str> {
    let files = snapshot(dbpath);
    let mut found = WORDS.to_vec();
    found.retain(|word| {
        files.iter().any(|(path, content)| {
            let in_name = path.to_string_lossy().contains(word);
            in_name
                || content
                    .windows(word.len())
                    .any(|window| window == word.as_bytes())
        })
    });
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_lies_under_the_keystore() {
    let world = World::new().await;
    let opened = world.open(world.kmip()).await.unwrap();
    let store = open_store_at(&world.dbpath(), &opened).await;
    write(&store).await;
    store.close().await.unwrap();
    drop(opened);
    assert_eq!(words_in_clear(&world.dbpath()), Vec::<&str>::new());

    world
        .refused(None, ExitStatus::DbpathEncrypted, &["--enableEncryption"])
        .await;
    let opened = world.open(world.kmip()).await.unwrap();
    assert!(!opened.fresh);
    let keystore = opened.keystore.clone().unwrap();
    let store = open_store_at(&world.dbpath(), &opened).await;
    assert_eq!(read(&store).await, WORDS[2]);

    let trees = keystore.tree_ids().len();
    store.drop_database(WORDS[0]).await.unwrap();
    assert_eq!(
        keystore.tree_ids().len(),
        trees - 1,
        "its data key is destroyed"
    );
    store.close().await.unwrap();
    drop((opened, keystore));

    fs::rename(world.dbpath().join(FILE_NAME), world.path("backup")).unwrap();
    for options in [None, Some(&encrypted(world.kmip()))] {
        world
            .refused(
                options,
                ExitStatus::KeystoreCorrupt,
                &["keystore", "missing"],
            )
            .await;
    }
    fs::rename(world.path("backup"), world.dbpath().join(FILE_NAME)).unwrap();
    world.open(world.kmip()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn data_in_clear_stays_in_clear() {
    let world = World::new().await;
    let opened = open(&world.dbpath(), None).await.unwrap();
    let store = open_store_at(&world.dbpath(), &opened).await;
    write(&store).await;
    store.close().await.unwrap();
    drop(opened);
    // The search finds what is there to be found.
    assert_eq!(words_in_clear(&world.dbpath()), WORDS);

    let options = key_file(world.path("key"));
    for options in [encrypted(world.kmip()), options] {
        let expected = ["not encrypted", "--enableEncryption"];
        world
            .refused(Some(&options), ExitStatus::DbpathNotEncrypted, &expected)
            .await;
    }
    let opened = open(&world.dbpath(), None).await.unwrap();
    assert!(!opened.fresh && opened.keystore.is_none());
    let store = open_store_at(&world.dbpath(), &opened).await;
    assert_eq!(read(&store).await, WORDS[2]);
    store.close().await.unwrap();
}
