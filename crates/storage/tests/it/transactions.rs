//! Transactions: what they see, what they conflict with, and what is counted.

use std::task::Poll;
use std::time::Duration;

use bson::{Bson, Document, RawBsonRef, doc};
use storage::{Database, Durability, Error, RecordId};

use crate::support::{Fixture, all, insert, raw};

fn id(id: i32) -> RecordId {
    RecordId::new(RawBsonRef::Int32(id)).unwrap()
}

async fn increment(database: &Database, by: i32) {
    database
        .retry_write("c", Durability::Eventual, |txn, c| {
            let old = txn.get_record(c, &id(1))?.unwrap();
            let n = old.get_i32("n").unwrap();
            txn.replace_known(c, &id(1), &old, &raw(doc! { "_id": 1, "n": n + by }))?;
            Ok::<_, Error>(())
        })
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_write_is_lost() {
    let fixture = Fixture::new(false);
    let store = fixture.open().await;
    let database = store.database_or_create("db").await.unwrap();
    insert(&database, "c", &[doc! { "_id": 1, "n": 0 }]).await;
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let database = database.clone();
            tokio::spawn(async move {
                for i in 0..100 {
                    increment(&database, 1).await;
                    insert(&database, "c", &[doc! { "_id": 1000 + task * 100 + i }]).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(all(&database, "c")[0], doc! { "_id": 1, "n": 800 });
    assert_eq!(database.collection("c").unwrap().count(), 801);
    store.close().await.unwrap();
    let store = fixture.open().await;
    let database = store.database("db").await.unwrap().unwrap();
    assert_eq!(database.collection("c").unwrap().count(), 801);
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_transaction_sees_its_snapshot_and_its_own_writes() {
    let fixture = Fixture::new(true);
    let store = fixture.open().await;
    let database = store.database_or_create("db").await.unwrap();
    insert(&database, "c", &[doc! { "_id": 1, "n": 0 }]).await;
    insert(&database, "d", &[]).await;
    let mut txn = database.begin().unwrap();
    increment(&database, 5).await;
    let c = txn.collection_for_write("c").await.unwrap();
    let d = txn.collection_for_write("d").await.unwrap();
    let n = |document: Option<bson::RawDocumentBuf>| document.unwrap().get_i32("n").unwrap();
    assert_eq!(n(txn.get_record(&c, &id(1)).unwrap()), 0);
    txn.insert(&c, &raw(doc! { "_id": 2, "n": 7 })).unwrap();
    txn.insert(&d, &raw(doc! { "_id": 2, "n": 8 })).unwrap();
    assert_eq!(n(txn.get_record(&c, &id(2)).unwrap()), 7);
    assert!(
        database
            .snapshot()
            .unwrap()
            .get_record(&c, &id(2))
            .unwrap()
            .is_none()
    );
    txn.commit(Durability::Immediate).await.unwrap();
    assert_eq!(
        n(database.snapshot().unwrap().get_record(&d, &id(2)).unwrap()),
        8
    );
    let count = |name| database.collection(name).unwrap().count();
    assert_eq!((count("c"), count("d")), (2, 1));
    // Dropped: as if it had not been.
    let mut txn = database.begin().unwrap();
    let c = txn.collection_for_write("c").await.unwrap();
    txn.delete_record(&c, &id(1)).unwrap().unwrap();
    drop(txn);
    assert_eq!((count("c"), all(&database, "c").len()), (2, 2));
    store.close().await.unwrap();
}

#[tokio::test]
async fn writes_of_one_document_conflict() {
    let fixture = Fixture::new(false);
    let store = fixture.open().await;
    let database = store.database_or_create("db").await.unwrap();
    insert(
        &database,
        "c",
        &[doc! { "_id": 1, "n": 0 }, doc! { "_id": 2, "n": 0 }],
    )
    .await;
    type Write = fn(&mut storage::Txn, &storage::Collection);
    let writes: [(&str, Write); 4] = [
        ("replace", |txn, c| {
            txn.replace(c, &id(1), &raw(doc! { "_id": 1, "n": 1 }))
                .unwrap();
        }),
        ("delete", |txn, c| {
            txn.delete_record(c, &id(1)).unwrap();
        }),
        ("insert", |txn, c| {
            txn.insert(c, &raw(doc! { "_id": 1 })).unwrap_err();
            txn.lock_record(c, &id(1)).unwrap();
        }),
        ("lock", |txn, c| txn.lock_record(c, &id(1)).unwrap()),
    ];
    for (name, write) in writes {
        let mut txn = database.begin().unwrap();
        let c = txn.collection_for_write("c").await.unwrap();
        write(&mut txn, &c);
        increment(&database, 1).await;
        let before = database.collection("c").unwrap().count();
        let error = txn.commit(Durability::Eventual).await.unwrap_err();
        assert!(error.is_write_conflict(), "{name}: {error:?}");
        assert_eq!(error.code().code(), 112);
        assert_eq!(database.collection("c").unwrap().count(), before);
    }
    // Another document does not.
    let mut txn = database.begin().unwrap();
    let c = txn.collection_for_write("c").await.unwrap();
    txn.replace(&c, &id(2), &raw(doc! { "_id": 2, "n": 1 }))
        .unwrap();
    txn.insert(&c, &raw(doc! { "_id": 3 })).unwrap();
    increment(&database, 1).await;
    insert(&database, "c", &[doc! { "_id": 4 }]).await;
    txn.commit(Durability::Eventual).await.unwrap();
    assert_eq!(database.collection("c").unwrap().count(), 4);
    store.close().await.unwrap();
}

#[tokio::test]
async fn an_error_of_the_write_ends_it() {
    let fixture = Fixture::new(false);
    let store = fixture.open().await;
    let database = store.database_or_create("db").await.unwrap();
    insert(&database, "c", &[]).await;
    let mut runs = 0;
    let result: Result<(), Error> = database
        .retry_write("c", Durability::Eventual, |txn, c| {
            runs += 1;
            txn.insert(c, &raw(doc! { "_id": 1 }))?;
            txn.insert(c, &raw(doc! { "_id": 1 }))?;
            Ok(())
        })
        .await;
    assert!(matches!(result, Err(Error::DuplicateKey(_))));
    assert_eq!((runs, all(&database, "c").len()), (1, 0));
    let result: Result<(), Error> = database
        .retry_write("none", Durability::Eventual, |_, _| Ok(()))
        .await;
    assert!(matches!(result, Err(Error::NamespaceNotFound { .. })));
    store.close().await.unwrap();
}

/// A commit that nobody waits for any more may have happened or not: the count agrees with what
/// is there once it is settled.
#[tokio::test]
async fn a_cancelled_commit_does_not_spoil_the_count() {
    let mut fixture = Fixture::new(false);
    fixture.options.commit_interval = Duration::from_millis(5);
    let store = fixture.open().await;
    let database = store.database_or_create("db").await.unwrap();
    insert(&database, "c", &[]).await;
    for i in 0..50 {
        let mut txn = database.begin().unwrap();
        let c = txn.collection_for_write("c").await.unwrap();
        txn.insert(&c, &raw(doc! { "_id": i })).unwrap();
        let mut commit = Box::pin(txn.commit(Durability::Immediate));
        // Polled once: as far as it comes without waiting.
        std::future::poll_fn(|context| {
            let _ = commit.as_mut().poll(context);
            Poll::Ready(())
        })
        .await;
        drop(commit);
        insert(&database, "c", &[doc! { "_id": 1000 + i }]).await;
    }
    let documents: Vec<Document> = all(&database, "c");
    assert!(documents.contains(&doc! { "_id": Bson::Int32(1049) }));
    let mut rounds = 0;
    while database.collection("c").unwrap().count() != all(&database, "c").len() as u64 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        rounds += 1;
        assert!(rounds < 1000, "the count does not settle");
    }
    insert(&database, "c", &[doc! { "_id": 5000 }]).await;
    let left = all(&database, "c").len() as u64;
    assert_eq!(database.collection("c").unwrap().count(), left);
    store.close().await.unwrap();
    let store = fixture.open().await;
    let database = store.database("db").await.unwrap().unwrap();
    assert_eq!(database.collection("c").unwrap().count(), left);
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_transaction_does_not_wait_for_ever() {
    let mut fixture = Fixture::new(false);
    fixture.options.lock_timeout = Duration::from_millis(20);
    let store = fixture.open().await;
    let database = store.database_or_create("db").await.unwrap();
    insert(&database, "a", &[]).await;
    insert(&database, "b", &[]).await;
    let mut txn = database.begin().unwrap();
    txn.collection_for_write("a").await.unwrap();
    let mut other = database.begin().unwrap();
    other.collection_for_write("b").await.unwrap();
    // Waits for `other`, and everybody else waits for it.
    let dropping = tokio::spawn({
        let database = database.clone();
        async move { database.drop_collection("b").await }
    });
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    let error = txn.collection_for_write("b").await.err().unwrap();
    assert!(matches!(error, Error::LockTimeout { .. }), "{error:?}");
    drop(other);
    dropping.await.unwrap().unwrap();
    store.close().await.unwrap();
}
