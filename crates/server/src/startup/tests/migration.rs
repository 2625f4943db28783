//! From a key file to a KMIP server, back, and from one server to another.

use std::fs;

use base64::Engine as _;
use keystore::rotation::Origin;
use keystore::{Keystore, MasterKey, Provider, TreeId};
use kmip::registry::State;
use kmip_client::ServerAddress;

use super::rotation::{key, opens, revoke, with_data};
use super::support::*;
use crate::exit::ExitStatus;
use crate::startup::{EncryptionOptions, KmipOptions, Migrated, StartupError, migrate, open};

/// A key file with these bytes.
fn write_key(world: &World, name: &str, bytes: &[u8]) -> EncryptionOptions {
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    fs::write(world.path(name), text).unwrap();
    set_private(&world.path(name));
    key_file(world.path(name))
}

/// A dbpath under a key file, with a data key.
async fn under_key_file(bytes: &[u8]) -> (World, EncryptionOptions) {
    let world = World::new().await;
    let options = write_key(&world, "key", bytes);
    let opened = open(&world.dbpath(), Some(&options)).await.unwrap();
    let keystore = opened.keystore.unwrap();
    keystore.create_data_key(TreeId([1; 16])).unwrap();
    (world, options)
}

/// The bytes of a key on the server.
async fn bytes_of(world: &World, key: &str) -> Vec<u8> {
    let mut session = world.session().await;
    let fetched = session.get_symmetric_key(key).await.unwrap();
    fetched.material.expose().to_vec()
}

fn given(world: &World, key: &str) -> KmipOptions {
    let mut kmip = world.kmip();
    kmip.key_identifier = Some(key.to_owned());
    kmip
}

fn done(migrated: Migrated) -> Box<keystore::rotation::Rotated> {
    match migrated {
        Migrated::Done(rotated) => rotated,
        Migrated::Already(key) => panic!("already under {key}"),
    }
}

