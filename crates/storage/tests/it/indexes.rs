//! Secondary indexes: their keys, their refusals, and building them.

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bson::raw::RawBson;
use bson::{Bson, Document, doc};
use storage::{
    CreatedIndexes, Database, Direction, Durability, Error, IndexBounds, IndexSpec, Interval,
};

use crate::support::{Fixture, all, by_index, ids, insert, raw, spec};

fn range(low: Bound<Bson>, high: Bound<Bson>) -> Interval {
    let raw = |bound: Bound<Bson>| bound.map(|value| RawBson::try_from(value).unwrap());
    Interval {
        low: raw(low),
        high: raw(high),
    }
}

async fn create(database: &Database, document: Document) -> Result<CreatedIndexes, Error> {
    database.create_indexes("c", &[spec(document)]).await
}

#[tokio::test]
async fn an_index_orders_and_bounds() {
    let fixture = Fixture::new(false);
    let store = fixture.open().await;
    let database = store.database_or_create("db").await.unwrap();
    let documents: Vec<_> = (0..100)
        .map(|i| doc! { "_id": i, "a": i % 10, "b": i / 10 })
        .collect();
    insert(&database, "c", &documents[..50]).await;
    let created = create(&database, doc! { "key": { "a": 1, "b": -1 } })
        .await
        .unwrap();
    assert_eq!(
        created,
        CreatedIndexes {
            before: 1,
            after: 2
        }
    );
    insert(&database, "c", &documents[50..]).await;
    insert(&database, "d", &documents).await;
    let snapshot = database.snapshot().unwrap();
    let find = |fields: Vec<Vec<Interval>>, direction| {
        let bounds = IndexBounds::new(fields);
        let found = by_index(&snapshot, "c", "a_1_b_-1", &bounds, direction);
        found
            .iter()
            .map(|document| {
                (
                    document.get_i32("a").unwrap(),
                    document.get_i32("b").unwrap(),
                )
            })
            .collect::<Vec<_>>()
    };
    let expected = |mut keep: Box<dyn FnMut(i32, i32) -> bool>, direction| {
        let mut expected = Vec::new();
        for a in 0..10 {
            for b in (0..10).rev() {
                if keep(a, b) {
                    expected.push((a, b));
                }
            }
        }
        if direction == Direction::Backward {
            expected.reverse();
        }
        expected
    };
    use Bound::{Excluded, Included, Unbounded};
    for direction in [Direction::Forward, Direction::Backward] {
        assert_eq!(
            find(vec![], direction),
            expected(Box::new(|_, _| true), direction)
        );
        assert_eq!(
            find(vec![vec![Interval::point(3)]], direction),
            expected(Box::new(|a, _| a == 3), direction)
        );
        assert_eq!(
            find(
                vec![vec![Interval::all()], vec![Interval::point(4)]],
                direction
            ),
            expected(Box::new(|_, b| b == 4), direction)
        );
        assert_eq!(
            find(
                vec![
                    vec![Interval::point(7.0), range(Unbounded, Excluded(2.into()))],
                    vec![
                        range(Excluded(7.into()), Unbounded),
                        range(Included(2.into()), Excluded(4.into()))
                    ],
                ],
                direction
            ),
            expected(
                Box::new(|a, b| (a < 2 || a == 7) && (b > 7 || b == 2 || b == 3)),
                direction
            )
        );
        assert_eq!(find(vec![vec![]], direction), []);
        assert_eq!(find(vec![vec![Interval::point("x")]], direction), []);
    }
    drop(snapshot);
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_scan_of_an_index_goes_on() {
    let fixture = Fixture::new(true);
    let store = fixture.open().await;
    let database = store.database_or_create("db").await.unwrap();
    insert(&database, "c", &[]).await;
    create(&database, doc! { "key": { "a": 1 } }).await.unwrap();
    let documents: Vec<_> = (0..20)
        .map(|i| doc! { "_id": i, "a": [i % 5, i % 3, 100 + i] })
        .collect();
    insert(&database, "c", &documents).await;
    let snapshot = database.snapshot().unwrap();
    let c = snapshot.collection("c").unwrap();
    for (index, field) in [("a_1", "a"), ("_id_", "_id")] {
        let index = c.index(index).unwrap();
        assert_eq!(index.is_multikey(), field == "a");
        let interval = range(Bound::Included(0.into()), Bound::Included(102.into()));
        let bounds = IndexBounds::new(vec![vec![interval]]);
        for direction in [Direction::Forward, Direction::Backward] {
            let whole = by_index(&snapshot, "c", index.name(), &bounds, direction);
            let mut parts = Vec::new();
            let mut after = None;
            loop {
                let mut scan = snapshot
                    .scan_index(&c, index, &bounds, direction, after.as_ref())
                    .unwrap();
                let Some((_, document)) = scan.next().unwrap() else {
                    break;
                };
                parts.push(Document::try_from(&*document).unwrap());
                after = scan.position();
            }
            assert_eq!(parts, whole);
            // Each document once, though it has many keys in the bounds.
            let mut unique = ids(&whole);
            unique.sort_by_key(|id| id.as_i32());
            unique.dedup();
            assert_eq!(unique.len(), whole.len());
            assert_eq!(whole.len(), 20);
        }
    }
    drop(snapshot);
    store.close().await.unwrap();
}

#[tokio::test]
async fn unique_indexes_refuse_a_second_key() {
    let fixture = Fixture::new(false);
    let store = fixture.open().await;
    let database = store.database_or_create("db").await.unwrap();
    insert(&database, "c", &[doc! { "_id": 1, "a": 5, "b": "qq" }]).await;
    create(
        &database,
        doc! { "key": { "a": 1, "b": -1 }, "unique": true },
    )
    .await
    .unwrap();
    let mut txn = database.begin().unwrap();
    let c = txn.collection_for_write("c").await.unwrap();
    let error = txn
        .insert(&c, &raw(doc! { "_id": 2, "a": [4, 5.0], "b": "qq" }))
        .unwrap_err();
    let Error::DuplicateKey(duplicate) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(duplicate.index, "a_1_b_-1");
    assert_eq!(duplicate.key_pattern, raw(doc! { "a": 1, "b": -1 }));
    assert_eq!(duplicate.key_value, raw(doc! { "a": 5.0, "b": "qq" }));
    assert!(
        !format!("{error:?}").contains("qq"),
        "values are not for logs: {error:?}"
    );
    // Nothing of it was written, so its first key is free.
    txn.insert(&c, &raw(doc! { "_id": 2, "a": 4, "b": "qq" }))
        .unwrap();
    // Missing is null, and null is a value: once.
    txn.insert(&c, &raw(doc! { "_id": 3, "b": 1 })).unwrap();
    assert!(
        txn.insert(&c, &raw(doc! { "_id": 4, "a": Bson::Null, "b": 1 }))
            .is_err()
    );
    // A document keeps its own keys when it changes, and gives back those it had.
    let id = storage::RecordId::new(bson::RawBsonRef::Int32(1)).unwrap();
    txn.replace(&c, &id, &raw(doc! { "_id": 1, "a": 5, "b": "qq", "c": 1 }))
        .unwrap();
    assert!(
        txn.replace(&c, &id, &raw(doc! { "_id": 1, "a": 4, "b": "qq" }))
            .is_err()
    );
    txn.replace(&c, &id, &raw(doc! { "_id": 1, "a": 6, "b": "qq" }))
        .unwrap();
    txn.insert(&c, &raw(doc! { "_id": 5, "a": 5, "b": "qq" }))
        .unwrap();
    txn.commit(Durability::Eventual).await.unwrap();
    // Two transactions with one key: the engine finds it.
    let mut first = database.begin().unwrap();
    let mut second = database.begin().unwrap();
    let c1 = first.collection_for_write("c").await.unwrap();
    let c2 = second.collection_for_write("c").await.unwrap();
    first
        .insert(&c1, &raw(doc! { "_id": 10, "a": 50 }))
        .unwrap();
    second
        .insert(&c2, &raw(doc! { "_id": 11, "a": 50 }))
        .unwrap();
    first.commit(Durability::Eventual).await.unwrap();
    assert!(
        second
            .commit(Durability::Eventual)
            .await
            .unwrap_err()
            .is_write_conflict()
    );
    store.close().await.unwrap();
}

#[tokio::test]
async fn sparse_and_partial_indexes_leave_documents_out() {
    let fixture = Fixture::new(false);
    let store = fixture.open().await;
    let database = store.database_or_create("db").await.unwrap();
    insert(
        &database,
        "c",
        &[doc! { "_id": 1 }, doc! { "_id": 2, "a": 1, "t": 1 }],
    )
    .await;
    let sparse = doc! { "key": { "a": 1 }, "unique": true, "sparse": true, "name": "sparse" };
    create(&database, sparse).await.unwrap();
    let partial = doc! {
        "key": { "a": -1 },
        "unique": true,
        "partialFilterExpression": { "t": 1 },
        "name": "partial",
    };
    create(&database, partial).await.unwrap();
    insert(
        &database,
        "c",
        &[doc! { "_id": 3 }, doc! { "_id": 4, "t": 1 }],
    )
    .await;
    let check = |database: &Database, index, expected: &[i32]| {
        let snapshot = database.snapshot().unwrap();
        let bounds = IndexBounds::all();
        let found = by_index(&snapshot, "c", index, &bounds, Direction::Forward);
        let expected: Vec<Bson> = expected.iter().map(|&id| id.into()).collect();
        assert_eq!(ids(&found), expected, "{index}");
    };
    check(&database, "sparse", &[2]);
    check(&database, "partial", &[2, 4]);
    let write = async |document: Document| {
        let database = database.clone();
        database
            .retry_write("c", Durability::Eventual, |txn, c| {
                let document = raw(document.clone());
                let id = document.get("_id").unwrap().unwrap();
                txn.replace(c, &storage::RecordId::new(id)?, &document)?;
                Ok::<_, Error>(())
            })
            .await
    };
    // Into the partial index and out of it.
    assert!(write(doc! { "_id": 3, "t": 1 }).await.is_err());
    write(doc! { "_id": 4 }).await.unwrap();
    write(doc! { "_id": 3, "t": 1 }).await.unwrap();
    check(&database, "partial", &[2, 3]);
    let c = database.collection("c").unwrap();
    assert!(c.index("partial").unwrap().may_hold(&raw(doc! { "t": 1 })));
    assert!(!c.index("partial").unwrap().may_hold(&raw(doc! { "t": 2 })));
    store.close().await.unwrap();
    let store = fixture.open().await;
    let database = store.database("db").await.unwrap().unwrap();
    check(&database, "partial", &[2, 3]);
    insert(
        &database,
        "c",
        &[doc! { "_id": 5, "t": 1, "a": 8 }, doc! { "_id": 6, "a": 9 }],
    )
    .await;
    check(&database, "partial", &[5, 2, 3]);
    check(&database, "sparse", &[2, 5, 6]);
    store.close().await.unwrap();
}

#[tokio::test]
async fn specifications_are_checked() {
    let parse = |document: Document| IndexSpec::parse(&raw(document)).map_err(|e| e.code().code());
    for (document, code) in [
        (doc! { "name": "x" }, 9),
        (doc! { "key": { "a": 1 } }, 9),
        (doc! { "key": 1, "name": "x" }, 14),
        (doc! { "key": {}, "name": "x" }, 67),
        (doc! { "key": { "a": 0 }, "name": "x" }, 67),
        (doc! { "key": { "a": true }, "name": "x" }, 67),
        (doc! { "key": { "a": "text" }, "name": "x" }, 67),
        (doc! { "key": { "a": "2dsphere" }, "name": "x" }, 67),
        (doc! { "key": { "$**": 1 }, "name": "x" }, 67),
        (doc! { "key": { "a..b": 1 }, "name": "x" }, 67),
        (doc! { "key": { "a.$b": 1 }, "name": "x" }, 67),
        (doc! { "key": { "a": 1 }, "name": "" }, 67),
        (doc! { "key": { "a": 1 }, "name": "x", "colour": 1 }, 197),
        (doc! { "key": { "a": 1 }, "name": "x", "unique": "yes" }, 14),
        (
            doc! { "key": { "a": 1 }, "name": "x", "expireAfterSeconds": -1 },
            67,
        ),
        (
            doc! { "key": { "a": 1, "b": 1 }, "name": "x", "expireAfterSeconds": 1 },
            67,
        ),
        (
            doc! { "key": { "a": 1 }, "name": "x", "collation": { "locale": "de" } },
            67,
        ),
        (
            doc! { "key": { "_id": 1 }, "name": "x", "sparse": true },
            197,
        ),
    ] {
        assert_eq!(parse(document.clone()).err(), Some(code), "{document}");
    }
    let full = parse(doc! {
        "v": 2,
        "key": { "a.b": 1.0 },
        "name": "x",
        "background": true,
        "unique": 1,
        "hidden": true,
        "expireAfterSeconds": 60.0,
        "partialFilterExpression": { "a": 1 },
    })
    .unwrap();
    assert!(full.unique && full.hidden && !full.sparse);
    assert_eq!(full.expire_after_seconds, Some(60));
    let listed = doc! {
        "v": 2,
        "key": { "a.b": 1.0 },
        "name": "x",
        "unique": true,
        "hidden": true,
        "expireAfterSeconds": 60,
        "partialFilterExpression": { "a": 1 },
    };
    assert_eq!(full.document, raw(listed));
    assert_eq!(IndexSpec::parse(&full.document).unwrap(), full);
    assert!(
        parse(doc! { "key": { "_id": 1 }, "name": "mine" })
            .unwrap()
            .is_id_index()
    );
}

#[tokio::test]
async fn indexes_that_are_there() {
    let fixture = Fixture::new(false);
    let store = fixture.open().await;
    let database = store.database_or_create("db").await.unwrap();
    insert(&database, "c", &[doc! { "_id": 1 }]).await;
    create(&database, doc! { "key": { "a": 1 } }).await.unwrap();
    let same = CreatedIndexes {
        before: 2,
        after: 2,
    };
    assert_eq!(
        create(&database, doc! { "key": { "a": 1 } }).await.unwrap(),
        same
    );
    assert_eq!(
        create(&database, doc! { "key": { "_id": 1 } })
            .await
            .unwrap(),
        same
    );
    let refusals = [
        (doc! { "key": { "a": 1 }, "name": "other" }, 85),
        (doc! { "key": { "a": 1 }, "expireAfterSeconds": 5 }, 85),
        (doc! { "key": { "b": 1 }, "name": "a_1" }, 86),
    ];
    for (document, code) in refusals {
        let error = create(&database, document.clone()).await.unwrap_err();
        assert_eq!(error.code().code(), code, "{document}");
    }
    database
        .modify_index(
            "c",
            &spec(doc! { "key": { "a": 1 }, "expireAfterSeconds": 5 }),
        )
        .await
        .unwrap();
    let c = database.collection("c").unwrap();
    assert_eq!(c.index("a_1").unwrap().spec().expire_after_seconds, Some(5));
    let error = database.drop_index("c", "_id_").await.unwrap_err();
    assert_eq!(error.code().code(), 72);
    let error = database.drop_index("c", "x").await.unwrap_err();
    assert!(matches!(error, Error::IndexNotFound { .. }), "{error:?}");
    database.drop_index("c", "a_1").await.unwrap();
    assert!(database.collection("c").unwrap().index("a_1").is_none());
    // Made again, it has what is there now and nothing of before.
    insert(&database, "c", &[doc! { "_id": 2, "a": 1 }]).await;
    create(&database, doc! { "key": { "a": 1 } }).await.unwrap();
    let snapshot = database.snapshot().unwrap();
    let found = by_index(
        &snapshot,
        "c",
        "a_1",
        &IndexBounds::all(),
        Direction::Forward,
    );
    assert_eq!(ids(&found), [1.into(), 2.into()]);
    drop(snapshot);
    for i in 0..62 {
        create(&database, doc! { "key": { format!("f{i}"): 1 } })
            .await
            .unwrap();
    }
    let error = create(&database, doc! { "key": { "z": 1 } })
        .await
        .unwrap_err();
    assert_eq!(error.code().code(), 67);
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_build_that_fails_leaves_no_index() {
    let fixture = Fixture::new(false);
    let store = fixture.open().await;
    let database = store.database_or_create("db").await.unwrap();
    let documents: Vec<_> = (0..2500)
        .map(|i| doc! { "_id": i, "a": i % 2400, "b": [i] })
        .collect();
    insert(&database, "c", &documents).await;
    let error = create(&database, doc! { "key": { "a": 1 }, "unique": true })
        .await
        .unwrap_err();
    assert!(matches!(error, Error::DuplicateKey(_)), "{error:?}");
    assert_eq!(database.collection("c").unwrap().all_indexes().len(), 1);
    insert(
        &database,
        "c",
        &[doc! { "_id": 3000, "a": 1, "b": [1], "c": [1] }],
    )
    .await;
    let error = create(&database, doc! { "key": { "b": 1, "c": 1 } })
        .await
        .unwrap_err();
    assert_eq!(error.code().code(), 171);
    assert_eq!(database.collection("c").unwrap().all_indexes().len(), 1);
    insert(
        &database,
        "c",
        &[doc! { "_id": 3001, "a": 1, "b": [1], "c": [1] }],
    )
    .await;
    // All or none.
    let specs = [
        spec(doc! { "key": { "b": 1 } }),
        spec(doc! { "key": { "b": 1, "c": -1 } }),
    ];
    assert!(database.create_indexes("c", &specs).await.is_err());
    assert_eq!(database.collection("c").unwrap().all_indexes().len(), 1);
    let created = database.create_indexes("c", &specs[..1]).await.unwrap();
    assert_eq!(
        created,
        CreatedIndexes {
            before: 1,
            after: 2
        }
    );
    store.close().await.unwrap();
}

/// Whoever writes while an index is built, the index holds exactly what the collection holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_go_on_while_an_index_is_built() {
    let fixture = Fixture::new(true);
    let store = fixture.open().await;
    let database = store.database_or_create("db").await.unwrap();
    let documents: Vec<_> = (0..5000)
        .map(|i| doc! { "_id": i, "a": i, "pad": "x".repeat(50) })
        .collect();
    insert(&database, "c", &documents).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..3)
        .map(|writer| {
            let (database, stop) = (database.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut i = 0_i32;
                while !stop.load(Ordering::Relaxed) {
                    let id = (i * 7919 + writer * 13).rem_euclid(6000);
                    let document = raw(doc! { "_id": id, "a": [i, -i] });
                    let record = storage::RecordId::new(bson::RawBsonRef::Int32(id)).unwrap();
                    database
                        .retry_write("c", Durability::Eventual, |txn, c| {
                            if i % 3 == 0 {
                                txn.delete_record(c, &record)?;
                            } else if !txn.replace(c, &record, &document)? {
                                txn.insert(c, &document)?;
                            }
                            Ok::<_, Error>(())
                        })
                        .await
                        .unwrap();
                    i += 1;
                }
                i
            })
        })
        .collect();
    for round in 0..4 {
        create(&database, doc! { "key": { "a": 1 } }).await.unwrap();
        let snapshot = database.snapshot().unwrap();
        let mut found = by_index(
            &snapshot,
            "c",
            "a_1",
            &IndexBounds::all(),
            Direction::Forward,
        );
        found.sort_by_key(|document| document.get_i32("_id").unwrap());
        let c = snapshot.collection("c").unwrap();
        let mut records = snapshot.scan(&c, Direction::Forward, None).unwrap();
        let mut expected: Vec<Document> = Vec::new();
        while let Some(record) = records.next().unwrap() {
            expected.push(record.document.try_into().unwrap());
        }
        assert_eq!(found, expected, "round {round}");
        drop(records);
        drop(snapshot);
        database.drop_index("c", "a_1").await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        assert!(writer.await.unwrap() > 0);
    }
    let left = all(&database, "c").len() as u64;
    assert_eq!(database.collection("c").unwrap().count(), left);
    store.close().await.unwrap();
}

