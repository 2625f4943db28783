//! The engine behind its trait: what the layers above rely on.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use storage::Error;
use storage::engine::surreal::SurrealEngine;
use storage::engine::{Durability, Engine, ReadTransaction, Tree};
use storage::keys::{DataCipher, DataKeys};

use crate::support::TestKey;

fn engine() -> SurrealEngine {
    // A small memtable, so that tables are written and merged all the time.
    SurrealEngine::new(32 << 20, 8 << 10)
}

fn keys(encrypted: bool) -> Option<Arc<dyn DataKeys>> {
    encrypted.then(|| Arc::new(TestKey([7; 32])) as Arc<dyn DataKeys>)
}

fn open(path: &Path, encrypted: bool) -> Arc<dyn Tree> {
    engine().open(&path.join("00"), keys(encrypted)).unwrap()
}

async fn put(tree: &dyn Tree, key: &[u8], value: &[u8]) {
    let mut txn = tree.begin().unwrap();
    txn.put(key, value.to_vec()).unwrap();
    txn.commit(Durability::Eventual).await.unwrap();
}

#[tokio::test]
async fn the_first_committer_wins() {
    let directory = tempfile::tempdir().unwrap();
    let tree = open(directory.path(), false);
    let mut first = tree.begin().unwrap();
    let mut second = tree.begin().unwrap();
    first.put(b"key", b"1".to_vec()).unwrap();
    second.put(b"key", b"2".to_vec()).unwrap();
    first.commit(Durability::Eventual).await.unwrap();
    let error = second.commit(Durability::Eventual).await.unwrap_err();
    assert!(matches!(error, Error::WriteConflict), "{error:?}");
    assert_eq!(tree.snapshot().unwrap().get(b"key").unwrap().unwrap(), b"1");
    tree.close().await.unwrap();
}

#[tokio::test]
async fn a_lock_conflicts_with_a_write() {
    let directory = tempfile::tempdir().unwrap();
    let tree = open(directory.path(), false);
    put(&*tree, b"read", b"1").await;
    let mut txn = tree.begin().unwrap();
    txn.lock(b"read").unwrap();
    txn.put(b"other", b"1".to_vec()).unwrap();
    put(&*tree, b"read", b"2").await;
    let error = txn.commit(Durability::Eventual).await.unwrap_err();
    assert!(matches!(error, Error::WriteConflict), "{error:?}");
    tree.close().await.unwrap();
}

#[tokio::test]
async fn a_snapshot_does_not_move() {
    let directory = tempfile::tempdir().unwrap();
    let tree = open(directory.path(), false);
    put(&*tree, b"a", b"1").await;
    let snapshot = tree.snapshot().unwrap();
    put(&*tree, b"a", b"2").await;
    let mut txn = tree.begin().unwrap();
    txn.delete_range(b"a", b"z").unwrap();
    assert_eq!(txn.get(b"a").unwrap(), None);
    txn.commit(Durability::Immediate).await.unwrap();
    assert_eq!(snapshot.get(b"a").unwrap().unwrap(), b"1");
    assert_eq!(tree.snapshot().unwrap().get(b"a").unwrap(), None);
    tree.close().await.unwrap();
}

/// A document may have 16 MiB, and so may its `_id`.
#[tokio::test]
async fn large_values_and_keys_fit() {
    for encrypted in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let tree = open(directory.path(), encrypted);
        let value = vec![0xAB; 16 << 20];
        put(&*tree, b"value", &value).await;
        let sizes = [1 << 10, 1 << 16, 1 << 20, 16 << 20];
        let key = |size: usize, last| {
            let mut key = vec![b'k'; size];
            *key.last_mut().unwrap() = last;
            key
        };
        for size in sizes {
            for last in [1, 2] {
                put(&*tree, &key(size, last), &size.to_be_bytes()).await;
            }
        }
        let check = |tree: &dyn Tree| {
            let snapshot = tree.snapshot().unwrap();
            assert_eq!(snapshot.get(b"value").unwrap().unwrap(), value);
            for size in sizes {
                for last in [1, 2] {
                    let found = snapshot.get(&key(size, last)).unwrap();
                    assert_eq!(found.unwrap(), size.to_be_bytes(), "{size} {last}");
                }
            }
            let mut cursor = snapshot.cursor(b"k", b"l").unwrap();
            let mut count = 0;
            let mut more = cursor.first().unwrap();
            while more {
                count += 1;
                more = cursor.next().unwrap();
            }
            assert_eq!(count, 2 * sizes.len());
        };
        check(&*tree);
        tree.close().await.unwrap();
        drop(tree);
        let tree = open(directory.path(), encrypted);
        check(&*tree);
        tree.close().await.unwrap();
    }
}

