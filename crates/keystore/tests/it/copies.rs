//! Copies: for a backup, and the one of before a rotation.

use std::fs;

use keystore::{Error, FILE_NAME, Keystore, MasterKeyRef, PREVIOUS_FILE_NAME};

use crate::support::*;

#[test]
fn a_copy_opens_with_the_key_that_it_names() {
    let (dbpath, keystore) = created();
    keystore.create_data_key(tree(1)).unwrap();
    let next = MasterKeyRef::kmip(2, kmip_key(2).name, None).unwrap();
    keystore.announce_next(Some(next.clone())).unwrap();
    let (backup, before) = (tempfile::tempdir().unwrap(), contents(&keystore));
    let header = keystore.copy_to(backup.path()).unwrap();
    assert_eq!(header.master_key(), Some(&kmip_key(1)));
    assert_eq!(Keystore::inspect(backup.path()).unwrap(), Some(header));

    // The original goes on; the copy stays as it is.
    keystore.create_data_key(tree(2)).unwrap();
    rewrap(&keystore, 2);
    let copy = Keystore::open(backup.path(), &master(1)).unwrap();
    assert_eq!(contents(&copy), before);
    assert_eq!(
        copy.info().pending,
        None,
        "that key is the original's to create"
    );
    assert_eq!(copy.info().dbpath_id, DBPATH_ID);
    assert!(matches!(
        Keystore::open(backup.path(), &master(2)),
        Err(Error::WrongKey { .. })
    ));
    assert!(matches!(
        keystore.copy_to(backup.path()),
        Err(Error::AlreadyExists { .. })
    ));
    assert!(matches!(
        keystore.copy_to(dbpath.path()),
        Err(Error::AlreadyExists { .. })
    ));
    let nowhere = dbpath.path().join("nowhere");
    let error = keystore.copy_to(&nowhere).unwrap_err();
    assert!(matches!(error, Error::Io { .. }) && error.to_string().contains("nowhere"));
}

#[test]
fn a_copy_has_the_trees_that_are_locked() {
    let (_dbpath, keystore) = created();
    keystore.create_data_key(tree(1)).unwrap();
    let own = MasterKeyRef::key_file(1);
    keystore
        .set_tree_master_key(tree(1), own, &master(9))
        .unwrap();
    let before = contents(&keystore);
    keystore.lock_tree(tree(1)).unwrap();
    let backup = tempfile::tempdir().unwrap();
    keystore.copy_to(backup.path()).unwrap();
    let copy = Keystore::open(backup.path(), &master(1)).unwrap();
    copy.unlock_tree(tree(1), &master(9)).unwrap();
    assert_eq!(contents(&copy), before);
}

/// Changes go on while copies are made: each copy has everything up to some moment and nothing after it.
#[test]
fn a_copy_is_of_one_moment() {
    let (_dbpath, keystore) = created();
    let backups = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1..=30 {
                keystore.create_data_key(tree(n)).unwrap();
                if n % 10 == 0 {
                    rewrap(&keystore, 1);
                }
            }
        });
        for n in 0..10 {
            let backup = backups.path().join(n.to_string());
            fs::create_dir(&backup).unwrap();
            keystore.copy_to(&backup).unwrap();
            let trees = Keystore::open(&backup, &master(1)).unwrap().tree_ids();
            let first: Vec<_> = (1..).map(tree).take(trees.len()).collect();
            assert_eq!(trees, first);
        }
    });
}

#[test]
fn the_previous_keystore_says_which_key_opens_it_and_can_be_removed() {
    let (dbpath, keystore) = created();
    assert_eq!(Keystore::inspect_previous(dbpath.path()).unwrap(), None);
    assert!(!keystore.remove_previous().unwrap());
    rewrap(&keystore, 2);
    rewrap(&keystore, 3);
    let previous = Keystore::inspect_previous(dbpath.path()).unwrap().unwrap();
    assert_eq!(previous.master_key(), Some(&kmip_key(2)));
    assert!(keystore.remove_previous().unwrap());
    assert!(!dbpath.path().join(PREVIOUS_FILE_NAME).exists());

    rewrap(&keystore, 4);
    let path = dbpath.path().join(PREVIOUS_FILE_NAME);
    let mut bytes = fs::read(&path).unwrap();
    bytes[30] ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = Keystore::inspect_previous(dbpath.path())
        .unwrap_err()
        .to_string();
    assert!(error.contains(PREVIOUS_FILE_NAME), "{error}");
    assert!(Keystore::inspect(dbpath.path()).is_ok());
    assert!(dbpath.path().join(FILE_NAME).exists());
}