#[tokio::test]
async fn an_index_is_read_and_kept_in_the_version_that_fits() {
    let fixture = Fixture::new(false);
    let store = fixture.open().await;
    let database = store.database_or_create("db").await.unwrap();
    insert(&database, "c", &[doc! { "_id": 1, "a": 1 }]).await;
    let before = database.collection("c").unwrap();
    let snapshot = database.snapshot().unwrap();
    create(&database, doc! { "key": { "a": 1 } }).await.unwrap();
    let after = database.collection("c").unwrap();
    // The snapshot is older than the index.
    let index = after.index("a_1").unwrap();
    let scan = snapshot.scan_index(&after, index, &IndexBounds::all(), Direction::Forward, None);
    assert_eq!(scan.err().unwrap().code().code(), 175);
    drop(snapshot);
    // Whoever writes with an old version in hand keeps the index all the same.
    database
        .retry_write("c", Durability::Eventual, |txn, _| {
            txn.insert(&before, &raw(doc! { "_id": 2, "a": 2 }))
                .map(drop)
        })
        .await
        .unwrap();
    let snapshot = database.snapshot().unwrap();
    let found = by_index(
        &snapshot,
        "c",
        "a_1",
        &IndexBounds::all(),
        Direction::Forward,
    );
    assert_eq!(ids(&found), [1.into(), 2.into()]);
    drop(snapshot);
    store.close().await.unwrap();
}

#[tokio::test]
async fn multikey_is_remembered() {
    let fixture = Fixture::new(false);
    let store = fixture.open().await;
    let database = store.database_or_create("db").await.unwrap();
    insert(&database, "c", &[]).await;
    create(&database, doc! { "key": { "a": 1, "b": 1 } })
        .await
        .unwrap();
    let fields =
        |database: &Database| database.collection("c").unwrap().all_indexes()[1].multikey_fields();
    insert(&database, "c", &[doc! { "_id": 1, "a": 1, "b": 1 }]).await;
    assert_eq!(fields(&database), 0);
    insert(&database, "c", &[doc! { "_id": 2, "a": 1, "b": [1] }]).await;
    assert_eq!(fields(&database), 0b10);
    store.close().await.unwrap();
    let store = fixture.open().await;
    let database = store.database("db").await.unwrap().unwrap();
    assert_eq!(fields(&database), 0b10);
    insert(&database, "c", &[doc! { "_id": 3, "a": [1], "b": 1 }]).await;
    assert_eq!(fields(&database), 0b11);
    store.close().await.unwrap();
    let store = fixture.open().await;
    let database = store.database("db").await.unwrap().unwrap();
    assert_eq!(fields(&database), 0b11);
    store.close().await.unwrap();
}