#[tokio::test]
async fn another_key_is_the_wrong_key() {
    let directory = tempfile::tempdir().unwrap();
    let tree = open(directory.path(), true);
    put(&*tree, b"a", b"1").await;
    tree.close().await.unwrap();
    drop(tree);
    let other: Arc<dyn DataKeys> = Arc::new(TestKey([8; 32]));
    let error = engine()
        .open(&directory.path().join("00"), Some(other))
        .err()
        .unwrap();
    assert!(matches!(error, Error::WrongKey { .. }), "{error:?}");
    let error = engine()
        .open(&directory.path().join("00"), None)
        .err()
        .unwrap();
    assert!(matches!(error, Error::Corruption(_)), "{error:?}");
}

#[tokio::test]
async fn a_closed_tree_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let tree = open(directory.path(), false);
    let mut txn = tree.begin().unwrap();
    txn.put(b"a", b"1".to_vec()).unwrap();
    tree.close().await.unwrap();
    assert!(matches!(
        txn.commit(Durability::Eventual).await,
        Err(Error::Closed)
    ));
    assert!(matches!(tree.begin().err(), Some(Error::Closed)));
    assert!(matches!(tree.snapshot().err(), Some(Error::Closed)));
    assert!(matches!(tree.sync(), Err(Error::Closed)));
}

#[derive(Debug, Clone)]
enum Step {
    Put(Vec<u8>, u8),
    Delete(Vec<u8>),
    DeleteRange(Vec<u8>, Vec<u8>),
    Commit,
    Abort,
    Reopen,
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(0_u8..3, 1..4)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (key(), any::<u8>()).prop_map(|(key, value)| Step::Put(key, value)),
        4 => key().prop_map(Step::Delete),
        1 => (key(), key()).prop_map(|(start, end)| Step::DeleteRange(start, end)),
        4 => Just(Step::Commit),
        1 => Just(Step::Abort),
        1 => Just(Step::Reopen),
    ]
}

type Model = BTreeMap<Vec<u8>, u8>;

