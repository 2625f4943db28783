//! A dbpath without data.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use keystore::{Cipher, Keystore, MasterKeyRef, key_name};
use kmip::registry::State;
use kmip_client::NewSymmetricKey;
use uuid::Uuid;

use super::support::*;
use crate::exit::ExitStatus;
use crate::startup::{DbpathLock, open};

#[tokio::test(flavor = "multi_thread")]
async fn without_encryption_nothing_is_written() {
    let dbpath = tempfile::tempdir().unwrap();
    let opened = open(dbpath.path(), None).await.unwrap();
    assert!(opened.keystore.is_none() && opened.encryption.is_none() && opened.fresh);
    assert!(snapshot(dbpath.path()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_created_activated_named_and_remembered() {
    let world = World::new().await;
    let opened = world.open(world.kmip()).await.unwrap();
    assert!(opened.fresh);
    let status = opened.encryption.as_ref().unwrap().status();
    let key = &status.keystore.master_key;
    assert_eq!(key.name, Some(key_name(status.keystore.dbpath_id, 1)));
    let kmip = status.kmip.as_ref().unwrap();
    assert_eq!(kmip.key_state, "Active");
    assert_eq!(kmip.server, world.address.to_string());
    assert!(kmip.client_certificate_not_after_unix_secs.is_some());

    let identifier = identifier(&opened);
    let mut session = world.session().await;
    let attributes = session.get_attributes(&identifier).await.unwrap();
    assert_eq!(attributes.state, Some(State::Active));
    assert_eq!(attributes.bits, Some(256));
    assert_eq!(attributes.names, [key.name.clone().unwrap()]);

    // The dbpath names the key and does not have it.
    let material = session
        .get_symmetric_key(&identifier)
        .await
        .unwrap()
        .material;
    for (path, content) in snapshot(&world.dbpath()) {
        for part in material.expose().windows(8) {
            let found = content.windows(8).any(|window| window == part);
            assert!(!found, "key bytes in {}", path.display());
        }
    }
    let opened_keystore = opened.keystore.as_ref().unwrap();
    opened_keystore
        .create_data_key(keystore::TreeId([1; 16]))
        .unwrap();
    let made = world.keys_made();
    drop(opened);

    let again = world.open(world.kmip()).await.unwrap();
    assert!(!again.fresh);
    assert_eq!(self::identifier(&again), identifier);
    assert_eq!(
        again.keystore.unwrap().tree_ids(),
        [keystore::TreeId([1; 16])]
    );
    assert_eq!(world.keys_made(), made, "no second key");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_activate_keys_a_created_key_stays_pre_active() {
    let world = World::new().await;
    let mut kmip = world.kmip();
    kmip.activate_keys = false;
    let opened = world.open(kmip.clone()).await.unwrap();
    let status = opened.encryption.as_ref().unwrap().status();
    assert_eq!(status.kmip.as_ref().unwrap().key_state, "PreActive");
    drop(opened);
    world.open(kmip).await.unwrap();
    world
        .refused_kmip(
            world.kmip(),
            ExitStatus::KeyNotActive,
            &["PreActive", "activateKeys"],
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_given_key_must_exist_and_be_usable() {
    let world = World::new().await;
    let mut session = world.session().await;
    let given = |key: &str| {
        let mut kmip = world.kmip();
        kmip.key_identifier = Some(key.to_owned());
        kmip
    };
    let missing = given("no-such-key");
    world
        .refused_kmip(
            missing,
            ExitStatus::KeyNotFound,
            &["no-such-key", "127.0.0.1"],
        )
        .await;

    let mut short = NewSymmetricKey::aes256("short");
    short.bits = 128;
    let short = session.create_symmetric_key(&short).await.unwrap();
    session.activate(&short).await.unwrap();
    world
        .refused_kmip(
            given(&short),
            ExitStatus::KeyUnusable,
            &[&short, "128 bits", "256 bits"],
        )
        .await;

    let key = session
        .create_symmetric_key(&NewSymmetricKey::aes256("ours"))
        .await
        .unwrap();
    for way in [key.as_str(), "ours"] {
        world
            .refused_kmip(given(way), ExitStatus::KeyNotActive, &[&key, "PreActive"])
            .await;
    }
    session.activate(&key).await.unwrap();
    let made = world.keys_made();
    let opened = world.open(given("ours")).await.unwrap();
    assert_eq!(identifier(&opened), key);
    assert_eq!(world.keys_made(), made, "no key was created");
    drop(opened);

    // From then on it is known by both.
    for way in [key.as_str(), "ours"] {
        assert_eq!(identifier(&world.open(given(way)).await.unwrap()), key);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_key_is_created_if_asked_for() {
    let world = World::new().await;
    let mut kmip = world.kmip();
    kmip.key_identifier = Some("payroll".into());
    kmip.create_key_if_missing = true;
    let opened = world.open(kmip.clone()).await.unwrap();
    let key = opened.keystore.as_ref().unwrap().info().master_key;
    assert_eq!(key.name.as_deref(), Some("payroll"));
    drop(opened);
    let made = world.keys_made();
    let again = world.open(kmip).await.unwrap();
    assert_eq!(Some(identifier(&again)), key.identifier);
    assert_eq!(world.keys_made(), made);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_works_and_keeps_its_rules() {
    let world = World::new().await;
    let path = world.path("key");
    let options = key_file(path.clone());
    world
        .refused(
            Some(&options),
            ExitStatus::KeyFile,
            &["encryptionKeyFile", "key"],
        )
        .await;
    fs::write(&path, "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    world
        .refused(Some(&options), ExitStatus::KeyFile, &["0644", "0600"])
        .await;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();

    for fresh in [true, false] {
        let opened = open(&world.dbpath(), Some(&options)).await.unwrap();
        assert_eq!(opened.fresh, fresh);
        assert!(opened.encryption.unwrap().status().kmip.is_none());
    }
    fs::write(&path, "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=\n").unwrap();
    world
        .refused(
            Some(&options),
            ExitStatus::WrongMasterKey,
            &["key file", "undamaged"],
        )
        .await;
    world
        .refused_kmip(
            world.kmip(),
            ExitStatus::ProviderMismatch,
            &["key file", "KMIP"],
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dbpath_that_cannot_be_used_is_refused() {
    let world = World::new().await;
    let kmip = || encrypted(world.kmip());

    let lock = DbpathLock::take(&world.dbpath()).unwrap();
    world
        .refused(
            Some(&kmip()),
            ExitStatus::DbpathLocked,
            &["another process"],
        )
        .await;
    drop(lock);

    fs::write(world.dbpath().join("WiredTiger"), "").unwrap();
    for options in [None, Some(&kmip())] {
        world
            .refused(
                options,
                ExitStatus::DbpathForeign,
                &["mongod", "mongorestore"],
            )
            .await;
    }

    fs::remove_dir_all(world.dbpath()).unwrap();
    for options in [None, Some(&kmip())] {
        world
            .refused(
                options,
                ExitStatus::DbpathUnusable,
                &["does not exist", "--dbpath"],
            )
            .await;
    }
    fs::write(world.dbpath(), "").unwrap();
    world
        .refused(None, ExitStatus::DbpathUnusable, &["not a directory"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_nothing_to_rotate() {
    let world = World::new().await;
    let mut kmip = world.kmip();
    kmip.rotate_master_key = true;
    world
        .refused_kmip(
            kmip,
            ExitStatus::RotationRefused,
            &["no keystore", "RotateMasterKey"],
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_dbpath_is_for_encryption_by_the_same_provider() {
    let world = World::new().await;
    let key = MasterKeyRef::kmip(1, Some("announced".into()), None).unwrap();
    Keystore::announce(&world.dbpath(), Uuid::new_v4(), Cipher::Aes256Gcm, key).unwrap();
    world
        .refused(
            None,
            ExitStatus::DbpathEncrypted,
            &["interrupted", "keystore"],
        )
        .await;
    let options = key_file(world.path("key"));
    world
        .refused(Some(&options), ExitStatus::ProviderMismatch, &["announced"])
        .await;

    // A key that is given takes the place of the announced one.
    let mut session = world.session().await;
    let given = session
        .create_symmetric_key(&NewSymmetricKey::aes256("given"))
        .await
        .unwrap();
    session.activate(&given).await.unwrap();
    let mut kmip = world.kmip();
    kmip.key_identifier = Some(given.clone());
    let opened = world.open(kmip).await.unwrap();
    assert_eq!(identifier(&opened), given);
    assert!(opened.fresh && opened.keystore.unwrap().info().pending.is_none());
}

/// A start was interrupted after its key was made on the first server of the list, and the next one finds only the second:
/// the key of that one has another Name, so that no two have one.
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_start_goes_on_with_another_server() {
    let mut world = World::new().await;
    let second = world.add_server("second").await;
    let (id, dbpath) = (Uuid::new_v4(), world.dbpath());
    let name = key_name(id, 1);
    let both = |world: &World| {
        let mut kmip = world.kmip();
        let second = kmip_client::ServerAddress::parse("127.0.0.1", second.port()).unwrap();
        kmip.servers.push(second);
        kmip
    };
    let key = MasterKeyRef::kmip(1, Some(name.clone()), None).unwrap();
    Keystore::announce(&dbpath, id, Cipher::Aes256Gcm, key).unwrap();
    let left = key_of(&world, &name).await;
    world.stop_server().await;

    let opened = world.open(both(&world)).await.unwrap();
    let info = opened.keystore.as_ref().unwrap().info();
    assert_eq!(info.dbpath_id, id);
    assert_eq!(info.master_key.name, Some(format!("{name}-2")));
    assert_eq!(info.pending, None);
    let used = identifier(&opened);
    drop(opened);
    // The first is there again, with the key that is left over: the dbpath names the other one.
    world.start().await;
    let opened = world.open(both(&world)).await.unwrap();
    assert_eq!(identifier(&opened), used);
    assert_ne!(used, left);
}

/// If the other server does answer, the key is found there.
#[tokio::test(flavor = "multi_thread")]
async fn an_announced_key_is_looked_for_on_every_server() {
    let world = World::new().await;
    let second = world.add_server("second").await;
    let (id, dbpath) = (Uuid::new_v4(), world.dbpath());
    let name = key_name(id, 1);
    let key = MasterKeyRef::kmip(1, Some(name.clone()), None).unwrap();
    Keystore::announce(&dbpath, id, Cipher::Aes256Gcm, key).unwrap();
    let left = key_of(&world, &name).await;
    let mut kmip = world.kmip();
    let second = kmip_client::ServerAddress::parse("127.0.0.1", second.port()).unwrap();
    kmip.servers.insert(0, second);
    let made = world.keys_made();
    let opened = world.open(kmip).await.unwrap();
    assert_eq!(identifier(&opened), left);
    assert_eq!(world.keys_made(), made);
}

/// A key that was announced and revoked since is of no use; its Name is not given to another one.
#[tokio::test(flavor = "multi_thread")]
async fn an_announced_key_that_was_revoked_is_left_alone() {
    let world = World::new().await;
    let (id, dbpath) = (Uuid::new_v4(), world.dbpath());
    let name = key_name(id, 1);
    let key = MasterKeyRef::kmip(1, Some(name.clone()), None).unwrap();
    Keystore::announce(&dbpath, id, Cipher::Aes256Gcm, key).unwrap();
    let left = key_of(&world, &name).await;
    super::rotation::revoke(&world, &left).await;
    let opened = world.open(world.kmip()).await.unwrap();
    let info = opened.keystore.as_ref().unwrap().info();
    assert_eq!(info.master_key.name, Some(format!("{name}-2")));
    assert_ne!(identifier(&opened), left);
}

/// An Active key of this Name; its identifier.
async fn key_of(world: &World, name: &str) -> String {
    super::rotation::key(world, name, State::Active).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_wraps_on_its_server_is_not_fetched() {
    let world = World::new().await;
    let mut kmip = world.kmip();
    kmip.wrap_on_server = true;
    let opened = world.open(kmip).await.unwrap();
    let key = opened.keystore.as_ref().unwrap().info().master_key;
    assert!(key.is_wrapped_on_server());
    let dbpath_id = opened.keystore.as_ref().unwrap().info().dbpath_id;
    drop(opened);
    // How it is opened does not depend on the option.
    let opened = world.open(world.kmip()).await.unwrap();
    let info = opened.keystore.as_ref().unwrap().info();
    assert!(info.master_key.is_wrapped_on_server() && info.dbpath_id == dbpath_id);
    assert_eq!(
        opened.encryption.unwrap().status().kmip.unwrap().key_state,
        "Active"
    );
}
