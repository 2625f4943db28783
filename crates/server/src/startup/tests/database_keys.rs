//! Changing the master key that a database has of its own: names, interruptions, revocation.

use keystore::rotation::RotationError;
use keystore::{MasterKeyRef, PREVIOUS_FILE_NAME, tree_key_name};
use kmip::registry::State;

use super::databases::{close, store, tenants, tree};
use super::rotation::{key, revoke};
use super::support::*;
use crate::encryption::{DatabaseKey, KeyChangeError};

/// A key that was superseded is never taken again, whether it is Active or was revoked.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_superseded_is_not_taken_again() {
    let world = World::new().await;
    let (opened, store, [north, _]) = tenants(&world, world.kmip()).await;
    let encryption = opened.encryption.clone().unwrap();
    let tree_ = tree(&store, "north");
    let change = async |to, revoke| {
        let changed = encryption.change_database_key(tree_, to, revoke).await;
        changed.unwrap()
    };
    let mut used = vec![north.clone()];
    for round in 0..3_u32 {
        let revoked = round == 1;
        let changed = change(DatabaseKey::Next, false).await.new.unwrap();
        assert_eq!(changed.generation, 2 + 2 * round, "the number goes on");
        let id = encryption.keystore().info().dbpath_id;
        assert_eq!(
            changed.name,
            Some(tree_key_name(id, tree_, changed.generation))
        );
        used.push(changed.identifier.unwrap());
        let back = change(DatabaseKey::Default, revoked).await;
        assert_eq!(back.old_revoked.is_some(), revoked);
        change(DatabaseKey::Given(north.clone()), false).await;
    }
    used.sort();
    used.dedup();
    assert_eq!(used.len(), 4);
    close(opened, store).await;
}

/// The process stopped, or the answer to Create was lost, after the Name was announced: the next attempt goes on with
/// that key, after a restart, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_announced_is_found_again() {
    let world = World::new().await;
    let (opened, store_, _) = tenants(&world, world.kmip()).await;
    let keystore = opened.keystore.clone().unwrap();
    let tree_ = tree(&store_, "north");
    let name = tree_key_name(keystore.info().dbpath_id, tree_, 2);
    let announced = MasterKeyRef::kmip(2, Some(name.clone()), None).unwrap();
    keystore.announce_tree_key(tree_, Some(announced)).unwrap();
    drop(keystore);
    close(opened, store_).await;
    let left = key(&world, &name, State::PreActive).await;

    let opened = world.open(world.kmip()).await.unwrap();
    let store_ = store(&world, &opened).await;
    let encryption = opened.encryption.clone().unwrap();
    let shown = encryption.databases(&store_);
    assert!(
        shown[0]
            .get_str("announcedMasterKey")
            .unwrap()
            .contains(&name)
    );
    let made = world.keys_made();
    let changed = encryption.change_database_key(tree_, DatabaseKey::Next, false);
    let new = changed.await.unwrap().new.unwrap();
    assert_eq!((new.identifier, new.name), (Some(left), Some(name)));
    assert_eq!(world.keys_made(), made);
    let shown = encryption.databases(&store_);
    assert!(shown[0].get("announcedMasterKey").unwrap().is_none());
    drop(encryption);
    close(opened, store_).await;
}

/// The database is under the server's key again; that the KMIP server is away, so that the old key cannot be revoked,
/// is told and is no error.
#[tokio::test(flavor = "multi_thread")]
async fn taken_back_while_the_kmip_server_is_away() {
    let mut world = World::new().await;
    let (opened, store, [north, _]) = tenants(&world, world.kmip()).await;
    let encryption = opened.encryption.clone().unwrap();
    let north_tree = tree(&store, "north");
    world.stop_server().await;
    let changed = encryption.change_database_key(north_tree, DatabaseKey::Default, true);
    let changed = changed.await.unwrap();
    assert_eq!(changed.old.unwrap().identifier, Some(north.clone()));
    assert!(changed.new.is_none());
    let problem = changed.old_revoked.unwrap().unwrap_err();
    assert!(problem.contains(&world.address.to_string()), "{problem}");
    assert_eq!(
        encryption.keystore().tree_master_key(north_tree).unwrap(),
        None
    );
    // What needs the KMIP server changes nothing without it.
    let south = tree(&store, "south");
    let before = encryption.keystore().tree_master_key(south).unwrap();
    let error = encryption.change_database_key(south, DatabaseKey::Next, true);
    let error = error.await.unwrap_err();
    assert!(matches!(error, KeyChangeError::Kmip(_)), "{error}");
    assert_eq!(
        encryption.keystore().tree_master_key(south).unwrap(),
        before
    );
    assert!(encryption.keystore().announced_tree_keys().is_empty());

    world.start().await;
    let mut session = world.session().await;
    let state = session.get_attributes(&north).await.unwrap().state;
    assert_eq!(state, Some(State::Active));
    close(opened, store).await;
}

