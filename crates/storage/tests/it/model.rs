//! A collection with indexes against a plain map, searched by brute force.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;

use bson::raw::RawBson;
use bson::{Bson, Document, doc};
use proptest::prelude::*;
use storage::{Database, Direction, Durability, Error, IndexBounds, Interval, RecordId, Snapshot};

use crate::support::{Fixture, by_index, ids, insert, raw, spec};

#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "a few at a time")]
enum Step {
    Put(i32, Bson, Bson),
    Delete(i32),
    Commit,
    Abort,
    Rebuild,
    Reopen,
}

fn scalar() -> impl Strategy<Value = Bson> {
    prop_oneof![
        (0..4_i32).prop_map(Bson::from),
        (0..8_i32).prop_map(|n| Bson::from(f64::from(n) / 2.0)),
        "[ab]{0,2}".prop_map(Bson::from),
        Just(Bson::Null),
        any::<bool>().prop_map(Bson::from),
    ]
}

fn value() -> impl Strategy<Value = Bson> {
    prop_oneof![
        3 => scalar(),
        1 => proptest::collection::vec(scalar(), 0..3).prop_map(Bson::from),
        1 => scalar().prop_map(|value| Bson::from(doc! { "x": value })),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => (0..12_i32, value(), scalar()).prop_map(|(id, a, b)| Step::Put(id, a, b)),
        3 => (0..12_i32).prop_map(Step::Delete),
        4 => Just(Step::Commit),
        1 => Just(Step::Abort),
        1 => Just(Step::Rebuild),
        1 => Just(Step::Reopen),
    ]
}

fn interval() -> impl Strategy<Value = Interval> {
    fn bound() -> impl Strategy<Value = Bound<RawBson>> {
        prop_oneof![
            2 => scalar().prop_map(|v| Bound::Included(RawBson::try_from(v).unwrap())),
            2 => scalar().prop_map(|v| Bound::Excluded(RawBson::try_from(v).unwrap())),
            1 => Just(Bound::Unbounded),
        ]
    }
    (bound(), bound()).prop_map(|(low, high)| Interval { low, high })
}

fn bounds() -> impl Strategy<Value = IndexBounds> {
    let intervals = || proptest::collection::vec(interval(), 1..3);
    proptest::collection::vec(intervals(), 0..3).prop_map(IndexBounds::new)
}

type Model = BTreeMap<i32, Document>;

fn compare(left: &Bson, right: &Bson) -> Ordering {
    let raw = |value: &Bson| RawBson::try_from(value.clone()).unwrap();
    document::compare(raw(left).as_raw_bson_ref(), raw(right).as_raw_bson_ref())
}

/// The values that a field has in an index, by the book.
fn values(document: &Document, field: &str) -> Vec<Bson> {
    match document.get(field) {
        None => vec![Bson::Null],
        Some(Bson::Array(array)) if array.is_empty() => vec![Bson::Undefined],
        Some(Bson::Array(array)) => array.clone(),
        Some(value) => vec![value.clone()],
    }
}

fn is_in(value: &Bson, intervals: Option<&Vec<Interval>>) -> bool {
    let Some(intervals) = intervals else {
        return true;
    };
    let against = |bound: &RawBson| compare(value, &Bson::try_from(bound.clone()).unwrap());
    intervals.iter().any(|interval| {
        let above = match &interval.low {
            Bound::Unbounded => true,
            Bound::Included(low) => against(low).is_ge(),
            Bound::Excluded(low) => against(low).is_gt(),
        };
        above
            && match &interval.high {
                Bound::Unbounded => true,
                Bound::Included(high) => against(high).is_le(),
                Bound::Excluded(high) => against(high).is_lt(),
            }
    })
}

/// What a scan of the index `{a: 1, b: -1}` gives.
fn expected(model: &Model, bounds: &IndexBounds, direction: Direction) -> Vec<Bson> {
    let mut found: Vec<(Bson, Bson, i32)> = Vec::new();
    for (&id, document) in model {
        for a in values(document, "a") {
            for b in values(document, "b") {
                if is_in(&a, bounds.fields.first()) && is_in(&b, bounds.fields.get(1)) {
                    found.push((a.clone(), b, id));
                }
            }
        }
    }
    found.sort_by(|left, right| {
        let order = compare(&left.0, &right.0)
            .then_with(|| compare(&right.1, &left.1))
            .then(left.2.cmp(&right.2));
        if direction == Direction::Forward {
            order
        } else {
            order.reverse()
        }
    });
    let mut ids: Vec<Bson> = Vec::new();
    for (_, _, id) in found {
        if !ids.contains(&Bson::Int32(id)) {
            ids.push(Bson::Int32(id));
        }
    }
    ids
}