/// The row "none (key file), Y given" of the table: at start, if the bytes agree.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_that_was_put_on_a_server() {
    let on_server = World::new().await;
    let imported = key(&on_server, "imported", State::PreActive).await;
    let bytes = bytes_of(&on_server, &imported).await;
    // The same directory has to have both.
    let world = on_server;
    let with_file = write_key(&world, "key", &bytes);
    let opened = open(&world.dbpath(), Some(&with_file)).await.unwrap();
    let keystore = opened.keystore.clone().unwrap();
    keystore.create_data_key(TreeId([1; 16])).unwrap();
    drop((opened, keystore));

    let parts = ["key file", "strongroom keys migrate"];
    let status = ExitStatus::ProviderMismatch;
    world.refused_kmip(world.kmip(), status, &parts).await;
    let other = key(&world, "other", State::Active).await;
    let parts = [other.as_str(), "another one", "strongroom keys migrate"];
    let status = ExitStatus::WrongMasterKey;
    world
        .refused_kmip(given(&world, &other), status, &parts)
        .await;
    let status = ExitStatus::KeyNotActive;
    world
        .refused_kmip(given(&world, &imported), status, &["PreActive"])
        .await;
    let status = ExitStatus::KeyNotFound;
    world
        .refused_kmip(given(&world, "none"), status, &["none"])
        .await;

    world.session().await.activate(&imported).await.unwrap();
    let now = opens(&world, given(&world, "imported")).await;
    assert_eq!((now.provider, now.generation), (Provider::Kmip, 2));
    // From then on it is a key on a KMIP server like any other.
    let now = opens(&world, world.kmip()).await;
    assert_eq!(now.identifier, Some(imported));
    let status = ExitStatus::ProviderMismatch;
    world.refused(Some(&with_file), status, &["KMIP"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_key_file_to_a_server_and_back() {
    let (world, with_file) = under_key_file(&[7; 32]).await;
    let with_kmip = encrypted(world.kmip());
    let rotated = done(
        migrate(&world.dbpath(), &with_file, &with_kmip)
            .await
            .unwrap(),
    );
    assert_eq!(rotated.origin, Origin::Created);
    let new = rotated.new.identifier.clone().unwrap();
    assert_eq!(
        opens(&world, world.kmip()).await.identifier,
        Some(new.clone())
    );
    // Again: it is done.
    let made = world.keys_made();
    for _ in 0..2 {
        let again = migrate(&world.dbpath(), &with_file, &with_kmip)
            .await
            .unwrap();
        assert!(matches!(again, Migrated::Already(key) if key.identifier == Some(new.clone())));
    }
    assert_eq!(world.keys_made(), made);

    let back = write_key(&world, "another", &[8; 32]);
    // A key that may not be used any more can still be left.
    revoke(&world, &new).await;
    let rotated = done(migrate(&world.dbpath(), &with_kmip, &back).await.unwrap());
    assert_eq!(rotated.new.provider, Provider::KeyFile);
    assert_eq!(rotated.new.generation, 3);
    let opened = open(&world.dbpath(), Some(&back)).await.unwrap();
    let keystore = opened.keystore.clone().unwrap();
    assert_eq!(keystore.tree_ids(), [TreeId([1; 16])]);
    drop((opened, keystore));
    let again = migrate(&world.dbpath(), &with_kmip, &back).await.unwrap();
    assert!(matches!(again, Migrated::Already(_)));
    // And to yet another file.
    let third = write_key(&world, "third", &[9; 32]);
    done(migrate(&world.dbpath(), &back, &third).await.unwrap());
    let again = migrate(&world.dbpath(), &back, &third).await.unwrap();
    assert!(matches!(again, Migrated::Already(_)));
    let master = MasterKey::from_slice(&[9; 32]).unwrap();
    Keystore::open(&world.dbpath(), &master).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn from_one_server_to_another() {
    let (mut world, old) = with_data().await;
    let from = encrypted(world.kmip());
    let second = world.add_server("second").await;
    let mut kmip = world.kmip();
    kmip.servers = vec![ServerAddress::parse("127.0.0.1", second.port()).unwrap()];
    let to = encrypted(kmip.clone());
    let rotated = done(migrate(&world.dbpath(), &from, &to).await.unwrap());
    assert_eq!(rotated.old.identifier, Some(old));
    assert_eq!(opens(&world, kmip.clone()).await, rotated.new);
    // The first server is not needed any more, not even to find out that it is done.
    world.stop_server().await;
    let again = migrate(&world.dbpath(), &from, &to).await.unwrap();
    assert!(matches!(again, Migrated::Already(key) if key == rotated.new));
    assert_eq!(opens(&world, kmip).await, rotated.new);
}

async fn refused(
    world: &World,
    from: &EncryptionOptions,
    to: &EncryptionOptions,
    status: ExitStatus,
    parts: &[&str],
) -> StartupError {
    let before = (snapshot(&world.dbpath()), world.kmip_changes());
    let error = migrate(&world.dbpath(), from, to).await.unwrap_err();
    let message = error.to_string();
    assert_eq!(error.exit_status(), status, "{message}");
    for part in parts {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
    let after = (snapshot(&world.dbpath()), world.kmip_changes());
    assert!(before == after, "changed something: {message}");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused() {
    let (mut world, with_file) = under_key_file(&[7; 32]).await;
    let with_kmip = encrypted(world.kmip());
    let status = ExitStatus::RotationRefused;
    refused(&world, &with_kmip, &with_kmip, status, &["same place"]).await;
    refused(&world, &with_file, &with_file, status, &["same place"]).await;
    let wrong = write_key(&world, "wrong", &[6; 32]);
    let status = ExitStatus::WrongMasterKey;
    refused(&world, &wrong, &with_kmip, status, &["undamaged"]).await;
    let missing = encrypted(given(&world, "missing"));
    let status = ExitStatus::KeyNotFound;
    refused(&world, &with_file, &missing, status, &["missing"]).await;
    let inactive = key(&world, "inactive", State::PreActive).await;
    let inactive = encrypted(given(&world, &inactive));
    let status = ExitStatus::KeyNotActive;
    refused(&world, &with_file, &inactive, status, &["PreActive"]).await;
    let lock = crate::startup::DbpathLock::take(&world.dbpath()).unwrap();
    let status = ExitStatus::DbpathLocked;
    refused(&world, &with_file, &with_kmip, status, &["another process"]).await;
    drop(lock);
    world.stop_server().await;
    let status = ExitStatus::KmipUnreachable;
    refused(&world, &with_file, &with_kmip, status, &["127.0.0.1"]).await;
    let empty = World::new().await;
    let status = ExitStatus::RotationRefused;
    refused(
        &empty,
        &with_file,
        &with_kmip,
        status,
        &["nothing to migrate"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_databases_are_not_left_behind() {
    let (world, _) = with_data().await;
    let tenant = key(&world, "tenant", State::Active).await;
    let opened = world.open(world.kmip()).await.unwrap();
    let (keystore, encryption) = (opened.keystore.clone().unwrap(), opened.encryption.clone());
    let change = crate::encryption::DatabaseKey::Given(tenant.clone());
    let tree = TreeId([1; 16]);
    encryption
        .unwrap()
        .change_database_key(tree, change, false)
        .await
        .unwrap();
    drop((opened, keystore));
    let from = encrypted(world.kmip());
    let with_file = write_key(&world, "key", &[7; 32]);
    let status = ExitStatus::RotationRefused;
    refused(&world, &from, &with_file, status, &["keys set"]).await;
    // The second server alone does not have that key; together with the first, it does.
    let second = world.add_server("second").await;
    let mut kmip = world.kmip();
    kmip.servers = vec![ServerAddress::parse("127.0.0.1", second.port()).unwrap()];
    refused(&world, &from, &encrypted(kmip.clone()), status, &[&tenant]).await;
    kmip.servers.extend(world.kmip().servers);
    let rotated = done(
        migrate(&world.dbpath(), &from, &encrypted(kmip.clone()))
            .await
            .unwrap(),
    );
    assert_eq!(rotated.untouched_trees, [tree]);
    let opened = world.open(kmip).await.unwrap();
    opened.keystore.unwrap().check_unlocked(tree).unwrap();
}
