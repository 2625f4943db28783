//! A database as a plain ordered map: reads, seeks in both directions, durability shared by those who wait.

use std::sync::Arc;

use storage::{Direction, KeyValueSnapshot, KeyValues};

use crate::support::Fixture;

async fn put(map: &KeyValues, entries: &[(&[u8], &[u8])]) -> u64 {
    let mut transaction = map.begin().unwrap();
    for (key, value) in entries {
        transaction.put(key, value.to_vec()).unwrap();
    }
    map.commit(transaction).await.unwrap()
}

fn keys(snapshot: &KeyValueSnapshot, prefix: &[u8], direction: Direction) -> Vec<Vec<u8>> {
    let mut entries = snapshot.entries(prefix, direction).unwrap();
    let mut keys = Vec::new();
    while let Some(key) = entries.key() {
        keys.push(key.to_vec());
        entries.advance().unwrap();
    }
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordered_map_beside_collections() {
    let fixture = Fixture::new(true);
    let store = fixture.open().await;
    let database = store.database_or_create("objects").await.unwrap();
    let map = database.key_values();
    let commit = put(
        &map,
        &[
            (b"a1", b"one"),
            (b"a3", b"three"),
            (b"a\xFF\xFF", b"last"),
            (b"b", b"other"),
        ],
    )
    .await;
    assert_eq!(commit, 1);
    assert!(!map.is_durable(commit));
    map.wait_durable(commit).unwrap();
    assert!(map.is_durable(commit));

    let snapshot = map.snapshot().unwrap();
    assert_eq!(snapshot.get(b"a1").unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(snapshot.get(b"a").unwrap(), None);
    assert_eq!(
        keys(&snapshot, b"a", Direction::Forward),
        [&b"a1"[..], b"a3", b"a\xFF\xFF"]
    );
    assert_eq!(
        keys(&snapshot, b"a", Direction::Backward),
        [&b"a\xFF\xFF"[..], b"a3", b"a1"]
    );
    assert_eq!(keys(&snapshot, b"", Direction::Forward).len(), 4);
    for (direction, sought, expected) in [
        (Direction::Forward, &b"a2"[..], Some(&b"a3"[..])),
        (Direction::Forward, b"a3", Some(b"a3")),
        (Direction::Backward, b"a3", Some(b"a3")),
        (Direction::Backward, b"a2", Some(b"a1")),
        (Direction::Backward, b"a0", None),
        (Direction::Forward, b"b", None),
    ] {
        let mut entries = snapshot.entries(b"a", direction).unwrap();
        entries.seek(sought).unwrap();
        assert_eq!(entries.key(), expected, "{direction:?} {sought:?}");
    }

    // What is committed later is not in the snapshot; a transaction sees its own writes.
    let mut transaction = map.begin().unwrap();
    transaction.put(b"a2", b"two".to_vec()).unwrap();
    transaction.delete(b"a1").unwrap();
    assert_eq!(
        transaction.get(b"a2").unwrap().as_deref(),
        Some(&b"two"[..])
    );
    assert_eq!(map.commit(transaction).await.unwrap(), 2);
    assert!(snapshot.get(b"a2").unwrap().is_none());
    drop(snapshot);
    drop(map);
    assert!(database.collections().is_empty());
    drop(database);
    store.close().await.unwrap();

    let store = fixture.open().await;
    let database = store.database("objects").await.unwrap().unwrap();
    let snapshot = database.key_values().snapshot().unwrap();
    assert_eq!(
        keys(&snapshot, b"a", Direction::Forward),
        [&b"a2"[..], b"a3", b"a\xFF\xFF"]
    );
    drop(snapshot);
    drop(database);
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_finds_its_commit_durable() {
    let fixture = Fixture::new(true);
    let store = fixture.open().await;
    let map = Arc::new(
        store
            .database_or_create("objects")
            .await
            .unwrap()
            .key_values(),
    );
    let writers: Vec<_> = (0..8_u8)
        .map(|writer| {
            let map = Arc::clone(&map);
            tokio::spawn(async move {
                for number in 0..50_u8 {
                    let commit = put(&map, &[(&[writer, number], b"x")]).await;
                    tokio::task::block_in_place(|| map.wait_durable(commit)).unwrap();
                    assert!(map.is_durable(commit));
                    assert!(map.last_commit() >= commit);
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(map.last_commit(), 400);
    assert_eq!(
        keys(&map.snapshot().unwrap(), b"", Direction::Forward).len(),
        400
    );
    drop(map);
    store.close().await.unwrap();
}
