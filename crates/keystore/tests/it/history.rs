//! Which master keys a keystore has been under.

use keystore::{HistoryReason, Keystore, MAX_HISTORY, MasterKeyRef};

use crate::support::*;

#[test]
fn it_has_every_master_key_with_time_and_reason() {
    let (dbpath, keystore) = created();
    keystore.create_data_key(tree(1)).unwrap();
    rewrap(&keystore, 2);
    let to_file = MasterKeyRef::key_file(3);
    keystore
        .rewrap(to_file.clone(), &master(3), HistoryReason::Migrated)
        .unwrap();
    let history = Keystore::open(dbpath.path(), &master(3))
        .unwrap()
        .info()
        .history;
    assert_eq!(history, keystore.info().history);
    let expected = [
        (HistoryReason::Created, kmip_key(1)),
        (HistoryReason::Rotated, kmip_key(2)),
        (HistoryReason::Migrated, to_file),
    ];
    assert_eq!(history.len(), expected.len());
    for (entry, (reason, key)) in history.iter().zip(expected) {
        assert_eq!((entry.reason, &entry.key), (reason, &key));
        // This test was written in 2026.
        assert!(entry.since_unix_secs > 1_790_000_000);
        assert!(!entry.is_wrapped_on_server);
    }
    assert!(history.is_sorted_by_key(|entry| entry.since_unix_secs));
}

#[test]
fn the_oldest_entries_give_way() {
    let (dbpath, keystore) = created();
    for generation in 2..=MAX_HISTORY as u32 + 10 {
        keystore
            .rewrap(kmip_key(generation), &master(1), HistoryReason::Rotated)
            .unwrap();
    }
    let history = Keystore::open(dbpath.path(), &master(1))
        .unwrap()
        .info()
        .history;
    assert_eq!(history.len(), MAX_HISTORY);
    let generations: Vec<_> = history.iter().map(|entry| entry.key.generation).collect();
    let expected: Vec<_> = (11..=MAX_HISTORY as u32 + 10).collect();
    assert_eq!(generations, expected);
}
