//! Collections: created, dropped, renamed, and still so after the database was opened again.

use bson::doc;
use storage::{Durability, Error};

use crate::support::{Fixture, all, ids, insert, raw};

#[tokio::test]
async fn collections_come_and_go() {
    let fixture = Fixture::new(false);
    let store = fixture.open().await;
    let database = store.database_or_create("db").await.unwrap();
    let options = raw(doc! { "validator": { "a": 1 } });
    let created = database.create_collection("a", &options).await.unwrap();
    assert_eq!((created.name(), created.namespace()), ("a", "db.a"));
    let error = database
        .create_collection("a", &options)
        .await
        .err()
        .unwrap();
    assert!(matches!(error, Error::NamespaceExists { .. }), "{error:?}");
    insert(&database, "a", &[doc! { "_id": 1 }]).await;
    insert(&database, "b", &[doc! { "_id": 2 }]).await;
    assert!(database.drop_collection("b").await.unwrap());
    assert!(!database.drop_collection("b").await.unwrap());
    assert!(database.collection("b").is_none());
    // Another collection with the name has nothing of the first one.
    insert(&database, "b", &[]).await;
    assert!(all(&database, "b").is_empty());
    assert_eq!(database.collection("b").unwrap().count(), 0);
    database
        .set_collection_options("b", &raw(doc! { "capped": false }))
        .await
        .unwrap();
    store.close().await.unwrap();

    let store = fixture.open().await;
    let database = store.database("db").await.unwrap().unwrap();
    let names: Vec<_> = database
        .collections()
        .iter()
        .map(|collection| collection.name().to_owned())
        .collect();
    assert_eq!(names, ["a", "b"]);
    let a = database.collection("a").unwrap();
    assert_eq!((a.uuid(), a.options()), (created.uuid(), &*options));
    assert_eq!(
        database.collection("b").unwrap().options(),
        &*raw(doc! { "capped": false })
    );
    assert_eq!(all(&database, "a"), [doc! { "_id": 1 }]);
    store.close().await.unwrap();
}

#[tokio::test]
async fn renaming() {
    let fixture = Fixture::new(true);
    let store = fixture.open().await;
    let database = store.database_or_create("db").await.unwrap();
    insert(&database, "a", &[doc! { "_id": 1 }]).await;
    insert(&database, "b", &[doc! { "_id": 2 }]).await;
    let uuid = database.collection("a").unwrap().uuid();
    let error = database
        .rename_collection("a", "b", false)
        .await
        .err()
        .unwrap();
    assert!(matches!(error, Error::NamespaceExists { .. }), "{error:?}");
    let error = database
        .rename_collection("x", "y", false)
        .await
        .err()
        .unwrap();
    assert!(
        matches!(error, Error::NamespaceNotFound { .. }),
        "{error:?}"
    );
    assert_eq!(
        database
            .rename_collection("a", "a", true)
            .await
            .err()
            .unwrap()
            .code()
            .code(),
        20
    );
    database.rename_collection("a", "b", true).await.unwrap();
    assert!(database.collection("a").is_none());
    for _ in 0..2 {
        let database = store.database("db").await.unwrap().unwrap();
        assert_eq!(all(&database, "b"), [doc! { "_id": 1 }]);
        let b = database.collection("b").unwrap();
        assert_eq!((b.count(), b.uuid(), b.namespace()), (1, uuid, "db.b"));
    }
    store.close().await.unwrap();
    let store = fixture.open().await;
    let database = store.database("db").await.unwrap().unwrap();
    assert_eq!(all(&database, "b"), [doc! { "_id": 1 }]);
    assert_eq!(database.collections().len(), 1);
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_snapshot_keeps_what_is_dropped() {
    let fixture = Fixture::new(false);
    let store = fixture.open().await;
    let database = store.database_or_create("db").await.unwrap();
    insert(&database, "a", &[doc! { "_id": 1 }, doc! { "_id": 2 }]).await;
    let snapshot = database.snapshot().unwrap();
    database.drop_collection("a").await.unwrap();
    let collection = snapshot.collection("a").unwrap();
    let found = snapshot
        .get(&collection, bson::RawBsonRef::Int32(2))
        .unwrap()
        .unwrap();
    assert_eq!(found.get_i32("_id").unwrap(), 2);
    assert!(database.snapshot().unwrap().collection("a").is_none());
    drop(snapshot);
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_transaction_does_not_write_to_what_was_replaced() {
    let fixture = Fixture::new(false);
    let store = fixture.open().await;
    let database = store.database_or_create("db").await.unwrap();
    insert(&database, "a", &[doc! { "_id": 1 }]).await;
    let mut txn = database.begin().unwrap();
    database.drop_collection("a").await.unwrap();
    let error = txn.collection_for_write("a").await.err().unwrap();
    assert!(error.is_write_conflict(), "{error:?}");
    insert(&database, "a", &[doc! { "_id": 5 }]).await;
    let error = txn.collection_for_write("a").await.err().unwrap();
    assert!(error.is_write_conflict(), "{error:?}");
    drop(txn);
    let mut txn = database.begin().unwrap();
    let error = txn.collection_for_write("none").await.err().unwrap();
    assert!(
        matches!(error, Error::NamespaceNotFound { .. }),
        "{error:?}"
    );
    // Not opened for writing: refused, and not forgotten.
    let collection = txn.collection("a").unwrap();
    assert!(txn.insert(&collection, &raw(doc! { "_id": 9 })).is_err());
    drop(txn);
    assert_eq!(ids(&all(&database, "a")), [5.into()]);
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_drop_waits_for_writers() {
    let fixture = Fixture::new(false);
    let store = fixture.open().await;
    let database = store.database_or_create("db").await.unwrap();
    insert(&database, "a", &[]).await;
    let mut txn = database.begin().unwrap();
    let collection = txn.collection_for_write("a").await.unwrap();
    let dropping = tokio::spawn({
        let database = database.clone();
        async move { database.drop_collection("a").await }
    });
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    assert!(!dropping.is_finished());
    txn.insert(&collection, &raw(doc! { "_id": 1 })).unwrap();
    txn.commit(Durability::Eventual).await.unwrap();
    assert!(dropping.await.unwrap().unwrap());
    store.close().await.unwrap();
}

/// Drops leave nothing behind in files, memtables or caches that another collection could meet.
#[tokio::test]
async fn dropping_after_a_flush() {
    let fixture = Fixture::new(false);
    let documents: Vec<_> = (0..2000)
        .map(|i| doc! { "_id": i, "v": "x".repeat(100) })
        .collect();
    for round in 0..3 {
        let store = fixture.open().await;
        let database = store.database_or_create("db").await.unwrap();
        insert(&database, "a", &documents).await;
        insert(&database, "b", &documents[..10]).await;
        assert_eq!(all(&database, "a").len(), 2000, "round {round}");
        store.close().await.unwrap();
        let store = fixture.open().await;
        let database = store.database("db").await.unwrap().unwrap();
        assert!(database.drop_collection("a").await.unwrap());
        insert(&database, "a", &documents[..1]).await;
        assert_eq!(all(&database, "a").len(), 1);
        assert_eq!(all(&database, "b").len(), 10);
        database.drop_collection("a").await.unwrap();
        database.drop_collection("b").await.unwrap();
        store.close().await.unwrap();
    }
}