/// One change of a master key at a time, of whichever kind: none is made under a key that another one revokes.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_not_put_under_a_key_while_the_servers_is_rotated() {
    let world = World::new().await;
    let (opened, store, _) = tenants(&world, world.kmip()).await;
    let encryption = opened.encryption.clone().unwrap();
    let north = tree(&store, "north");
    for _ in 0..10 {
        let old = encryption.keystore().master_key().identifier.unwrap();
        let to = DatabaseKey::Given(old.clone());
        let (rotated, set) = tokio::join!(
            encryption.rotate(None, true),
            encryption.change_database_key(north, to, false)
        );
        if let Err(error) = &rotated {
            assert!(
                matches!(
                    error,
                    KeyChangeError::Rotation(RotationError::UnderWay)
                        | KeyChangeError::StillNeeded { .. }
                ),
                "{error}"
            );
        }
        let mut session = world.session().await;
        let state = session.get_attributes(&old).await.unwrap().state;
        let own = encryption.keystore().tree_master_key(north).unwrap();
        let is_under = own.is_some_and(|own| own.key.identifier == Some(old));
        assert_eq!(is_under, set.is_ok(), "{set:?}");
        if is_under {
            assert_eq!(state, Some(State::Active));
            // Out of the way for the next round.
            let given = key(&world, &uuid::Uuid::new_v4().to_string(), State::Active).await;
            let to = DatabaseKey::Given(given);
            encryption
                .change_database_key(north, to, false)
                .await
                .unwrap();
        }
    }
    close(opened, store).await;
}

/// With the revocation of a database's key `keystore.previous` goes only if it is under that key.
#[tokio::test(flavor = "multi_thread")]
async fn revoking_a_key_leaves_the_previous_keystore_of_another() {
    let world = World::new().await;
    let (opened, store, _) = tenants(&world, world.kmip()).await;
    let encryption = opened.encryption.clone().unwrap();
    let rotated = encryption.rotate(None, false).await.unwrap().rotated;
    let previous = world.dbpath().join(PREVIOUS_FILE_NAME);
    let north = tree(&store, "north");
    let changed = encryption.change_database_key(north, DatabaseKey::Default, true);
    assert_eq!(changed.await.unwrap().old_revoked, Some(Ok(())));
    assert!(previous.exists(), "it opens with {}", rotated.old);
    let done = encryption.rotate(None, true).await.unwrap();
    assert_eq!(done.old_revoked, Some(Ok(())));
    assert!(!previous.exists());
    close(opened, store).await;
}

/// A dropped database takes its own key out of use, and what was announced for it is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_locked_database_is_dropped_with_what_was_announced() {
    let world = World::new().await;
    let (opened, store_, [north, _]) = tenants(&world, world.kmip()).await;
    let keystore = opened.keystore.clone().unwrap();
    let tree_ = tree(&store_, "north");
    let announced = MasterKeyRef::kmip(2, Some("announced".into()), None).unwrap();
    keystore.announce_tree_key(tree_, Some(announced)).unwrap();
    drop(keystore);
    close(opened, store_).await;
    revoke(&world, &north).await;
    let opened = world.open(world.kmip()).await.unwrap();
    let store_ = store(&world, &opened).await;
    let encryption = opened.encryption.clone().unwrap();
    let keys = encryption.keys_of(tree_).unwrap();
    assert!(store_.drop_database("north").await.unwrap());
    encryption.tree_dropped(keys);
    assert!(encryption.keystore().announced_tree_keys().is_empty());
    assert!(encryption.keys_of(tree_).is_none());
    drop(encryption);
    close(opened, store_).await;
}
