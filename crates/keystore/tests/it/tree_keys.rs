//! Trees with a master key of their own.

use std::fs;

use keystore::{Error, FILE_NAME, Keystore, MasterKeyRef, PREVIOUS_FILE_NAME};

use crate::support::*;

/// The reference of a tenant's key.
fn tenant_key() -> MasterKeyRef {
    MasterKeyRef::kmip(1, None, Some("tenant-id".to_owned())).unwrap()
}

/// Trees 1 and 2; 2 is under `master(9)`. What they hold.
fn with_tenant() -> (tempfile::TempDir, Keystore, Contents) {
    let (dbpath, keystore) = created();
    keystore.create_data_key(tree(1)).unwrap();
    keystore.create_data_key(tree(2)).unwrap();
    keystore.rotate_data_key(tree(2)).unwrap();
    keystore
        .set_tree_master_key(tree(2), tenant_key(), &master(9))
        .unwrap();
    let contents = contents(&keystore);
    (dbpath, keystore, contents)
}

fn is_locked<T>(result: Result<T, Error>) -> bool {
    matches!(result, Err(Error::Locked { tree: id, key }) if id == tree(2) && *key == tenant_key())
}

#[test]
fn the_rest_opens_without_the_tenants_key() {
    let (dbpath, keystore, before) = with_tenant();
    let [own] = &keystore.tree_master_keys()[..] else {
        panic!("not one");
    };
    assert_eq!(
        (own.tree, &own.key, own.is_unlocked),
        (tree(2), &tenant_key(), true)
    );
    drop(keystore);

    let keystore = Keystore::open(dbpath.path(), &master(1)).unwrap();
    let info = keystore.info();
    assert_eq!((info.trees, info.data_keys), (2, 3));
    assert_eq!((info.tree_master_keys, info.locked_trees), (1, 1));
    assert_eq!(keystore.tree_ids(), [tree(1), tree(2)]);
    assert_eq!(keystore.data_keys(tree(1)).unwrap().len(), 1);
    assert!(!keystore.tree_master_keys()[0].is_unlocked);

    assert!(is_locked(keystore.data_keys(tree(2))));
    assert!(is_locked(keystore.data_key(tree(2), 1)));
    assert!(is_locked(keystore.rotate_data_key(tree(2))));
    assert!(is_locked(keystore.check_unlocked(tree(2))));
    assert!(is_locked(keystore.clear_tree_master_key(tree(2))));
    assert!(is_locked(keystore.rewrap_tree(
        tree(2),
        tenant_key(),
        &master(8)
    )));
    assert!(matches!(
        keystore.create_data_key(tree(2)),
        Err(Error::TreeExists(_))
    ));
    assert_eq!(keystore.active_key_id(tree(2)), Some(2));
    let message = keystore.data_keys(tree(2)).unwrap_err().to_string();
    assert!(
        message.contains("tenant-id") && message.contains("locked"),
        "{message}"
    );

    keystore.unlock_tree(tree(2), &master(9)).unwrap();
    assert_eq!(contents(&keystore), before);
    keystore.unlock_tree(tree(2), &master(9)).unwrap();
    assert_eq!(keystore.info().locked_trees, 0);
}

#[test]
fn a_wrong_key_is_told_from_damage_and_changes_nothing() {
    let (dbpath, _, _) = with_tenant();
    let keystore = Keystore::open(dbpath.path(), &master(1)).unwrap();
    for wrong in [1, 2, 8] {
        let error = keystore.unlock_tree(tree(2), &master(wrong)).unwrap_err();
        assert!(matches!(error, Error::WrongTreeKey { .. }), "{error}");
        let message = error.to_string();
        assert!(
            message.contains("tenant-id") && message.contains("undamaged"),
            "{message}"
        );
        assert!(is_locked(keystore.data_keys(tree(2))));
    }
    // The tenant's key is no way into the rest.
    assert!(matches!(
        Keystore::open(dbpath.path(), &master(9)),
        Err(Error::WrongKey { .. })
    ));
    assert!(matches!(
        keystore.unlock_tree(tree(1), &master(1)),
        Err(Error::NoTreeMasterKey(_))
    ));
    assert!(matches!(
        keystore.unlock_tree(tree(7), &master(1)),
        Err(Error::UnknownTree(_))
    ));
}

#[test]
fn locking_forgets_the_data_keys() {
    let (_dbpath, keystore, before) = with_tenant();
    let sequence = keystore.info().sequence;
    keystore.lock_tree(tree(2)).unwrap();
    keystore.lock_tree(tree(2)).unwrap();
    assert!(is_locked(keystore.data_key(tree(2), 1)));
    keystore.unlock_tree(tree(2), &master(9)).unwrap();
    assert_eq!(contents(&keystore), before);
    assert_eq!(keystore.info().sequence, sequence, "nothing is written");
    assert!(matches!(
        keystore.lock_tree(tree(1)),
        Err(Error::NoTreeMasterKey(_))
    ));
}

