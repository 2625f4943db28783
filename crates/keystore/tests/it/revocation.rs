//! Master keys of before are revoked at any later time, once nothing of the dbpath needs them.

use keystore::provider::kmip::KmipKeyError;
use keystore::rotation::{
    RotationError, Target, TreeTarget, revoke, revoke_old, rotate, set_tree_key,
};
use keystore::{Keystore, MasterKeyRef, PREVIOUS_FILE_NAME, key_name};
use kmip::registry::State;

use crate::support::*;
use crate::world::*;

fn needed(error: RotationError, by: &str) {
    let message = error.to_string();
    assert!(
        matches!(error, RotationError::StillNeeded { .. }) && message.contains(by),
        "{message}"
    );
}

async fn state(site: &Site, identifier: &str) -> Option<State> {
    let mut session = site.session().await;
    session.get_attributes(identifier).await.unwrap().state
}

fn revoked(keystore: &Keystore) -> Vec<bool> {
    let history = keystore.info().history;
    let revoked = history
        .iter()
        .map(|entry| entry.revoked_unix_secs.is_some());
    revoked.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_dbpath() {
    let (world, port) = World::new().await;
    let (site, dbpath) = (world.site(port), world.dbpath());
    let keystore = site.created(&dbpath).await;
    keystore.create_data_key(tree(1)).unwrap();
    let mut keys = site.keys().await;
    let first = keystore.master_key().identifier.unwrap();
    needed(
        revoke(&keystore, &mut keys, &first, true)
            .await
            .unwrap_err(),
        "whose master key it is",
    );
    let second = rotate(&keystore, Target::NewKmipKey(&mut keys)).await;
    let second = second.unwrap().new;
    let error = revoke(&keystore, &mut keys, &first, false)
        .await
        .unwrap_err();
    needed(error, PREVIOUS_FILE_NAME);
    assert!(dbpath.join(PREVIOUS_FILE_NAME).exists());
    assert_eq!(state(&site, &first).await, Some(State::Active));
    assert_eq!(revoked(&keystore), [false, false]);

    rotate(&keystore, Target::NewKmipKey(&mut keys))
        .await
        .unwrap();
    let done = revoke(&keystore, &mut keys, &first, false).await.unwrap();
    assert_eq!(done.identifier, first);
    assert_eq!(done.names, [key_name(keystore.info().dbpath_id, 1)]);
    assert_eq!((done.previous_removed, done.in_history), (false, true));
    assert_eq!(state(&site, &first).await, Some(State::Deactivated));
    assert!(dbpath.join(PREVIOUS_FILE_NAME).exists());
    // By Name, with the copy that it opens; and again, which changes nothing more.
    let name = second.name.as_deref().unwrap();
    let done = revoke(&keystore, &mut keys, name, true).await.unwrap();
    assert_eq!(Some(done.identifier), second.identifier);
    assert!(done.previous_removed && !dbpath.join(PREVIOUS_FILE_NAME).exists());
    let reopened = site.open(&dbpath).await;
    assert_eq!(revoked(&reopened), [true, true, false]);
    let sequence = keystore.info().sequence;
    revoke(&keystore, &mut keys, &first, false).await.unwrap();
    assert_eq!(keystore.info().sequence, sequence, "it is noted already");

    // What a rotation revokes is noted as well.
    let third = keystore.master_key();
    rotate(&keystore, Target::NewKmipKey(&mut keys))
        .await
        .unwrap();
    revoke_old(&keystore, &mut keys, &third).await.unwrap();
    assert_eq!(
        revoked(&*site.open(&dbpath).await),
        [true, true, true, false]
    );
    let error = revoke(&keystore, &mut keys, "nowhere", true)
        .await
        .unwrap_err();
    assert!(
        matches!(error, RotationError::Kmip(KmipKeyError::NotFound { .. })),
        "{error}"
    );
}

/// A copy of the keystore that cannot be read may be under any key.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_previous_keystore_counts_as_needed() {
    let (world, port) = World::new().await;
    let (site, dbpath) = (world.site(port), world.dbpath());
    let keystore = site.created(&dbpath).await;
    let mut keys = site.keys().await;
    let first = keystore.master_key().identifier.unwrap();
    for _ in 0..2 {
        rotate(&keystore, Target::NewKmipKey(&mut keys))
            .await
            .unwrap();
    }
    std::fs::write(dbpath.join(PREVIOUS_FILE_NAME), b"damaged").unwrap();
    let error = revoke(&keystore, &mut keys, &first, false)
        .await
        .unwrap_err();
    needed(error, PREVIOUS_FILE_NAME);
    let done = revoke(&keystore, &mut keys, &first, true).await.unwrap();
    assert!(done.previous_removed);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_trees_and_of_others() {
    let (world, port) = World::new().await;
    let (site, dbpath) = (world.site(port), world.dbpath());
    let keystore = site.created(&dbpath).await;
    for n in 1..=2 {
        keystore.create_data_key(tree(n)).unwrap();
    }
    let mut keys = site.keys().await;
    let brought = site.active_key("brought by a tenant").await;
    for n in 1..=2 {
        let target = TreeTarget::KmipKey {
            keys: &mut keys,
            key: &brought,
        };
        set_tree_key(&keystore, tree(n), target).await.unwrap();
    }
    let error = revoke(&keystore, &mut keys, &brought, true)
        .await
        .unwrap_err();
    needed(error, "like that of 1 more");
    let mut made = Vec::new();
    for n in 1..=2 {
        let target = TreeTarget::NewKmipKey(&mut keys);
        let set = set_tree_key(&keystore, tree(n), target).await.unwrap();
        made.push(set.new.unwrap().identifier.unwrap());
        let error = revoke(&keystore, &mut keys, &made[n as usize - 1], true).await;
        needed(error.unwrap_err(), &tree(n).to_string());
    }
    set_tree_key(&keystore, tree(1), TreeTarget::Default)
        .await
        .unwrap();
    // Made for this dbpath, as its Name says, though the history has the keys of the dbpath only.
    let done = revoke(&keystore, &mut keys, &made[0], true).await.unwrap();
    assert!(!done.in_history);
    assert_eq!(state(&site, &made[0]).await, Some(State::Deactivated));
    // What was brought is not ours to revoke, nor is that of another dbpath.
    let other = site.created(&world.dbpath()).await;
    for foreign in [brought, other.master_key().identifier.unwrap()] {
        let error = revoke(&keystore, &mut keys, &foreign, true)
            .await
            .unwrap_err();
        assert!(
            matches!(error, RotationError::NotOfThisDbpath { .. }),
            "{error}"
        );
        assert_eq!(state(&site, &foreign).await, Some(State::Active));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn not_what_an_interrupted_change_announced() {
    let (world, port) = World::new().await;
    let (site, dbpath) = (world.site(port), world.dbpath());
    let keystore = site.created(&dbpath).await;
    keystore.create_data_key(tree(1)).unwrap();
    let mut keys = site.keys().await;
    let id = keystore.info().dbpath_id;
    for (name, of_tree) in [
        (key_name(id, 2), false),
        (keystore::tree_key_name(id, tree(1), 1), true),
    ] {
        let announced = MasterKeyRef::kmip(2, Some(name.clone()), None).unwrap();
        match of_tree {
            false => keystore.announce_next(Some(announced)).unwrap(),
            true => keystore
                .announce_tree_key(tree(1), Some(announced))
                .unwrap(),
        }
        let made = site.active_key(&name).await;
        let error = revoke(&keystore, &mut keys, &made, true).await.unwrap_err();
        needed(error, "the next one goes on with");
        assert_eq!(state(&site, &made).await, Some(State::Active));
        match of_tree {
            false => keystore.announce_next(None).unwrap(),
            true => keystore.announce_tree_key(tree(1), None).unwrap(),
        }
        revoke(&keystore, &mut keys, &made, true).await.unwrap();
    }
}
