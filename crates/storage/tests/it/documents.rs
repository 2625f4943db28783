//! Documents of a collection, by `_id`.

use std::ops::Bound;

use bson::raw::RawBson;
use bson::{Bson, Document, doc};
use storage::{Direction, Durability, Error, RecordId};

use crate::support::{Fixture, all, ids, insert, raw};

#[tokio::test]
async fn documents_are_written_and_read() {
    let fixture = Fixture::new(true);
    let store = fixture.open().await;
    let database = store.database_or_create("db").await.unwrap();
    insert(
        &database,
        "c",
        &[doc! { "_id": 2, "v": "two" }, doc! { "_id": "x" }],
    )
    .await;
    let mut txn = database.begin().unwrap();
    let c = txn.collection_for_write("c").await.unwrap();
    // 1 and 1.0 are one `_id`.
    let one = txn.insert(&c, &raw(doc! { "_id": 1, "v": "one" })).unwrap();
    assert_eq!(one, RecordId::new(bson::RawBsonRef::Double(1.0)).unwrap());
    let error = txn.insert(&c, &raw(doc! { "_id": 1.0 })).unwrap_err();
    let Error::DuplicateKey(duplicate) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(duplicate.namespace, "db.c");
    assert_eq!(duplicate.index, "_id_");
    assert_eq!(duplicate.key_pattern, raw(doc! { "_id": 1 }));
    assert_eq!(duplicate.key_value, raw(doc! { "_id": 1.0 }));
    assert_eq!(
        error.to_string(),
        "E11000 duplicate key error collection: db.c index: _id_ dup key: "
    );
    assert_eq!(error.code().code(), 11000);
    // The failed write left the rest alone.
    assert!(
        txn.replace(&c, &one, &raw(doc! { "_id": 1, "v": "new" }))
            .unwrap()
    );
    assert!(!txn.delete(&c, RawBson::Int32(7).as_raw_bson_ref()).unwrap());
    assert!(txn.delete(&c, RawBson::Int32(2).as_raw_bson_ref()).unwrap());
    let error = txn.replace(&c, &one, &raw(doc! { "_id": 2 })).unwrap_err();
    assert_eq!(error.code().code(), 66);
    assert_eq!(c.count(), 2);
    txn.commit(Durability::Immediate).await.unwrap();
    assert_eq!(
        all(&database, "c"),
        [doc! { "_id": 1, "v": "new" }, doc! { "_id": "x" }]
    );
    assert_eq!(database.collection("c").unwrap().count(), 2);
    store.close().await.unwrap();
}

#[tokio::test]
async fn documents_that_cannot_be_stored() {
    let fixture = Fixture::new(false);
    let store = fixture.open().await;
    let database = store.database_or_create("db").await.unwrap();
    insert(&database, "c", &[]).await;
    let mut txn = database.begin().unwrap();
    let c = txn.collection_for_write("c").await.unwrap();
    let regex = bson::Regex {
        pattern: String::from("a").try_into().unwrap(),
        options: String::new().try_into().unwrap(),
    };
    for (document, code) in [
        (doc! {}, 53),
        (doc! { "_id": [1] }, 53),
        (doc! { "_id": regex }, 53),
        (doc! { "_id": Bson::Undefined }, 53),
        (doc! { "_id": 1, "v": "x".repeat(16 << 20) }, 10334),
    ] {
        assert_eq!(
            txn.insert(&c, &raw(document)).unwrap_err().code().code(),
            code
        );
    }
    assert!(!txn.is_dirty());
    let largest = doc! { "_id": 1, "v": "x".repeat((16 << 20) - 100) };
    txn.insert(&c, &raw(largest.clone())).unwrap();
    txn.commit(Durability::Immediate).await.unwrap();
    assert_eq!(all(&database, "c"), [largest]);
    store.close().await.unwrap();
}

#[tokio::test]
async fn scans_go_both_ways_and_go_on() {
    let fixture = Fixture::new(false);
    let store = fixture.open().await;
    let database = store.database_or_create("db").await.unwrap();
    let values: Vec<Bson> = vec![
        Bson::MinKey,
        Bson::Null,
        (-5).into(),
        2.5.into(),
        3_i64.into(),
        "a".into(),
        "b".into(),
        true.into(),
        Bson::MaxKey,
    ];
    let documents: Vec<Document> = values
        .iter()
        .rev()
        .map(|value| doc! { "_id": value.clone() })
        .collect();
    insert(&database, "before", &documents).await;
    insert(&database, "c", &documents).await;
    insert(&database, "after", &documents).await;
    assert_eq!(ids(&all(&database, "c")), values);
    let snapshot = database.snapshot().unwrap();
    let c = snapshot.collection("c").unwrap();
    for direction in [Direction::Forward, Direction::Backward] {
        let mut expected = values.clone();
        if direction == Direction::Backward {
            expected.reverse();
        }
        // One at a time, each by a scan of its own.
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let mut records = snapshot.scan(&c, direction, after.as_ref()).unwrap();
            let Some(record) = records.next().unwrap() else {
                break;
            };
            found.push(Bson::try_from(record.document.get("_id").unwrap().unwrap()).unwrap());
            after = Some(record.id());
        }
        assert_eq!(found, expected);
    }
    let id = |value: Bson| {
        let value = RawBson::try_from(value).unwrap();
        RecordId::new(value.as_raw_bson_ref()).unwrap()
    };
    let range = |direction, low: Bound<Bson>, high: Bound<Bson>| {
        let (low, high) = (low.map(id), high.map(id));
        let mut records = snapshot
            .scan_range(&c, direction, low.as_ref(), high.as_ref())
            .unwrap();
        let mut found: Vec<Bson> = Vec::new();
        while let Some(record) = records.next().unwrap() {
            found.push(
                record
                    .document
                    .get("_id")
                    .unwrap()
                    .unwrap()
                    .try_into()
                    .unwrap(),
            );
        }
        found
    };
    use Bound::{Excluded, Included, Unbounded};
    let forward = Direction::Forward;
    assert_eq!(
        range(forward, Included(3.into()), Excluded("b".into())),
        values[4..6]
    );
    assert_eq!(
        range(forward, Excluded(3.into()), Included("b".into())),
        values[5..7]
    );
    assert_eq!(
        range(forward, Included("z".into()), Included("a".into())),
        []
    );
    assert_eq!(
        range(Direction::Backward, Unbounded, Excluded((-5).into())),
        [Bson::Null, Bson::MinKey]
    );
    store.close().await.unwrap();
}
