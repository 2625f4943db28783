//! The dbpath: what opens, what is refused, what a crash leaves.

use std::time::Duration;

use bson::doc;
use storage::{DbpathState, Durability, Encryption, Error, Store};

use crate::support::{Fixture, all, insert, raw};

fn trees(fixture: &Fixture) -> usize {
    std::fs::read_dir(fixture.directory.path().join("trees"))
        .unwrap()
        .count()
}

#[tokio::test]
async fn databases_survive_closing() {
    for encrypted in [false, true] {
        let fixture = Fixture::new(encrypted);
        let state = || Store::inspect(fixture.directory.path()).unwrap();
        assert_eq!(state(), DbpathState::Empty);
        let store = fixture.open().await;
        let expected = if encrypted {
            DbpathState::Encrypted
        } else {
            DbpathState::Plain
        };
        assert_eq!(state(), expected);
        assert!(store.databases().is_empty());
        assert!(store.database("a").await.unwrap().is_none());
        for name in ["b", "a"] {
            let database = store.database_or_create(name).await.unwrap();
            insert(&database, "c", &[doc! { "_id": name }]).await;
        }
        store.close().await.unwrap();
        assert!(matches!(store.database("a").await, Err(Error::Closed)));
        let store = fixture.open().await;
        assert_eq!(store.databases(), ["a", "b"]);
        for name in ["a", "b"] {
            let database = store.database(name).await.unwrap().unwrap();
            assert_eq!(all(&database, "c"), [doc! { "_id": name }]);
            assert_eq!(database.collection("c").unwrap().count(), 1);
        }
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let fixture = Fixture::new(false);
    let store = fixture.open().await;
    let error = fixture.try_open().await.err().unwrap();
    assert!(matches!(error, Error::InUse { .. }), "{error:?}");
    store.close().await.unwrap();
    fixture.open().await.close().await.unwrap();
}

#[tokio::test]
async fn encryption_is_settled_when_the_dbpath_is_made() {
    for encrypted in [false, true] {
        let mut fixture = Fixture::new(encrypted);
        fixture.open().await.close().await.unwrap();
        let other = Fixture::new(!encrypted);
        let ring = std::mem::replace(&mut fixture.ring, other.ring);
        let error = fixture.try_open().await.err().unwrap();
        assert!(
            matches!(error, Error::EncryptionMismatch { .. }),
            "{error:?}"
        );
        fixture.ring = ring;
        fixture.open().await.close().await.unwrap();
    }
}

#[tokio::test]
async fn keys_of_another_dbpath_are_refused() {
    let mut fixture = Fixture::new(true);
    fixture.open().await.close().await.unwrap();
    fixture.ring = Fixture::new(true).ring;
    let error = fixture.try_open().await.err().unwrap();
    assert!(matches!(error, Error::Locked { .. }), "{error:?}");
}

#[tokio::test]
async fn what_is_not_a_dbpath_is_refused() {
    for file in ["WiredTiger", "trees"] {
        let fixture = Fixture::new(false);
        std::fs::create_dir(fixture.directory.path().join(file)).unwrap();
        let error = fixture.try_open().await.err().unwrap();
        assert!(matches!(error, Error::NotADbpath { .. }), "{error:?}");
        assert!(Store::inspect(fixture.directory.path()).is_err());
    }
    // The server tree is not made again in silence.
    let fixture = Fixture::new(false);
    fixture.open().await.close().await.unwrap();
    std::fs::remove_dir_all(fixture.directory.path().join("trees")).unwrap();
    let error = fixture.try_open().await.err().unwrap();
    assert!(matches!(error, Error::NotADbpath { .. }), "{error:?}");
}

#[tokio::test]
async fn a_dropped_database_is_gone_with_its_key() {
    let fixture = Fixture::new(true);
    let store = fixture.open().await;
    let database = store.database_or_create("gone").await.unwrap();
    insert(&database, "c", &[doc! { "_id": 1 }]).await;
    store.database_or_create("stays").await.unwrap();
    let ring = fixture.ring.as_ref().unwrap();
    assert_eq!((trees(&fixture), ring.keys.lock().unwrap().len()), (3, 3));
    assert!(store.drop_database("gone").await.unwrap());
    assert!(!store.drop_database("gone").await.unwrap());
    assert_eq!((trees(&fixture), ring.keys.lock().unwrap().len()), (2, 2));
    assert_eq!(store.databases(), ["stays"]);
    let error = database
        .create_collection("x", &raw(doc! {}))
        .await
        .err()
        .unwrap();
    assert!(matches!(error, Error::Closed), "{error:?}");
    // The name can be used again, for another tree.
    let again = store.database_or_create("gone").await.unwrap();
    assert!(again.collections().is_empty());
    store.close().await.unwrap();
    let store = fixture.open().await;
    assert_eq!(store.databases(), ["gone", "stays"]);
    store.close().await.unwrap();
}

#[tokio::test]
async fn orphans_are_removed() {
    let fixture = Fixture::new(true);
    let store = fixture.open().await;
    let database = store.database_or_create("a").await.unwrap();
    insert(&database, "c", &[doc! { "_id": 1 }]).await;
    store.close().await.unwrap();
    // A creation that was cut off after the key, and one after the tree.
    let ring = fixture.ring.as_ref().unwrap();
    for with_tree in [false, true] {
        let tree = storage::TreeId::random().unwrap();
        storage::keys::KeyRing::create(&**ring, tree).unwrap();
        if with_tree {
            let path = fixture
                .directory
                .path()
                .join("trees")
                .join(tree.to_string());
            std::fs::create_dir(&path).unwrap();
            std::fs::write(path.join("file"), "x").unwrap();
        }
    }
    // What is no tree is not ours to remove.
    std::fs::create_dir(fixture.directory.path().join("trees/lost+found")).unwrap();
    let store = fixture.open().await;
    assert_eq!((trees(&fixture), ring.keys.lock().unwrap().len()), (3, 2));
    let database = store.database("a").await.unwrap().unwrap();
    assert_eq!(all(&database, "c"), [doc! { "_id": 1 }]);
    store.close().await.unwrap();
}

#[tokio::test]
async fn names_are_checked() {
    let fixture = Fixture::new(false);
    let store = fixture.open().await;
    store.database_or_create("Test").await.unwrap();
    let code = async |name: &str| store.database_or_create(name).await.err().unwrap().code();
    assert_eq!(code("test").await.code(), 13297);
    for name in ["", "a.b", "a b", "a/b", "$x", &"x".repeat(64)] {
        assert_eq!(code(name).await.code(), 73, "{name}");
    }
    store.close().await.unwrap();
}

#[tokio::test]
async fn idle_databases_close_and_open_again() {
    let mut fixture = Fixture::new(true);
    fixture.options.close_idle_after = Duration::ZERO;
    fixture.options.commit_interval = Duration::from_millis(5);
    let store = fixture.open().await;
    let database = store.database_or_create("a").await.unwrap();
    insert(&database, "c", &[doc! { "_id": 1 }]).await;
    let weak = database.downgrade();
    tokio::time::sleep(Duration::from_millis(10)).await;
    // Held: not closed.
    assert!(weak.upgrade().is_some());
    drop(database);
    while weak.upgrade().is_some() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let database = store.database("a").await.unwrap().unwrap();
    assert_eq!(all(&database, "c"), [doc! { "_id": 1 }]);
    store.close().await.unwrap();
}

#[tokio::test]
async fn many_databases_fit() {
    let fixture = Fixture::new(true);
    let store = fixture.open().await;
    for i in 0..100 {
        let database = store.database_or_create(&format!("db{i}")).await.unwrap();
        insert(&database, "c", &[doc! { "_id": i }]).await;
    }
    store.sync_all().await.unwrap();
    store.close().await.unwrap();
    let store = fixture.open().await;
    assert_eq!(store.databases().len(), 100);
    let database = store.database("db57").await.unwrap().unwrap();
    assert_eq!(all(&database, "c"), [doc! { "_id": 57 }]);
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_creation_that_was_cut_off_begins_again() {
    let fixture = Fixture::new(true);
    fixture.open().await.close().await.unwrap();
    let format = fixture.directory.path().join("strongroom.format");
    let text = std::fs::read_to_string(&format).unwrap();
    std::fs::write(&format, text.replace("ready", "creating")).unwrap();
    let store = fixture.open().await;
    let database = store.database_or_create("a").await.unwrap();
    insert(&database, "c", &[doc! { "_id": 1 }]).await;
    let mut txn = database.begin().unwrap();
    let collection = txn.collection_for_write("c").await.unwrap();
    txn.insert(&collection, &raw(doc! { "_id": 2 })).unwrap();
    txn.commit(Durability::Immediate).await.unwrap();
    store.close().await.unwrap();
    let store = fixture.open().await;
    assert_eq!(store.databases(), ["a"]);
    store.close().await.unwrap();
    let _ = Encryption::None;
}