fn check(snapshot: &Snapshot, model: &Model, bounds: &IndexBounds) {
    let c = snapshot.collection("c").unwrap();
    for direction in [Direction::Forward, Direction::Backward] {
        let mut records = snapshot.scan(&c, direction, None).unwrap();
        let mut found: Vec<Document> = Vec::new();
        while let Some(record) = records.next().unwrap() {
            found.push(record.document.try_into().unwrap());
        }
        if direction == Direction::Backward {
            found.reverse();
        }
        assert_eq!(found, model.values().cloned().collect::<Vec<_>>());
        let found = by_index(snapshot, "c", "a_1_b_-1", bounds, direction);
        assert_eq!(
            ids(&found),
            expected(model, bounds, direction),
            "{bounds:?} {direction:?}"
        );
        let first = IndexBounds::new(bounds.fields.iter().take(1).cloned().collect());
        let found = by_index(snapshot, "c", "_id_", &first, direction);
        let mut expected: Vec<Bson> = model
            .keys()
            .map(|&id| id.into())
            .filter(|id| is_in(id, first.fields.first()))
            .collect();
        if direction == Direction::Backward {
            expected.reverse();
        }
        assert_eq!(ids(&found), expected, "_id: {first:?} {direction:?}");
    }
}

async fn create_index(database: &Database) {
    let specification = spec(doc! { "key": { "a": 1, "b": -1 } });
    database
        .create_indexes("c", &[specification])
        .await
        .unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_collection_is_what_was_put_into_it(
        steps in proptest::collection::vec((step(), bounds()), 1..60),
        encrypted in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let fixture = Fixture::new(encrypted);
            let mut store = fixture.open().await;
            let mut database = store.database_or_create("db").await.unwrap();
            insert(&database, "c", &[]).await;
            create_index(&database).await;
            let mut committed = Model::new();
            let mut pending = Model::new();
            let mut txn = database.begin().unwrap();
            for (step, bounds) in steps {
                let c = txn.collection_for_write("c").await.unwrap();
                match step {
                    Step::Put(id, a, b) => {
                        let document = doc! { "_id": id, "a": a, "b": b };
                        let record = RecordId::new(bson::RawBsonRef::Int32(id)).unwrap();
                        let raw = raw(document.clone());
                        if pending.contains_key(&id) {
                            let error = txn.insert(&c, &raw).unwrap_err();
                            assert!(matches!(error, Error::DuplicateKey(_)));
                            assert!(txn.replace(&c, &record, &raw).unwrap());
                        } else {
                            assert!(!txn.replace(&c, &record, &raw).unwrap());
                            txn.insert(&c, &raw).unwrap();
                        }
                        pending.insert(id, document);
                    }
                    Step::Delete(id) => {
                        let was = txn.delete(&c, bson::RawBsonRef::Int32(id)).unwrap();
                        assert_eq!(was, pending.remove(&id).is_some());
                    }
                    Step::Commit => {
                        txn.commit(Durability::Eventual).await.unwrap();
                        committed = pending.clone();
                        txn = database.begin().unwrap();
                    }
                    Step::Abort => {
                        pending = committed.clone();
                        txn = database.begin().unwrap();
                    }
                    Step::Rebuild => {
                        drop(txn);
                        database.drop_index("c", "a_1_b_-1").await.unwrap();
                        create_index(&database).await;
                        pending = committed.clone();
                        txn = database.begin().unwrap();
                    }
                    Step::Reopen => {
                        drop(txn);
                        store.close().await.unwrap();
                        store = fixture.open().await;
                        database = store.database("db").await.unwrap().unwrap();
                        pending = committed.clone();
                        txn = database.begin().unwrap();
                    }
                }
                check(&txn, &pending, &bounds);
                check(&database.snapshot().unwrap(), &committed, &bounds);
                let collection = database.collection("c").unwrap();
                assert_eq!(collection.count(), committed.len() as u64);
                let bytes = committed.values().map(|d| raw(d.clone()));
                let bytes: usize = bytes.map(|document| document.as_bytes().len()).sum();
                assert_eq!(collection.data_bytes(), bytes as u64);
            }
            drop(txn);
            store.close().await.unwrap();
        });
    }
}