/// Everything a cursor can do, against the model.
fn check_reads(reads: &dyn ReadTransaction, model: &Model, start: &[u8], end: &[u8], probe: &[u8]) {
    if start >= end {
        return;
    }
    assert_eq!(
        reads.get(probe).unwrap(),
        model.get(probe).map(|&value| vec![value]),
        "get {probe:?}"
    );
    let range: Vec<_> = model.range(start.to_vec()..end.to_vec()).collect();
    let mut cursor = reads.cursor(start, end).unwrap();
    let mut forward = Vec::new();
    let mut more = cursor.first().unwrap();
    while more {
        forward.push((cursor.key().to_vec(), cursor.value().unwrap()[0]));
        more = cursor.next().unwrap();
    }
    let expected: Vec<_> = range
        .iter()
        .map(|&(key, &value)| (key.clone(), value))
        .collect();
    assert_eq!(forward, expected, "forward {start:?}..{end:?}");
    let mut backward = Vec::new();
    let mut more = cursor.last().unwrap();
    while more {
        backward.push((cursor.key().to_vec(), cursor.value().unwrap()[0]));
        more = cursor.previous().unwrap();
    }
    backward.reverse();
    assert_eq!(backward, expected, "backward {start:?}..{end:?}");
    if probe >= start && probe < end {
        let at = cursor.seek(probe).unwrap().then(|| cursor.key().to_vec());
        let expected = range.iter().find(|(key, _)| key.as_slice() >= probe);
        assert_eq!(at.as_ref(), expected.map(|(key, _)| *key), "seek {probe:?}");
        let at = cursor
            .seek_before(probe)
            .unwrap()
            .then(|| cursor.key().to_vec());
        let expected = range.iter().rfind(|(key, _)| key.as_slice() < probe);
        assert_eq!(
            at.as_ref(),
            expected.map(|(key, _)| *key),
            "before {probe:?}"
        );
        if at.is_some() {
            // Turning round.
            let next = cursor.next().unwrap().then(|| cursor.key().to_vec());
            let expected = range.iter().find(|(key, _)| key.as_slice() >= probe);
            assert_eq!(
                next.as_ref(),
                expected.map(|(key, _)| *key),
                "next after {probe:?}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_tree_is_an_ordered_map(
        steps in proptest::collection::vec((step(), key(), key(), key()), 1..80),
        encrypted in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let directory = tempfile::tempdir().unwrap();
            let mut tree = open(directory.path(), encrypted);
            let mut committed = Model::new();
            let mut pending = Model::new();
            let mut txn = Some(tree.begin().unwrap());
            for (step, start, end, probe) in steps {
                let open_txn = txn.as_mut().unwrap();
                match step {
                    Step::Put(key, value) => {
                        open_txn.put(&key, vec![value]).unwrap();
                        pending.insert(key, value);
                    }
                    Step::Delete(key) => {
                        open_txn.delete(&key).unwrap();
                        pending.remove(&key);
                    }
                    Step::DeleteRange(from, to) => {
                        open_txn.delete_range(&from, &to).unwrap();
                        pending.retain(|key, _| *key < from || *key >= to);
                    }
                    Step::Commit => {
                        txn.take().unwrap().commit(Durability::Eventual).await.unwrap();
                        committed = pending.clone();
                        txn = Some(tree.begin().unwrap());
                    }
                    Step::Abort => {
                        pending = committed.clone();
                        txn = Some(tree.begin().unwrap());
                    }
                    Step::Reopen => {
                        drop(txn.take());
                        tree.close().await.unwrap();
                        drop(tree);
                        tree = open(directory.path(), encrypted);
                        pending = committed.clone();
                        txn = Some(tree.begin().unwrap());
                    }
                }
                check_reads(txn.as_ref().unwrap().as_read(), &pending, &start, &end, &probe);
                check_reads(&*tree.snapshot().unwrap(), &committed, &start, &end, &probe);
            }
            drop(txn);
            tree.close().await.unwrap();
        });
    }
}

/// The other cipher: every file of the tree says that it is sealed with it, and the tree opens again.
#[tokio::test(flavor = "multi_thread")]
async fn the_cipher_is_that_of_the_keys() {
    struct Other;
    impl DataKeys for Other {
        fn cipher(&self) -> DataCipher {
            DataCipher::XChaCha20Poly1305
        }
        fn active(&self) -> u32 {
            1
        }
        fn key(&self, id: u32) -> Option<zeroize::Zeroizing<[u8; 32]>> {
            (id == 1).then(|| zeroize::Zeroizing::new([7; 32]))
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tree");
    let engine = SurrealEngine::new(1 << 20, 1 << 20);
    for round in 0..2 {
        let tree = engine.open(&path, Some(Arc::new(Other))).unwrap();
        if round == 0 {
            let mut write = tree.begin().unwrap();
            write.put(b"key", b"value".to_vec()).unwrap();
            write.commit(Durability::Immediate).await.unwrap();
        }
        let snapshot = tree.snapshot().unwrap();
        assert_eq!(snapshot.get(b"key").unwrap().unwrap(), b"value");
        drop(snapshot);
        tree.close().await.unwrap();
    }
    let mut sealed = 0;
    for directory in ["manifest", "sstables", "wal"] {
        for entry in std::fs::read_dir(path.join(directory)).unwrap() {
            let file = std::fs::read(entry.unwrap().path()).unwrap();
            // The engine's header (magic, version, cipher), which a list of tables has further in.
            let at = file.windows(4).position(|bytes| bytes == b"SKTD");
            assert_eq!(file[at.unwrap() + 5], 2, "{directory}");
            sealed += 1;
        }
    }
    assert!(sealed >= 2, "a log and a list of tables");
}
