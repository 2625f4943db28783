//! Create, open, change, rewrap.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use keystore::{Cipher, Error, FILE_NAME, KeyState, Keystore, MasterKeyRef, PREVIOUS_FILE_NAME};

use crate::support::*;

#[test]
fn data_keys_survive_reopening() {
    let (dbpath, keystore) = created();
    let (id, key) = keystore.create_data_key(tree(1)).unwrap();
    keystore.create_data_key(tree(2)).unwrap();
    assert_eq!(keystore.tree_ids(), [tree(1), tree(2)]);
    let before = contents(&keystore);
    assert_eq!(before[0], (tree(1), id, KeyState::Active, *key.expose()));
    let info = keystore.info();
    drop(keystore);

    let keystore = Keystore::open(dbpath.path(), &master(1)).unwrap();
    assert_eq!(contents(&keystore), before);
    assert_eq!(keystore.info(), info);
    assert_eq!((info.trees, info.data_keys, info.sequence), (2, 2, 3));
    assert_eq!(info.master_key, kmip_key(1));
    assert!(keystore.data_keys(tree(9)).unwrap().is_empty());
}

#[test]
fn the_header_is_read_without_the_master_key() {
    let (dbpath, _keystore) = created();
    let header = Keystore::inspect(dbpath.path()).unwrap().unwrap();
    assert_eq!(header.master_key(), Some(&kmip_key(1)));
    assert_eq!(header.dbpath_id(), DBPATH_ID);
    assert_eq!(header.cipher(), Cipher::Aes256Gcm);
    assert_eq!(header.pending(), None);
    assert!(
        Keystore::inspect(dbpath.path().parent().unwrap())
            .unwrap()
            .is_none()
    );
}

#[test]
fn the_file_is_for_its_owner_only() {
    let (dbpath, keystore) = created();
    keystore.create_data_key(tree(1)).unwrap();
    rewrap(&keystore, 2);
    for name in [FILE_NAME, PREVIOUS_FILE_NAME] {
        let mode = fs::metadata(dbpath.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o600, "{name}");
    }
    assert_eq!(
        fs::read_dir(dbpath.path()).unwrap().count(),
        2,
        "nothing left behind"
    );
}

#[test]
fn no_key_lies_in_the_file() {
    let (dbpath, keystore) = created();
    let (_, key) = keystore.create_data_key(tree(1)).unwrap();
    let file = fs::read(dbpath.path().join(FILE_NAME)).unwrap();
    for part in key.expose().windows(8).chain(master(1).expose().windows(8)) {
        assert!(!file.windows(8).any(|window| window == part));
    }
    assert!(
        !file.windows(16).any(|window| window == tree(1).0),
        "the body is sealed"
    );
}

#[test]
fn dropping_a_tree_destroys_its_keys() {
    let (dbpath, keystore) = created();
    keystore.create_data_key(tree(1)).unwrap();
    keystore.create_data_key(tree(2)).unwrap();
    keystore.destroy_data_key(tree(1)).unwrap();
    keystore.destroy_data_key(tree(1)).unwrap();
    assert!(keystore.data_keys(tree(1)).unwrap().is_empty());
    let again = Keystore::open(dbpath.path(), &master(1)).unwrap();
    assert_eq!(again.tree_ids(), [tree(2)]);
}

#[test]
fn a_tree_gets_its_first_key_once() {
    let (_dbpath, keystore) = created();
    keystore.create_data_key(tree(1)).unwrap();
    let sequence = keystore.info().sequence;
    assert!(
        matches!(keystore.create_data_key(tree(1)), Err(Error::TreeExists(id)) if id == tree(1))
    );
    assert!(matches!(
        keystore.rotate_data_key(tree(2)),
        Err(Error::UnknownTree(_))
    ));
    assert_eq!(
        keystore.info().sequence,
        sequence,
        "a refused change writes nothing"
    );
}

#[test]
fn rotating_a_data_key_keeps_the_old_for_reading() {
    let (dbpath, keystore) = created();
    let (_, first) = keystore.create_data_key(tree(1)).unwrap();
    let (id, second) = keystore.rotate_data_key(tree(1)).unwrap();
    assert_eq!(id, 2);
    let again = Keystore::open(dbpath.path(), &master(1)).unwrap();
    let expected = vec![
        (tree(1), 1, KeyState::DecryptOnly, *first.expose()),
        (tree(1), 2, KeyState::Active, *second.expose()),
    ];
    assert_eq!(contents(&again), expected);
    assert_eq!(again.active_key_id(tree(1)), Some(2));
    assert_eq!(again.active_key_id(tree(2)), None);
    let (state, key) = again.data_key(tree(1), 1).unwrap().unwrap();
    assert_eq!(
        (state, key.expose()),
        (KeyState::DecryptOnly, first.expose())
    );
    assert!(again.data_key(tree(1), 3).unwrap().is_none());
}

