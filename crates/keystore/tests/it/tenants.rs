//! Tenants bring their own keys, on a KMIP server.

use keystore::provider::kmip::{KmipKeyError, KmipKeys};
use keystore::rotation::{
    Origin, RotationError, Target, TreeTarget, revoke_old, rotate, set_tree_key, unlock_tree,
};
use keystore::{Error, MasterKeyRef, tree_key_name};
use kmip::registry::{RevocationReasonCode, State};

use crate::front::{Front, Ways};
use crate::support::*;
use crate::world::*;

fn given<'a>(keys: &'a mut KmipKeys, key: &'a str) -> TreeTarget<'a> {
    TreeTarget::KmipKey { keys, key }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_brings_a_key() {
    let (world, port) = World::new().await;
    let front = Front::start(&world, port, Ways::MakesNonce).await;
    let (site, dbpath) = (world.site(front.port), world.dbpath());
    let keystore = site.created(&dbpath).await;
    keystore.create_data_key(tree(1)).unwrap();
    keystore.create_data_key(tree(2)).unwrap();
    let before = contents(&keystore);
    let first = site.active_key("tenant").await;
    let second = site.active_key("tenant 2").await;
    for (wrap, key) in [
        (false, "tenant"),
        (true, "tenant"),
        (true, &second),
        (false, &first),
    ] {
        let mut keys = site.keys().await.with_wrap_on_server(wrap);
        let set = set_tree_key(&keystore, tree(2), given(&mut keys, key))
            .await
            .unwrap();
        assert_eq!(set.new.unwrap().is_wrapped_on_server(), wrap);
        let again = set_tree_key(&keystore, tree(2), given(&mut keys, key)).await;
        assert!(matches!(again, Err(RotationError::NothingToRotate { .. })));

        let reopened = site.open(&dbpath).await;
        let other = set_tree_key(&reopened, tree(2), given(&mut keys, "tenant")).await;
        let Err(RotationError::Keystore(Error::Locked { .. })) = other else {
            panic!("{other:?}");
        };
        unlock_tree(&reopened, tree(2), &mut site.keys().await)
            .await
            .unwrap();
        assert_eq!(contents(&reopened), before);
    }
    assert_eq!(keystore.tree_master_keys()[0].key.generation, 4);
    let mut keys = site.keys().await;
    let none = unlock_tree(&keystore, tree(1), &mut keys).await;
    let Err(RotationError::Keystore(Error::NoTreeMasterKey(_))) = none else {
        panic!("{none:?}");
    };

    // The tenant takes the key away: his tree stays locked, and the rest goes on.
    let mut session = site.session().await;
    let reason = RevocationReasonCode::CessationOfOperation;
    session.revoke(&first, reason, None).await.unwrap();
    let reopened = site.open(&dbpath).await;
    let refused = unlock_tree(&reopened, tree(2), &mut keys)
        .await
        .unwrap_err();
    let RotationError::Kmip(KmipKeyError::NotActive { .. }) = refused else {
        panic!("{refused}");
    };
    assert!(reopened.check_unlocked(tree(2)).is_err());
    reopened.rotate_data_key(tree(1)).unwrap();
    rotate(&reopened, Target::NewKmipKey(&mut keys))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn trees_with_a_key_of_their_own_stay_under_it() {
    let (world, port) = World::new().await;
    let (site, dbpath) = (world.site(port), world.dbpath());
    let keystore = site.created(&dbpath).await;
    keystore.create_data_key(tree(1)).unwrap();
    keystore.create_data_key(tree(2)).unwrap();
    let mut keys = site.keys().await;
    let fetched = keys.fetch(&site.active_key("tenant").await).await.unwrap();
    let own = fetched.reference(1, None).unwrap();
    keystore
        .set_tree_master_key(tree(2), own.clone(), &fetched.key)
        .unwrap();
    let before = contents(&keystore);
    keystore.lock_tree(tree(2)).unwrap();
    let rotated = rotate(&keystore, Target::NewKmipKey(&mut keys))
        .await
        .unwrap();
    assert_eq!(rotated.untouched_trees, [tree(2)]);
    let keystore = site.open(&dbpath).await;
    let id = keystore.info().dbpath_id;
    let opened = keys.open_key(&own, id, Some(tree(2))).await.unwrap();
    keystore.unlock_tree(tree(2), &opened.key).unwrap();
    assert_eq!(contents(&keystore), before);
}

/// Each own key of a tree has a number, and so a Name, that none before it had: also after it was back under the
/// dbpath's, which is when a Name could come round again.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_given_once() {
    let (world, port) = World::new().await;
    let (site, dbpath) = (world.site(port), world.dbpath());
    let keystore = site.created(&dbpath).await;
    keystore.create_data_key(tree(1)).unwrap();
    let (before, id) = (contents(&keystore), keystore.info().dbpath_id);
    let mut keys = site.keys().await;
    let mut session = site.session().await;
    let mut used = Vec::new();
    for round in 0..3_u32 {
        for step in 1..=2 {
            let rotated = set_tree_key(&keystore, tree(1), TreeTarget::NewKmipKey(&mut keys));
            let rotated = rotated.await.unwrap();
            assert_eq!(rotated.origin, Some(Origin::Created), "{round} {step}");
            let new = rotated.new.unwrap();
            assert_eq!(new.generation, 2 * round + step);
            assert_eq!(new.name, Some(tree_key_name(id, tree(1), new.generation)));
            used.push(new.identifier.unwrap());
        }
        if round == 1 {
            // Revoked or not, a superseded key is not taken again.
            let reason = RevocationReasonCode::Superseded;
            session.revoke(&used[3], reason, None).await.unwrap();
        }
        let back = set_tree_key(&keystore, tree(1), TreeTarget::Default);
        let back = back.await.unwrap();
        assert_eq!((back.new, back.origin), (None, None));
        assert_eq!(back.old.unwrap().identifier.as_ref(), used.last());
    }
    used.sort();
    used.dedup();
    assert_eq!(used.len(), 6, "each rotation has a key of its own");
    // The numbers go on after a restart, too.
    let keystore = site.open(&dbpath).await;
    assert_eq!(contents(&keystore), before);
    assert_eq!(keystore.tree_lineage(tree(1)).unwrap().last_generation, 6);

    // A copy of the dbpath that was changed on its own has taken the next Name: its key is not ours.
    let theirs = site.active_key(&tree_key_name(id, tree(1), 7)).await;
    let rotated = set_tree_key(&keystore, tree(1), TreeTarget::NewKmipKey(&mut keys));
    let new = rotated.await.unwrap().new.unwrap();
    assert_ne!(new.identifier, Some(theirs));
    assert_eq!(
        new.name,
        Some(format!("{}-2", tree_key_name(id, tree(1), 7)))
    );
    assert_eq!(new.generation, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_interrupted_change_of_a_trees_key_left_is_picked_up() {
    let (world, port) = World::new().await;
    let site = world.site(port);
    let mut session = site.session().await;
    // How far it got: announced, created, activated; and revoked by somebody since.
    for progress in 0..4 {
        let dbpath = world.dbpath();
        let keystore = site.created(&dbpath).await;
        keystore.create_data_key(tree(1)).unwrap();
        let name = tree_key_name(keystore.info().dbpath_id, tree(1), 1);
        let next = MasterKeyRef::kmip(1, Some(name.clone()), None).unwrap();
        keystore
            .announce_tree_key(tree(1), Some(next.clone()))
            .unwrap();
        let keystore = site.open(&dbpath).await;
        let [announced] = &keystore.announced_tree_keys()[..] else {
            panic!("not announced");
        };
        assert_eq!((announced.tree, &announced.pending), (tree(1), &Some(next)));
        let mut left = None;
        if progress > 0 {
            let key = kmip_client::NewSymmetricKey::aes256(&name);
            let identifier = session.create_symmetric_key(&key).await.unwrap();
            if progress > 1 {
                session.activate(&identifier).await.unwrap();
            }
            if progress > 2 {
                let reason = RevocationReasonCode::Superseded;
                session.revoke(&identifier, reason, None).await.unwrap();
            }
            left = Some(identifier);
        }
        let mut keys = site.keys().await;
        let rotated = set_tree_key(&keystore, tree(1), TreeTarget::NewKmipKey(&mut keys));
        let rotated = rotated.await.unwrap();
        let new = rotated.new.unwrap();
        if progress == 3 {
            assert_eq!(rotated.origin, Some(Origin::Created));
            assert_eq!(rotated.not_needed.unwrap().name, name);
            assert_eq!(new.name, Some(format!("{name}-2")));
        } else {
            let found = left.is_some();
            let expected = if found {
                Origin::FoundAgain
            } else {
                Origin::Created
            };
            assert_eq!(rotated.origin, Some(expected), "{progress}");
            assert!(left.is_none() || new.identifier == left);
            assert_eq!(site.count(&name).await, 1);
        }
        let keystore = site.open(&dbpath).await;
        assert!(keystore.announced_tree_keys().is_empty());
        assert_eq!(keystore.tree_master_keys()[0].key, new);
    }
}

/// Another key than the announced one, or none: the announcement ends, and what may be left is named.
#[tokio::test(flavor = "multi_thread")]
async fn an_announcement_that_is_not_followed_is_told() {
    let (world, port) = World::new().await;
    let (site, dbpath) = (world.site(port), world.dbpath());
    let keystore = site.created(&dbpath).await;
    keystore.create_data_key(tree(1)).unwrap();
    let name = tree_key_name(keystore.info().dbpath_id, tree(1), 1);
    let next = MasterKeyRef::kmip(1, Some(name.clone()), None).unwrap();
    let left = site.active_key(&name).await;
    site.active_key("tenant").await;
    let mut keys = site.keys().await;
    let announce = || {
        let next = Some(next.clone());
        keystore.announce_tree_key(tree(1), next).unwrap();
    };

    announce();
    let set = set_tree_key(&keystore, tree(1), given(&mut keys, "tenant"));
    let told = set.await.unwrap().not_needed.unwrap();
    assert_eq!((&told.name, told.identifier), (&name, Some(left)));
    announce();
    let back = set_tree_key(&keystore, tree(1), TreeTarget::Default);
    let told = back.await.unwrap().not_needed.unwrap();
    assert_eq!((told.name, told.identifier), (name, None));
    assert!(keystore.announced_tree_keys().is_empty());

    // What is announced is this dbpath's to create, not a copy's; and ends with the tree.
    announce();
    let backup = tempfile::tempdir().unwrap();
    keystore.copy_to(backup.path()).unwrap();
    let copy = keystore::Keystore::open(backup.path(), &site.master(&dbpath).await).unwrap();
    assert!(copy.announced_tree_keys().is_empty());
    assert_eq!(copy.tree_lineage(tree(1)).unwrap().last_generation, 1);
    keystore.destroy_data_key(tree(1)).unwrap();
    assert!(keystore.announced_tree_keys().is_empty());
    assert!(keystore.tree_lineage(tree(1)).is_err());
    site.open(&dbpath).await;
}

/// While a tree comes under a key, that key is not revoked, and the other way round: whichever is first, the tree is
/// never under a key that was revoked by us.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_not_revoked_while_a_tree_comes_under_it() {
    let (world, port) = World::new().await;
    let site = world.site(port);
    let (mut revoked, mut taken) = (0, 0);
    for attempt in 0..30_u64 {
        let dbpath = world.dbpath();
        let keystore = site.created(&dbpath).await;
        keystore.create_data_key(tree(1)).unwrap();
        let old = keystore.master_key();
        let identifier = old.identifier.clone().unwrap();
        let (mut one, mut two) = (site.keys().await, site.keys().await);
        rotate(&keystore, Target::NewKmipKey(&mut one))
            .await
            .unwrap();
        let set = async {
            let target = given(&mut one, &identifier);
            set_tree_key(&keystore, tree(1), target).await
        };
        let revoke = async {
            tokio::time::sleep(std::time::Duration::from_micros(attempt * 300)).await;
            revoke_old(&keystore, &mut two, &old).await
        };
        let (set, revoke) = tokio::join!(set, revoke);
        let mut session = site.session().await;
        let state = session.get_attributes(&identifier).await.unwrap().state;
        let is_under = keystore.tree_master_key(tree(1)).unwrap().is_some();
        assert_eq!(set.is_ok(), is_under, "{attempt}");
        match revoke {
            Ok(()) => {
                revoked += 1;
                assert_eq!(
                    (is_under, state),
                    (false, Some(State::Deactivated)),
                    "{attempt}"
                );
            }
            Err(RotationError::StillNeeded { .. }) => {
                taken += 1;
                assert_eq!((is_under, state), (true, Some(State::Active)), "{attempt}");
            }
            Err(error) => panic!("{attempt}: {error}"),
        }
    }
    assert_eq!(revoked + taken, 30);
    assert!(taken > 0, "{revoked} {taken}");
}