#[test]
fn rotating_the_default_key_leaves_a_tenants_entries_as_they_are() {
    for locked in [true, false] {
        let (dbpath, keystore, before) = with_tenant();
        if locked {
            keystore.lock_tree(tree(2)).unwrap();
        }
        rewrap(&keystore, 2);
        keystore.create_data_key(tree(3)).unwrap();
        drop(keystore);
        let keystore = Keystore::open(dbpath.path(), &master(2)).unwrap();
        assert!(is_locked(keystore.data_keys(tree(2))));
        keystore.unlock_tree(tree(2), &master(9)).unwrap();
        assert_eq!(contents(&keystore)[..3], before);

        // The copy of before opens with the old default key, and has the tenant's entries under his key, too.
        let copy = dbpath.path().join(PREVIOUS_FILE_NAME);
        fs::rename(copy, dbpath.path().join(FILE_NAME)).unwrap();
        assert!(matches!(
            Keystore::open(dbpath.path(), &master(2)),
            Err(Error::WrongKey { .. })
        ));
        let keystore = Keystore::open(dbpath.path(), &master(1)).unwrap();
        assert!(is_locked(keystore.data_keys(tree(2))));
        keystore.unlock_tree(tree(2), &master(9)).unwrap();
        assert_eq!(contents(&keystore), before);
    }
}

#[test]
fn a_tenants_key_is_rotated_and_taken_away() {
    let (dbpath, keystore, before) = with_tenant();
    let next = MasterKeyRef::kmip(2, None, Some("tenant-id-2".to_owned())).unwrap();
    keystore
        .rewrap_tree(tree(2), next.clone(), &master(8))
        .unwrap();
    assert_eq!(contents(&keystore), before);
    assert!(matches!(
        keystore.rewrap_tree(tree(1), next.clone(), &master(8)),
        Err(Error::NoTreeMasterKey(_))
    ));

    let keystore = Keystore::open(dbpath.path(), &master(1)).unwrap();
    assert_eq!(
        keystore.tree_master_key(tree(2)).unwrap().unwrap().key,
        next
    );
    assert!(matches!(
        keystore.unlock_tree(tree(2), &master(9)),
        Err(Error::WrongTreeKey { .. })
    ));
    keystore.unlock_tree(tree(2), &master(8)).unwrap();
    // A data key that is added while the tree has its own master key is under that.
    let (_, added) = keystore.rotate_data_key(tree(2)).unwrap();
    drop(keystore);
    let keystore = Keystore::open(dbpath.path(), &master(1)).unwrap();
    keystore.unlock_tree(tree(2), &master(8)).unwrap();
    assert_eq!(
        keystore.data_keys(tree(2)).unwrap()[2].2.expose(),
        added.expose()
    );

    keystore.clear_tree_master_key(tree(2)).unwrap();
    keystore.clear_tree_master_key(tree(2)).unwrap();
    let keystore = Keystore::open(dbpath.path(), &master(1)).unwrap();
    assert!(keystore.tree_master_keys().is_empty());
    assert_eq!(keystore.data_keys(tree(2)).unwrap().len(), 3);
    assert_eq!(
        keystore.data_keys(tree(2)).unwrap()[2].2.expose(),
        added.expose()
    );
}

#[test]
fn a_locked_tree_is_dropped() {
    let (dbpath, keystore, _) = with_tenant();
    keystore.lock_tree(tree(2)).unwrap();
    keystore.destroy_data_key(tree(2)).unwrap();
    keystore.destroy_data_key(tree(2)).unwrap();
    assert!(keystore.tree_master_keys().is_empty());
    let keystore = Keystore::open(dbpath.path(), &master(1)).unwrap();
    assert_eq!(keystore.tree_ids(), [tree(1)]);
    // The same tree may come again, under the default key.
    keystore.create_data_key(tree(2)).unwrap();
    assert!(keystore.data_keys(tree(2)).is_ok());
}

#[test]
fn which_key_a_tenant_uses_is_not_to_be_seen() {
    let (dbpath, keystore, _) = with_tenant();
    let file = fs::read(dbpath.path().join(FILE_NAME)).unwrap();
    assert!(!file.windows(9).any(|window| window == b"tenant-id"));
    // Nor do entries change places: what is under the tenant's key is bound to its tree.
    let shown = format!("{keystore:?}");
    assert!(!shown.contains("tenant-id"), "{shown}");
}

#[test]
fn a_tree_that_is_not_there_gets_no_key() {
    let (_dbpath, keystore, _) = with_tenant();
    let sequence = keystore.info().sequence;
    let unknown = |result: Result<(), Error>| matches!(result, Err(Error::UnknownTree(_)));
    assert!(unknown(keystore.set_tree_master_key(
        tree(7),
        tenant_key(),
        &master(9)
    )));
    assert!(unknown(keystore.rewrap_tree(
        tree(7),
        tenant_key(),
        &master(9)
    )));
    assert!(unknown(keystore.clear_tree_master_key(tree(7))));
    assert!(unknown(keystore.lock_tree(tree(7))));
    assert_eq!(keystore.info().sequence, sequence);
}