#[test]
fn rewrapping_changes_the_master_key_and_nothing_else() {
    let (dbpath, keystore) = created();
    keystore.create_data_key(tree(1)).unwrap();
    keystore.create_data_key(tree(2)).unwrap();
    let before = contents(&keystore);
    let next = MasterKeyRef::kmip(2, kmip_key(2).name, None).unwrap();
    keystore.announce_next(Some(next.clone())).unwrap();
    let header = Keystore::inspect(dbpath.path()).unwrap().unwrap();
    assert_eq!(
        (header.master_key(), header.pending()),
        (Some(&kmip_key(1)), Some(&next))
    );

    rewrap(&keystore, 2);
    assert_eq!(contents(&keystore), before);
    assert_eq!(keystore.info().pending, None);
    keystore.create_data_key(tree(3)).unwrap();

    let again = Keystore::open(dbpath.path(), &master(2)).unwrap();
    assert_eq!(contents(&again)[..2], before);
    assert_eq!(again.info().master_key, kmip_key(2));
    assert!(matches!(
        Keystore::open(dbpath.path(), &master(1)),
        Err(Error::WrongKey { .. })
    ));

    // The copy opens with the old key only.
    let copy = dbpath.path().join(PREVIOUS_FILE_NAME);
    fs::rename(copy, dbpath.path().join(FILE_NAME)).unwrap();
    let old = Keystore::open(dbpath.path(), &master(1)).unwrap();
    assert_eq!(contents(&old), before);
    assert!(matches!(
        Keystore::open(dbpath.path(), &master(2)),
        Err(Error::WrongKey { .. })
    ));
}

#[test]
fn an_announcement_is_completed_or_withdrawn() {
    let dbpath = dbpath();
    let path = dbpath.path();
    let announce = || Keystore::announce(path, DBPATH_ID, Cipher::Aes256Gcm, kmip_key(1));
    let header = announce().unwrap();
    assert_eq!(Keystore::inspect(path).unwrap().unwrap(), header);
    assert_eq!(
        (header.master_key(), header.pending()),
        (None, Some(&kmip_key(1)))
    );
    assert!(matches!(announce(), Err(Error::AlreadyExists { .. })));
    assert!(matches!(
        Keystore::open(path, &master(1)),
        Err(Error::Incomplete { .. })
    ));

    // Another one takes its place.
    let another = || Keystore::announce_another(path, Cipher::XChaCha20Poly1305, kmip_key(7));
    let header = another().unwrap();
    assert_eq!(Keystore::inspect(path).unwrap().unwrap(), header);
    assert_eq!(header.pending(), Some(&kmip_key(7)));
    assert_eq!((header.sequence(), header.dbpath_id()), (2, DBPATH_ID));
    assert_eq!(header.cipher(), Cipher::XChaCha20Poly1305);

    Keystore::withdraw(path).unwrap();
    assert!(Keystore::inspect(path).unwrap().is_none());
    Keystore::withdraw(path).unwrap();
    assert!(matches!(another(), Err(Error::NotFound { .. })));

    announce().unwrap();
    let create = |id| Keystore::create(path, id, Cipher::Aes256Gcm, kmip_key(1), &master(1));
    assert!(matches!(
        create(uuid::Uuid::from_u128(9)),
        Err(Error::AlreadyExists { .. })
    ));
    assert_eq!(create(DBPATH_ID).unwrap().info().sequence, 2);
    assert!(matches!(
        create(DBPATH_ID),
        Err(Error::AlreadyExists { .. })
    ));
    assert!(matches!(
        Keystore::withdraw(path),
        Err(Error::AlreadyExists { .. })
    ));
    assert!(matches!(another(), Err(Error::AlreadyExists { .. })));
    assert!(Keystore::open(path, &master(1)).is_ok());
}

#[test]
fn a_missing_keystore_and_an_unwritable_dbpath_are_told() {
    let dbpath = dbpath();
    assert!(matches!(
        Keystore::open(dbpath.path(), &master(1)),
        Err(Error::NotFound { .. })
    ));
    let nowhere = dbpath.path().join("nowhere");
    let error =
        Keystore::announce(&nowhere, DBPATH_ID, Cipher::Aes256Gcm, kmip_key(1)).unwrap_err();
    assert!(error.to_string().contains("nowhere"), "{error}");
}

#[test]
fn a_failed_change_leaves_everything_as_it_was() {
    let (dbpath, keystore) = created();
    keystore.create_data_key(tree(1)).unwrap();
    let before = contents(&keystore);
    // A directory in the way of the temporary file: works for root, too.
    let in_the_way = dbpath.path().join(keystore::TEMPORARY_FILE_NAME);
    fs::create_dir(&in_the_way).unwrap();
    assert!(matches!(
        keystore.create_data_key(tree(2)),
        Err(Error::Io { .. })
    ));
    assert_eq!(contents(&keystore), before);
    assert_eq!(
        contents(&Keystore::open(dbpath.path(), &master(1)).unwrap()),
        before
    );
    fs::remove_dir(&in_the_way).unwrap();
    keystore.create_data_key(tree(2)).unwrap();
}

#[test]
fn threads_change_it_at_once() {
    let (dbpath, keystore) = created();
    let keystore = Arc::new(keystore);
    let threads: Vec<_> = (1..=4u8)
        .map(|i| {
            let keystore = Arc::clone(&keystore);
            std::thread::spawn(move || {
                for j in 0..5u8 {
                    keystore.create_data_key(tree(i * 10 + j)).unwrap();
                    assert_eq!(keystore.data_keys(tree(i * 10 + j)).unwrap().len(), 1);
                }
                keystore.destroy_data_key(tree(i * 10)).unwrap();
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(keystore.tree_ids().len(), 16);
    let again = Keystore::open(dbpath.path(), &master(1)).unwrap();
    assert_eq!(contents(&again), contents(&keystore));
}

#[test]
fn debug_shows_no_key() {
    let (_dbpath, keystore) = created();
    let (_, key) = keystore.create_data_key(tree(1)).unwrap();
    let shown = format!("{keystore:?} {key:?}");
    assert!(shown.contains("DataKey(redacted)") && shown.contains("id-1"));
    let listed = format!("{:?}", &key.expose()[..4]);
    assert!(!shown.contains(listed.trim_matches(['[', ']'])));
    assert!(!shown.contains(&hex::encode(&key.expose()[..4])));
}
