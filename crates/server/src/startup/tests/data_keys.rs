//! Data keys in the life of a dbpath: needed no more, destroyed, and not to be had again.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bson::rawdoc;
use keystore::{FILE_NAME, Keystore, PREVIOUS_FILE_NAME};
use storage::{Durability, Store};

use super::databases::{close, store, tree};
use super::support::*;
use crate::run;
use crate::startup::open;

async fn fill(store: &Store, name: &str, from: i32) {
    let database = store.database_or_create(name).await.unwrap();
    database.collection_or_create("c").await.unwrap();
    for id in from..from + 20 {
        let document = rawdoc! { "_id": id, "pad": "p".repeat(100) };
        database
            .retry_write("c", Durability::Immediate, |txn, collection| {
                txn.insert(collection, &document)?;
                Ok::<_, storage::Error>(())
            })
            .await
            .unwrap();
    }
}

async fn count(store: &Store, name: &str) -> u64 {
    let database = store.database(name).await.unwrap().unwrap();
    let collection = database.collection("c").unwrap();
    let snapshot = database.snapshot().unwrap();
    let ids = 0..1000;
    let found = ids.filter(|id| {
        let document = snapshot.get(&collection, bson::RawBsonRef::Int32(*id));
        document.unwrap().is_some()
    });
    found.count() as u64
}

#[tokio::test(flavor = "multi_thread")]
async fn old_data_keys_are_destroyed_once_nothing_is_under_them() {
    let world = World::new().await;
    let opened = world.open(world.kmip()).await.unwrap();
    let store_ = store(&world, &opened).await;
    let encryption = Arc::clone(opened.encryption.as_ref().unwrap());
    let keystore = Arc::clone(encryption.keystore());
    for name in ["one", "two"] {
        fill(&store_, name, 0).await;
    }
    let _watch = encryption.watch_databases(store_.clone());
    let trees = store_.trees();
    // In tables, so that the old keys are needed.
    for tree in &trees {
        store_.rewrite(*tree).await.unwrap();
    }
    for tree in &trees {
        store_.rotate_data_key(*tree).await.unwrap();
    }
    assert_eq!(keystore.info().data_keys, 2 * trees.len());
    assert_eq!(encryption.retire_data_keys(&store_).await, 0, "needed");
    for name in ["one", "two"] {
        fill(&store_, name, 20).await;
    }
    // Asked to, the server does it beside the requests.
    encryption.data_keys_changed(&trees);
    while keystore.info().data_keys > trees.len() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    while encryption.status().trees_to_rewrite > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(keystore.trees_with_old_data_keys().is_empty());
    for tree in &trees {
        let tree = keystore::TreeId(tree.0);
        assert_eq!(keystore.key_state(tree, 1), None);
        assert_eq!(keystore.active_key_id(tree), Some(2));
    }
    drop(keystore);
    drop(encryption);
    drop(_watch);
    close(opened, store_).await;
    let opened = world.open(world.kmip()).await.unwrap();
    let store_ = store(&world, &opened).await;
    for name in ["one", "two"] {
        assert_eq!(count(&store_, name).await, 40);
    }
    close(opened, store_).await;
}

/// Without being asked to rewrite, too: as tables are merged. And a tree that is closed is left alone.
#[tokio::test(flavor = "multi_thread")]
async fn merged_tables_need_no_old_keys() {
    let world = World::new().await;
    let opened = world.open(world.kmip()).await.unwrap();
    let store_ = store(&world, &opened).await;
    let encryption = Arc::clone(opened.encryption.as_ref().unwrap());
    fill(&store_, "one", 0).await;
    fill(&store_, "two", 0).await;
    for name in ["one", "two"] {
        let tree = store_.tree_of(name).unwrap();
        store_.rotate_data_key(tree).await.unwrap();
        store_.rewrite(tree).await.unwrap();
    }
    store_.close_database("two").await.unwrap();
    assert_eq!(encryption.retire_data_keys(&store_).await, 1);
    let left = encryption.keystore().trees_with_old_data_keys();
    assert_eq!(left, [tree(&store_, "two")]);
    assert_eq!(count(&store_, "two").await, 20);
    assert_eq!(encryption.retire_data_keys(&store_).await, 1);
    assert_eq!(
        (count(&store_, "one").await, count(&store_, "two").await),
        (20, 20)
    );
    drop(encryption);
    close(opened, store_).await;
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// Somebody copied the files of a database before it was dropped, gets the dbpath with `keystore.previous` afterwards,
/// and has the master keys of both: the files stay closed.
#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_database_does_not_open_with_what_is_left() {
    let world = World::new().await;
    let opened = world.open(world.kmip()).await.unwrap();
    let store_ = store(&world, &opened).await;
    for name in ["gone", "stays"] {
        fill(&store_, name, 0).await;
    }
    let encryption = opened.encryption.clone().unwrap();
    encryption.rotate(None, false).await.unwrap();
    drop(encryption);
    close(opened, store_).await;
    let before = world.path("before");
    copy(&world.dbpath(), &before);

    // In another life of the process: the key of before is not in its memory.
    let opened = world.open(world.kmip()).await.unwrap();
    let store_ = store(&world, &opened).await;
    assert!(store_.drop_database("gone").await.unwrap());
    close(opened, store_).await;

    let opens = async |keystore: &Path| {
        let directory = world.path(&uuid::Uuid::new_v4().to_string());
        copy(&before, &directory);
        fs::copy(keystore, directory.join(FILE_NAME)).unwrap();
        let options = encrypted(world.kmip());
        let opened = open(&directory, Some(&options)).await.unwrap();
        let interval = Duration::from_millis(100);
        let store = run::open_store(&directory, &opened, interval).await;
        let store = store.unwrap();
        assert_eq!(count(&store, "stays").await, 20);
        let result = store.database("gone").await.map(drop);
        close(opened, store).await;
        result
    };
    for name in [FILE_NAME, PREVIOUS_FILE_NAME] {
        // The copies of before have the key; what is left in the dbpath does not.
        opens(&before.join(name)).await.unwrap();
        let error = opens(&world.dbpath().join(name)).await.unwrap_err();
        assert!(matches!(error, storage::Error::Locked { .. }), "{error}");
        assert!(error.to_string().contains("destroyed"), "{error}");
    }
    let previous = Keystore::inspect_previous(&world.dbpath()).unwrap();
    assert_eq!(previous.unwrap().master_key().unwrap().generation, 1);
}
