//! Rotation and migration against a KMIP server.

use std::fs;

use keystore::provider::key_file;
use keystore::provider::kmip::KmipKeyError;
use keystore::rotation::{NotNeeded, Origin, RotationError, Target, migrate, revoke_old, rotate};
use keystore::{
    FILE_NAME, HistoryReason, Keystore, MasterKeyRef, PREVIOUS_FILE_NAME, Provider, key_name,
};
use kmip::registry::{CryptographicUsageMask, RevocationReasonCode, State};
use kmip_client::NewSymmetricKey;

use crate::front::{Front, Ways};
use crate::support::*;
use crate::world::*;

#[tokio::test(flavor = "multi_thread")]
async fn to_a_new_key() {
    let (world, port) = World::new().await;
    let (site, dbpath) = (world.site(port), world.dbpath());
    let keystore = site.created(&dbpath).await;
    keystore.create_data_key(tree(1)).unwrap();
    let (before, old) = (contents(&keystore), keystore.master_key());
    let old_master = site.master(&dbpath).await;
    let mut keys = site.keys().await;

    let rotated = rotate(&keystore, Target::NewKmipKey(&mut keys))
        .await
        .unwrap();
    assert_eq!((&rotated.old, &rotated.new), (&old, &keystore.master_key()));
    assert_eq!(
        (rotated.reason, rotated.origin),
        (HistoryReason::Rotated, Origin::Created)
    );
    assert_eq!(rotated.not_needed, None);
    assert!(rotated.untouched_trees.is_empty());
    let attributes = rotated.attributes.unwrap();
    assert_eq!(attributes.state, Some(State::Active));
    let usage = CryptographicUsageMask::Encrypt | CryptographicUsageMask::Decrypt;
    assert_eq!(attributes.usage, Some(usage));
    let name = key_name(keystore.info().dbpath_id, 2);
    assert_eq!(rotated.new.name.as_deref(), Some(name.as_str()));
    assert_eq!(rotated.new.generation, 2);
    assert_ne!(rotated.new.identifier, old.identifier);
    assert_eq!(keystore.info().pending, None);
    assert_eq!(
        contents(&keystore),
        before,
        "a keystore that is in use goes on"
    );
    drop(keystore);

    let keystore = site.open(&dbpath).await;
    assert_eq!(contents(&keystore), before);
    let history = keystore.info().history;
    assert_eq!(history.len(), 2);
    assert_eq!(
        (history[1].reason, &history[1].key),
        (HistoryReason::Rotated, &rotated.new)
    );
    assert!(Keystore::open(&dbpath, &old_master).is_err());
    fs::rename(dbpath.join(PREVIOUS_FILE_NAME), dbpath.join(FILE_NAME)).unwrap();
    assert!(Keystore::open(&dbpath, &old_master).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn to_a_given_key() {
    let (world, port) = World::new().await;
    let (site, dbpath) = (world.site(port), world.dbpath());
    let keystore = site.created(&dbpath).await;
    keystore.create_data_key(tree(1)).unwrap();
    let before = contents(&keystore);
    let mut keys = site.keys().await;
    for (generation, by_name) in [(2, false), (3, true)] {
        let name = format!("given/{generation}");
        let identifier = site.active_key(&name).await;
        let key = if by_name { &name } else { &identifier };
        let keys = &mut keys;
        let rotated = rotate(&keystore, Target::KmipKey { keys, key })
            .await
            .unwrap();
        assert_eq!(rotated.new.identifier, Some(identifier));
        assert_eq!(rotated.new.name, by_name.then_some(name));
        assert_eq!(
            (rotated.new.generation, rotated.origin),
            (generation, Origin::Given)
        );
        assert_eq!(contents(&*site.open(&dbpath).await), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_key_changes_nothing() {
    let (world, port) = World::new().await;
    let (site, dbpath) = (world.site(port), world.dbpath());
    let keystore = site.created(&dbpath).await;
    let mut session = site.session().await;
    let pre_active = NewSymmetricKey::aes256("pre-active");
    session.create_symmetric_key(&pre_active).await.unwrap();
    let short = NewSymmetricKey {
        bits: 128,
        ..NewSymmetricKey::aes256("short")
    };
    let short = session.create_symmetric_key(&short).await.unwrap();
    session.activate(&short).await.unwrap();
    let file = fs::read(dbpath.join(FILE_NAME)).unwrap();
    let current = keystore.master_key();
    let mut keys = site.keys().await;
    let mut refused = async |key: &str| {
        let keys = &mut keys;
        let error = rotate(&keystore, Target::KmipKey { keys, key })
            .await
            .unwrap_err();
        assert_eq!(fs::read(dbpath.join(FILE_NAME)).unwrap(), file, "{error}");
        assert!(!dbpath.join(PREVIOUS_FILE_NAME).exists());
        error
    };
    let error = refused("nowhere").await;
    assert!(
        matches!(error, RotationError::Kmip(KmipKeyError::NotFound { .. })),
        "{error}"
    );
    let error = refused("pre-active").await;
    assert!(
        matches!(error, RotationError::Kmip(KmipKeyError::NotActive { .. })),
        "{error}"
    );
    let error = refused("short").await;
    assert!(
        matches!(error, RotationError::Kmip(KmipKeyError::Unusable { .. })),
        "{error}"
    );
    for same in [current.identifier, current.name] {
        let error = refused(&same.unwrap()).await;
        assert!(
            matches!(error, RotationError::NothingToRotate { .. }),
            "{error}"
        );
        assert!(
            error.to_string().contains("nothing to rotate to"),
            "{error}"
        );
    }
}

/// With `activateKeys`, only an Active key will do; without, any. The old key's state never matters.
#[tokio::test(flavor = "multi_thread")]
async fn states_of_the_old_and_the_new_key() {
    let (world, port) = World::new().await;
    let site = world.site(port);
    let mut session = site.session().await;
    let reason = RevocationReasonCode::CessationOfOperation;
    for (activate, old_is_active) in [(true, true), (true, false), (false, true), (false, false)] {
        let dbpath = world.dbpath();
        site.created(&dbpath).await;
        let mut keys = site.keys_with(activate).await;
        for new in ["created", "PreActive", "Active", "Deactivated"] {
            let what = format!("activateKeys {activate}, old Active {old_is_active}, new {new}");
            let keystore = site.open(&dbpath).await;
            let old = keystore.master_key();
            let old_id = old.identifier.as_deref().unwrap();
            let state = session.get_attributes(old_id).await.unwrap().state;
            if !old_is_active && state == Some(State::Active) {
                session.revoke(old_id, reason, None).await.unwrap();
            }
            if new == "created" {
                let rotated = rotate(&keystore, Target::NewKmipKey(&mut keys)).await;
                let expected = if activate {
                    State::Active
                } else {
                    State::PreActive
                };
                let state = rotated.unwrap().attributes.unwrap().state;
                assert_eq!(state, Some(expected), "{what}");
                continue;
            }
            let key = NewSymmetricKey::aes256(uuid::Uuid::new_v4().to_string());
            let identifier = session.create_symmetric_key(&key).await.unwrap();
            if new != "PreActive" {
                session.activate(&identifier).await.unwrap();
            }
            if new == "Deactivated" {
                session.revoke(&identifier, reason, None).await.unwrap();
            }
            let target = Target::KmipKey {
                keys: &mut keys,
                key: &identifier,
            };
            let rotated = rotate(&keystore, target).await;
            assert_eq!(rotated.is_ok(), new == "Active" || !activate, "{what}");
            if let Err(error) = rotated {
                let expected = RotationError::Kmip(KmipKeyError::NotActive {
                    key: identifier,
                    server: format!("127.0.0.1:{port}"),
                    state: new.to_owned(),
                });
                assert_eq!(error.to_string(), expected.to_string(), "{what}");
                assert_eq!(site.open(&dbpath).await.master_key(), old, "{what}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn between_key_files_and_kmip() {
    let (mut world, port) = World::new().await;
    let other = world.another_server().await;
    let (a, b, dbpath) = (world.site(port), world.site(other), world.dbpath());
    let (first, second) = (world.key_file(1), world.key_file(2));
    let keystore = created_from_file(&dbpath, &first);
    keystore.create_data_key(tree(1)).unwrap();
    let before = contents(&keystore);

    let error = rotate(&keystore, Target::KeyFile(&first))
        .await
        .unwrap_err();
    assert!(
        matches!(error, RotationError::NothingToRotate { .. }),
        "{error}"
    );
    let rotated = rotate(&keystore, Target::KeyFile(&second)).await.unwrap();
    assert_eq!(rotated.reason, HistoryReason::Rotated);

    // The provider changes: a migration, whatever it is called.
    let (mut keys_a, mut keys_b) = (a.keys().await, b.keys().await);
    let to_a = rotate(&keystore, Target::NewKmipKey(&mut keys_a))
        .await
        .unwrap();
    assert_eq!(
        (to_a.reason, to_a.new.generation),
        (HistoryReason::Migrated, 3)
    );
    assert_eq!(contents(&*a.open(&dbpath).await), before);

    let to_b = migrate(&keystore, Target::NewKmipKey(&mut keys_b))
        .await
        .unwrap();
    assert_eq!(
        (to_b.reason, to_b.new.generation),
        (HistoryReason::Migrated, 4)
    );
    assert_eq!(contents(&*b.open(&dbpath).await), before);
    assert_eq!(a.count(&key_name(keystore.info().dbpath_id, 4)).await, 0);

    let to_file = migrate(&keystore, Target::KeyFile(&first)).await.unwrap();
    assert_eq!(to_file.new, MasterKeyRef::key_file(5));
    let master = key_file::read(&first).unwrap();
    let keystore = Keystore::open(&dbpath, &master).unwrap();
    assert_eq!(contents(&keystore), before);
    let reasons: Vec<_> = keystore
        .info()
        .history
        .iter()
        .map(|entry| entry.reason)
        .collect();
    let reasons: Vec<_> = reasons.iter().map(ToString::to_string).collect();
    let expected = ["created", "rotated", "migrated", "migrated", "migrated"];
    assert_eq!(reasons, expected);
}

/// The row of the table where the bytes agree: a key file's key that was registered on a KMIP server.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_at_another_provider_are_a_migration() {
    let (mut world, port) = World::new().await;
    let other = world.another_server().await;
    let (a, b, dbpath) = (world.site(port), world.site(other), world.dbpath());
    let file = world.key_file(3);
    let keystore = created_from_file(&dbpath, &file);
    let material = kmip::SecretBytes::from(&[3; 32]);
    for (site, name) in [(&a, "registered"), (&a, "again"), (&b, "elsewhere")] {
        let mut session = site.session().await;
        let key = NewSymmetricKey::aes256(name);
        let id = session
            .register_symmetric_key(&key, &material)
            .await
            .unwrap();
        session.activate(&id).await.unwrap();
    }
    let (mut keys_a, mut keys_b) = (a.keys().await, b.keys().await);
    let (keys, key) = (&mut keys_a, "registered");
    let target = Target::KmipKey { keys, key };
    let migrated = migrate(&keystore, target).await.unwrap();
    assert_eq!(migrated.reason, HistoryReason::Migrated);
    // The same bytes under another name are no new key, but another server's are where they are.
    let (keys, key) = (&mut keys_a, "again");
    let target = Target::KmipKey { keys, key };
    let error = rotate(&keystore, target).await.unwrap_err();
    assert!(
        matches!(error, RotationError::NothingToRotate { .. }),
        "{error}"
    );
    let (keys, key) = (&mut keys_b, "elsewhere");
    let migrated = migrate(&keystore, Target::KmipKey { keys, key })
        .await
        .unwrap();
    assert_eq!(migrated.new.name.as_deref(), Some("elsewhere"));
    b.open(&dbpath).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_interrupted_rotation_left_is_picked_up() {
    let (world, port) = World::new().await;
    let site = world.site(port);
    let mut session = site.session().await;
    // How far it got: announced, created, activated.
    for progress in 0..3 {
        let dbpath = world.dbpath();
        let keystore = site.created(&dbpath).await;
        let name = key_name(keystore.info().dbpath_id, 2);
        let next = MasterKeyRef::kmip(2, Some(name.clone()), None).unwrap();
        keystore.announce_next(Some(next)).unwrap();
        let mut left = None;
        if progress > 0 {
            let key = NewSymmetricKey::aes256(&name);
            let identifier = session.create_symmetric_key(&key).await.unwrap();
            if progress > 1 {
                session.activate(&identifier).await.unwrap();
            }
            left = Some(identifier);
        }
        let mut keys = site.keys().await;
        let rotated = rotate(&keystore, Target::NewKmipKey(&mut keys))
            .await
            .unwrap();
        let expected = match progress {
            0 => Origin::Created,
            _ => Origin::FoundAgain,
        };
        assert_eq!(rotated.origin, expected);
        assert!(left.is_none() || rotated.new.identifier == left);
        assert_eq!(rotated.new.name.as_deref(), Some(name.as_str()));
        assert_eq!(site.count(&name).await, 1);
        assert_eq!(site.open(&dbpath).await.info().pending, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_left_key_that_is_not_used_is_named() {
    let (world, port) = World::new().await;
    let (site, dbpath) = (world.site(port), world.dbpath());
    let keystore = site.created(&dbpath).await;
    let name = key_name(keystore.info().dbpath_id, 2);
    let next = MasterKeyRef::kmip(2, Some(name.clone()), None).unwrap();
    keystore.announce_next(Some(next.clone())).unwrap();
    let left = site.active_key(&name).await;
    site.active_key("given").await;
    let mut keys = site.keys().await;
    let (keys, key) = (&mut keys, "given");
    let rotated = rotate(&keystore, Target::KmipKey { keys, key })
        .await
        .unwrap();
    let Some(NotNeeded {
        name: named,
        identifier,
        ..
    }) = rotated.not_needed
    else {
        panic!("not named");
    };
    assert_eq!((named, identifier), (name.clone(), Some(left.clone())));
    assert_eq!(keystore.info().pending, None);

    // Given itself, it is needed.
    keystore.announce_next(Some(next.clone())).unwrap();
    let target = Target::KmipKey { keys, key: &left };
    assert_eq!(rotate(&keystore, target).await.unwrap().not_needed, None);

    // A key file needs no connection, so only the Name is known.
    keystore.announce_next(Some(next)).unwrap();
    let file = world.key_file(1);
    let rotated = rotate(&keystore, Target::KeyFile(&file)).await.unwrap();
    let not_needed = rotated.not_needed.unwrap();
    assert_eq!((not_needed.name, not_needed.identifier), (name, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_taken_is_not_taken_over() {
    let (world, port) = World::new().await;
    let (site, dbpath) = (world.site(port), world.dbpath());
    let keystore = site.created(&dbpath).await;
    let id = keystore.info().dbpath_id;
    // A copy of the dbpath was rotated before.
    let others = site.active_key(&key_name(id, 2)).await;
    let mut keys = site.keys().await;
    let rotated = rotate(&keystore, Target::NewKmipKey(&mut keys))
        .await
        .unwrap();
    assert_ne!(rotated.new.identifier.as_ref(), Some(&others));
    assert_eq!(rotated.new.name, Some(format!("{}-2", key_name(id, 2))));

    // The announced key was revoked by somebody meanwhile.
    let name = key_name(id, 3);
    let next = MasterKeyRef::kmip(3, Some(name.clone()), None).unwrap();
    keystore.announce_next(Some(next)).unwrap();
    let revoked = site.active_key(&name).await;
    let mut session = site.session().await;
    let reason = RevocationReasonCode::CessationOfOperation;
    session.revoke(&revoked, reason, None).await.unwrap();
    let rotated = rotate(&keystore, Target::NewKmipKey(&mut keys))
        .await
        .unwrap();
    assert_eq!(rotated.origin, Origin::Created);
    assert_eq!(rotated.new.name, Some(format!("{name}-2")));
    assert_eq!(rotated.not_needed.unwrap().name, name);
    site.open(&dbpath).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_creates_no_keys_leaves_no_announcement() {
    let (world, port) = World::new().await;
    let front = Front::start(&world, port, Ways::NoCreate).await;
    let (site, dbpath) = (world.site(front.port), world.dbpath());
    let keystore = world.site(port).created(&dbpath).await;
    let current = keystore.master_key();
    let mut keys = site.keys().await;
    let error = rotate(&keystore, Target::NewKmipKey(&mut keys))
        .await
        .unwrap_err();
    assert!(
        matches!(error, RotationError::Kmip(KmipKeyError::Client(_))),
        "{error}"
    );
    let info = site.open(&dbpath).await.info();
    assert_eq!((info.pending, info.master_key), (None, current));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_do_not_make_two_keys() {
    let (world, port) = World::new().await;
    let (site, dbpath) = (world.site(port), world.dbpath());
    let keystore = site.created(&dbpath).await;
    let (mut one, mut two) = (site.keys().await, site.keys().await);
    let results = tokio::join!(
        rotate(&keystore, Target::NewKmipKey(&mut one)),
        rotate(&keystore, Target::NewKmipKey(&mut two)),
    );
    assert!(results.0.is_ok());
    assert!(matches!(results.1, Err(RotationError::UnderWay)));
    let id = keystore.info().dbpath_id;
    assert_eq!(
        (
            site.count(&key_name(id, 2)).await,
            site.count(&key_name(id, 3)).await
        ),
        (1, 0)
    );
    // And then the next may.
    rotate(&keystore, Target::NewKmipKey(&mut two))
        .await
        .unwrap();
    assert_eq!(site.open(&dbpath).await.master_key().generation, 3);
}

/// A command that is killed, a client that goes away: the future is dropped wherever it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_rotation_is_picked_up() {
    let (world, port) = World::new().await;
    let (site, dbpath) = (world.site(port), world.dbpath());
    let keystore = site.created(&dbpath).await;
    keystore.create_data_key(tree(1)).unwrap();
    let before = contents(&keystore);
    for polls in 0..40 {
        let mut keys = site.keys().await;
        let mut rotation = Box::pin(rotate(&keystore, Target::NewKmipKey(&mut keys)));
        for _ in 0..polls {
            tokio::select! {
                biased;
                _ = &mut rotation => break,
                () = tokio::time::sleep(std::time::Duration::from_millis(1)) => {}
            }
        }
        drop(rotation);
        drop(keys);
    }
    let mut keys = site.keys().await;
    let last = loop {
        match rotate(&keystore, Target::NewKmipKey(&mut keys)).await {
            // What was dropped last is still being written.
            Err(RotationError::UnderWay) => tokio::task::yield_now().await,
            rotated => break rotated.unwrap(),
        }
    };
    let keystore = site.open(&dbpath).await;
    assert_eq!(contents(&keystore), before);
    let id = keystore.info().dbpath_id;
    for generation in 1..=last.new.generation {
        assert_eq!(
            site.count(&key_name(id, generation)).await,
            1,
            "{generation}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_key_is_revoked_once_nothing_needs_it() {
    let (world, port) = World::new().await;
    let (site, dbpath) = (world.site(port), world.dbpath());
    let keystore = site.created(&dbpath).await;
    keystore.create_data_key(tree(1)).unwrap();
    let first = keystore.master_key();
    let identifier = first.identifier.clone().unwrap();
    let mut keys = site.keys().await;

    let needed = |error: RotationError, by: &str| {
        let message = error.to_string();
        assert!(
            matches!(error, RotationError::StillNeeded { .. }),
            "{message}"
        );
        assert!(
            message.contains(by) && message.contains(&identifier),
            "{message}"
        );
    };
    needed(
        revoke_old(&keystore, &mut keys, &first).await.unwrap_err(),
        "the keystore",
    );

    // The old key becomes a tenant's own.
    let fetched = keys.fetch(&identifier).await.unwrap();
    let own = MasterKeyRef::kmip(1, None, Some(identifier.clone())).unwrap();
    keystore
        .set_tree_master_key(tree(1), own, &fetched.key)
        .unwrap();
    rotate(&keystore, Target::NewKmipKey(&mut keys))
        .await
        .unwrap();
    let error = revoke_old(&keystore, &mut keys, &first).await.unwrap_err();
    needed(error, &tree(1).to_string());

    keystore.clear_tree_master_key(tree(1)).unwrap();
    let mut session = site.session().await;
    let mut state = async || session.get_attributes(&identifier).await.unwrap().state;
    assert_eq!(state().await, Some(State::Active));
    revoke_old(&keystore, &mut keys, &first).await.unwrap();
    assert_eq!(state().await, Some(State::Deactivated));
    revoke_old(&keystore, &mut keys, &first).await.unwrap();

    let error = revoke_old(&keystore, &mut keys, &MasterKeyRef::key_file(1))
        .await
        .unwrap_err();
    assert!(
        matches!(error, RotationError::NotOnServer { .. }),
        "{error}"
    );
    // A key that is no longer Active can still be rotated away from.
    let current = keystore.master_key().identifier.unwrap();
    let mut session = site.session().await;
    let reason = RevocationReasonCode::CessationOfOperation;
    session.revoke(&current, reason, None).await.unwrap();
    let keystore = site.open(&dbpath).await;
    rotate(&keystore, Target::NewKmipKey(&mut keys))
        .await
        .unwrap();
    assert_eq!(keystore.info().provider(), Provider::Kmip);
}

#[test]
fn futures_may_move_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    let _ = |keystore: &std::sync::Arc<Keystore>, target: Target<'static>| {
        is_send(&rotate(keystore, target));
    };
}
