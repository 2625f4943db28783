//! Copies: for a backup, and the one of before a rotation.

use std::fs;

use std::path::Path;

use keystore::{
    Error, FILE_NAME, KeyState, Keystore, MasterKeyRef, PREVIOUS_FILE_NAME, PreviousCopy,
};

use crate::support::*;

#[test]
fn a_copy_opens_with_the_key_that_it_names() {
    let (dbpath, keystore) = created();
    keystore.create_data_key(tree(1)).unwrap();
    let next = MasterKeyRef::kmip(2, kmip_key(2).name, None).unwrap();
    keystore.announce_next(Some(next.clone())).unwrap();
    let (backup, before) = (tempfile::tempdir().unwrap(), contents(&keystore));
    let copied = keystore.copy_to(backup.path()).unwrap();
    assert!(copied.tree_master_keys.is_empty());
    let header = copied.header;
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
    let copied = keystore.copy_to(backup.path()).unwrap();
    assert_eq!(copied.tree_master_keys, keystore.tree_master_keys());
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

/// The copy of the previous keystore, opened with the key of before.
fn previous(dbpath: &Path, number: u8) -> Keystore {
    let directory = tempfile::tempdir().unwrap();
    let to = directory.path().join(FILE_NAME);
    fs::copy(dbpath.join(PREVIOUS_FILE_NAME), to).unwrap();
    Keystore::open(directory.path(), &master(number)).unwrap()
}

/// Whoever has the key of before, old files and the dbpath cannot read a tree that was dropped since.
#[test]
fn a_dropped_tree_is_taken_out_of_the_previous_keystore() {
    let (dbpath, keystore) = created();
    for n in 1..=4 {
        keystore.create_data_key(tree(n)).unwrap();
    }
    keystore.rotate_data_key(tree(2)).unwrap();
    keystore
        .set_tree_master_key(tree(3), MasterKeyRef::key_file(1), &master(9))
        .unwrap();
    keystore.clear_tree_master_key(tree(4)).unwrap();
    rewrap(&keystore, 2);
    keystore.create_data_key(tree(5)).unwrap();
    let before = contents(&previous_unlocked(dbpath.path(), 1));

    // A restart in between: nobody has the key of before any more.
    drop(keystore);
    let keystore = Keystore::open(dbpath.path(), &master(2)).unwrap();
    // Of the last rotation's future nothing is in it.
    let done = keystore.destroy_data_key(tree(5)).unwrap();
    assert_eq!(done, PreviousCopy::Untouched);
    let done = keystore.destroy_data_key(tree(2)).unwrap();
    assert_eq!(done, PreviousCopy::Rewritten);
    let done = keystore.destroy_data_key(tree(3)).unwrap();
    assert_eq!(done, PreviousCopy::Rewritten);
    let copy = previous(dbpath.path(), 1);
    assert_eq!(copy.tree_ids(), [tree(1), tree(4)]);
    assert!(copy.tree_master_keys().is_empty());
    let kept: Contents = before
        .into_iter()
        .filter(|key| [tree(1), tree(4)].contains(&key.0))
        .collect();
    assert_eq!(contents(&copy), kept, "the others are as they were");
    let header = Keystore::inspect_previous(dbpath.path()).unwrap().unwrap();
    assert_eq!(header.master_key(), Some(&kmip_key(1)));
    assert_eq!(keystore.tree_ids(), [tree(1), tree(4)]);
    assert_eq!(
        keystore.destroy_data_key(tree(2)).unwrap(),
        PreviousCopy::Untouched
    );

    // And so after each further rotation.
    rewrap(&keystore, 3);
    keystore.destroy_data_key(tree(4)).unwrap();
    assert_eq!(previous(dbpath.path(), 2).tree_ids(), [tree(1)]);
}

fn previous_unlocked(dbpath: &Path, number: u8) -> Keystore {
    let copy = previous(dbpath, number);
    copy.unlock_tree(tree(3), &master(9)).unwrap();
    copy
}

/// The key that seals the previous keystore is of no use for what is in it.
#[test]
fn the_present_master_key_does_not_open_the_previous_keystore() {
    let (dbpath, keystore) = created();
    keystore.create_data_key(tree(1)).unwrap();
    rewrap(&keystore, 2);
    let path = dbpath.path().join(PREVIOUS_FILE_NAME);
    let directory = tempfile::tempdir().unwrap();
    fs::copy(path, directory.path().join(FILE_NAME)).unwrap();
    assert!(matches!(
        Keystore::open(directory.path(), &master(2)),
        Err(Error::WrongKey { .. })
    ));
}

#[test]
fn a_previous_keystore_that_cannot_be_read_is_removed_with_a_dropped_tree() {
    let stray = {
        let (dbpath, keystore) = created();
        keystore.create_data_key(tree(1)).unwrap();
        rewrap(&keystore, 2);
        fs::read(dbpath.path().join(PREVIOUS_FILE_NAME)).unwrap()
    };
    let mut damaged = stray.clone();
    damaged[40] ^= 1;
    // That of another time, a damaged one, none at all, one far too long.
    let long = vec![0; keystore::format::MAX_FILE_LEN + 1];
    for bytes in [stray, damaged, Vec::new(), long] {
        let (dbpath, keystore) = created();
        keystore.create_data_key(tree(1)).unwrap();
        rewrap(&keystore, 2);
        let path = dbpath.path().join(PREVIOUS_FILE_NAME);
        fs::write(&path, bytes).unwrap();
        let done = keystore.destroy_data_key(tree(1)).unwrap();
        assert_eq!(done, PreviousCopy::Removed);
        assert!(!path.exists());
        assert!(
            Keystore::open(dbpath.path(), &master(2))
                .unwrap()
                .tree_ids()
                .is_empty()
        );
    }
}

/// A rotation that stopped between its last two writes: the copy is under the present master key.
#[test]
fn an_interrupted_rotation_leaves_a_copy_that_a_tree_is_taken_out_of() {
    let (dbpath, keystore) = created();
    keystore.create_data_key(tree(1)).unwrap();
    keystore.create_data_key(tree(2)).unwrap();
    rewrap(&keystore, 2);
    let path = |name| dbpath.path().join(name);
    fs::copy(path(FILE_NAME), path(PREVIOUS_FILE_NAME)).unwrap();
    let keystore = Keystore::open(dbpath.path(), &master(2)).unwrap();
    let done = keystore.destroy_data_key(tree(1)).unwrap();
    assert_eq!(done, PreviousCopy::Rewritten);
    assert_eq!(previous(dbpath.path(), 2).tree_ids(), [tree(2)]);
}

#[test]
fn a_data_key_that_no_file_needs_is_destroyed() {
    let (dbpath, keystore) = created();
    keystore.create_data_key(tree(1)).unwrap();
    keystore.create_data_key(tree(2)).unwrap();
    assert!(keystore.trees_with_old_data_keys().is_empty());
    for _ in 0..2 {
        keystore.rotate_data_key(tree(1)).unwrap();
    }
    assert_eq!(keystore.trees_with_old_data_keys(), [tree(1)]);
    let active = keystore.retire_data_key(tree(1), 3).unwrap_err();
    assert!(
        matches!(active, Error::ActiveDataKey { key_id: 3, .. }),
        "{active}"
    );
    keystore.retire_data_key(tree(1), 1).unwrap();
    let sequence = keystore.info().sequence;
    // Again, or of another tree, or one that there never was.
    for (tree, id) in [(tree(1), 1), (tree(9), 1), (tree(2), 7)] {
        keystore.retire_data_key(tree, id).unwrap();
    }
    assert_eq!(keystore.info().sequence, sequence, "nothing was written");
    let reopened = Keystore::open(dbpath.path(), &master(1)).unwrap();
    for keystore in [&keystore, &reopened] {
        let keys = keystore.data_keys(tree(1)).unwrap();
        let keys: Vec<_> = keys.iter().map(|(id, state, _)| (*id, *state)).collect();
        assert_eq!(keys, [(2, KeyState::DecryptOnly), (3, KeyState::Active)]);
        assert_eq!(keystore.key_state(tree(1), 1), None);
    }
    // The numbers go on.
    assert_eq!(keystore.rotate_data_key(tree(1)).unwrap().0, 4);
    // A tree that is locked is no exception.
    let own = MasterKeyRef::key_file(1);
    keystore
        .set_tree_master_key(tree(1), own, &master(9))
        .unwrap();
    keystore.lock_tree(tree(1)).unwrap();
    keystore.retire_data_key(tree(1), 2).unwrap();
    keystore.unlock_tree(tree(1), &master(9)).unwrap();
    assert_eq!(keystore.data_keys(tree(1)).unwrap().len(), 2);
}
