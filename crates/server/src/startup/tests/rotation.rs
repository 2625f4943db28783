//! `rotateMasterKey`: every row of its table.

use std::fs;

use keystore::rotation::Origin;
use keystore::{Cipher, FILE_NAME, Keystore, MasterKeyRef, PREVIOUS_FILE_NAME, TreeId, key_name};
use kmip::ProtocolVersion;
use kmip::registry::{RevocationReasonCode, State};
use kmip_client::{NewSymmetricKey, VersionPolicy};
use uuid::Uuid;

use super::support::*;
use crate::exit::ExitStatus;
use crate::startup::{EncryptionOptions, KmipOptions, is_rotation, rotate};

/// A dbpath with a data key, and the identifier of its master key.
pub(super) async fn with_data() -> (World, String) {
    let world = World::new().await;
    let opened = world.open(world.kmip()).await.unwrap();
    let keystore = opened.keystore.clone().unwrap();
    keystore.create_data_key(TreeId([1; 16])).unwrap();
    let identifier = identifier(&opened);
    (world, identifier)
}

pub(super) fn rotating(world: &World, given: Option<&str>) -> KmipOptions {
    let mut kmip = world.kmip();
    kmip.rotate_master_key = true;
    kmip.key_identifier = given.map(str::to_owned);
    kmip
}

/// A key that somebody made, in the state that is asked for.
pub(super) async fn key(world: &World, name: &str, state: State) -> String {
    let mut session = world.session().await;
    let new = NewSymmetricKey::aes256(name);
    let key = session.create_symmetric_key(&new).await.unwrap();
    if state != State::PreActive {
        session.activate(&key).await.unwrap();
    }
    if state == State::Deactivated {
        revoke(world, &key).await;
    }
    key
}

pub(super) async fn revoke(world: &World, key: &str) {
    let reason = RevocationReasonCode::CessationOfOperation;
    let mut session = world.session().await;
    session.revoke(key, reason, None).await.unwrap();
}

/// The rotation is refused, and nothing was changed anywhere.
async fn refused(world: &World, options: &EncryptionOptions, status: ExitStatus, parts: &[&str]) {
    assert!(is_rotation(Some(options)));
    let before = (snapshot(&world.dbpath()), world.kmip_changes());
    let error = rotate(&world.dbpath(), Some(options)).await.unwrap_err();
    let message = error.to_string();
    assert_eq!(error.exit_status(), status, "{message}");
    for part in parts {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
    let after = (snapshot(&world.dbpath()), world.kmip_changes());
    assert!(before == after, "changed something: {message}");
}

/// Opens as the next start does, and finds the data key.
pub(super) async fn opens(world: &World, kmip: KmipOptions) -> MasterKeyRef {
    let opened = world.open(kmip).await.unwrap();
    let keystore = opened.keystore.unwrap();
    assert_eq!(keystore.tree_ids(), [TreeId([1; 16])]);
    assert_eq!(keystore.data_keys(TreeId([1; 16])).unwrap().len(), 1);
    keystore.master_key()
}

#[tokio::test(flavor = "multi_thread")]
async fn to_a_key_that_is_created() {
    for old_state in [State::Active, State::Deactivated] {
        let (world, old) = with_data().await;
        if old_state == State::Deactivated {
            revoke(&world, &old).await;
        }
        let made = world.keys_made();
        let options = encrypted(rotating(&world, None));
        let rotated = rotate(&world.dbpath(), Some(&options)).await.unwrap();
        let rotated = rotated.unwrap();
        assert_eq!(rotated.old.identifier.as_ref(), Some(&old));
        assert_eq!(rotated.origin, Origin::Created);
        assert_eq!(world.keys_made(), made + 1);

        let now = opens(&world, world.kmip()).await;
        assert_eq!(now, rotated.new);
        let header = Keystore::inspect(&world.dbpath()).unwrap().unwrap();
        assert_eq!(now.name, Some(key_name(header.dbpath_id(), 2)));
        let mut session = world.session().await;
        let new = session
            .get_attributes(now.identifier.as_ref().unwrap())
            .await;
        assert_eq!(new.unwrap().state, Some(State::Active));
        let before = session.get_attributes(&old).await.unwrap();
        assert_eq!(
            before.state,
            Some(old_state),
            "nobody asked for it to be revoked"
        );
        assert!(world.dbpath().join(PREVIOUS_FILE_NAME).exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn to_a_key_that_is_given() {
    for old_state in [State::Active, State::Deactivated] {
        for (name, by_name) in [("by identifier", false), ("by name", true)] {
            let (world, old) = with_data().await;
            let new = key(&world, name, State::Active).await;
            if old_state == State::Deactivated {
                revoke(&world, &old).await;
            }
            let made = world.keys_made();
            let given = if by_name { name } else { new.as_str() };
            let options = encrypted(rotating(&world, Some(given)));
            let rotated = rotate(&world.dbpath(), Some(&options)).await.unwrap();
            assert_eq!(rotated.unwrap().origin, Origin::Given);
            assert_eq!(world.keys_made(), made, "no key was created");
            let mut kmip = world.kmip();
            kmip.key_identifier = Some(given.to_owned());
            assert_eq!(opens(&world, kmip).await.identifier, Some(new));
            // The old identifier is not the dbpath's any more.
            let mut kmip = world.kmip();
            kmip.key_identifier = Some(old.clone());
            let status = ExitStatus::KeyIdentifierMismatch;
            world.refused_kmip(kmip, status, &[&old]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_new_key_must_be_there_and_active() {
    let (world, _) = with_data().await;
    let options = encrypted(rotating(&world, Some("no-such-key")));
    refused(
        &world,
        &options,
        ExitStatus::KeyNotFound,
        &["no-such-key", "127.0.0.1"],
    )
    .await;
    for (state, word) in [
        (State::PreActive, "PreActive"),
        (State::Deactivated, "Deactivated"),
    ] {
        let new = key(&world, word, state).await;
        let options = encrypted(rotating(&world, Some(&new)));
        let parts = [new.as_str(), word, "activateKeys"];
        refused(&world, &options, ExitStatus::KeyNotActive, &parts).await;
        // The operator may insist.
        let mut kmip = rotating(&world, Some(&new));
        kmip.activate_keys = false;
        rotate(&world.dbpath(), Some(&encrypted(kmip)))
            .await
            .unwrap();
        let mut kmip = world.kmip();
        kmip.activate_keys = false;
        assert_eq!(opens(&world, kmip).await.identifier, Some(new));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn there_must_be_something_to_rotate_to() {
    let (mut world, old) = with_data().await;
    let name = Keystore::inspect(&world.dbpath()).unwrap().unwrap();
    let name = name.master_key().unwrap().name.clone().unwrap();
    let before = world.address;
    // Known without asking the server.
    world.stop_server().await;
    world.address = before;
    for given in [&old, &name] {
        let options = encrypted(rotating(&world, Some(given)));
        let parts = ["nothing to rotate to", &old];
        refused(&world, &options, ExitStatus::RotationRefused, &parts).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn there_must_be_something_to_rotate() {
    let world = World::new().await;
    let options = encrypted(rotating(&world, None));
    let parts = ["no keystore", "RotateMasterKey"];
    refused(&world, &options, ExitStatus::RotationRefused, &parts).await;
    let key = MasterKeyRef::kmip(1, Some("announced".into()), None).unwrap();
    Keystore::announce(&world.dbpath(), Uuid::new_v4(), Cipher::Aes256Gcm, key).unwrap();
    refused(&world, &options, ExitStatus::RotationRefused, &parts).await;

    fs::remove_file(world.dbpath().join(FILE_NAME)).unwrap();
    fs::write(
        world.path("key"),
        "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
    )
    .unwrap();
    set_private(&world.path("key"));
    let with_file = key_file(world.path("key"));
    drop(
        crate::startup::open(&world.dbpath(), Some(&with_file))
            .await
            .unwrap(),
    );
    let parts = ["key file", "strongroom keys migrate"];
    refused(&world, &options, ExitStatus::ProviderMismatch, &parts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_way_is_told_before_anything_is_changed() {
    let (mut world, identifier) = with_data().await;
    let options = encrypted(rotating(&world, None));
    let mut other = encrypted(rotating(&world, None));
    other.cipher = Some(Cipher::XChaCha20Poly1305);
    refused(&world, &other, ExitStatus::CipherMismatch, &["AES256-GCM"]).await;
    let lock = crate::startup::DbpathLock::take(&world.dbpath()).unwrap();
    refused(
        &world,
        &options,
        ExitStatus::DbpathLocked,
        &["another process"],
    )
    .await;
    drop(lock);
    // Authenticated encryption is of KMIP 1.4.
    let mut kmip = rotating(&world, None);
    kmip.wrap_on_server = true;
    kmip.version = VersionPolicy::Exactly(ProtocolVersion::V1_2);
    let parts = ["wrapOnServer", "does not offer"];
    refused(&world, &encrypted(kmip), ExitStatus::KmipRefused, &parts).await;
    // A start with the option leaves the key in use as it is.
    let mut kmip = world.kmip();
    kmip.wrap_on_server = true;
    assert!(!opens(&world, kmip).await.is_wrapped_on_server());
    // The old key is gone: nothing can be put under another.
    revoke(&world, &identifier).await;
    world.session().await.destroy(&identifier).await.unwrap();
    let before = snapshot(&world.dbpath());
    let error = rotate(&world.dbpath(), Some(&options)).await.unwrap_err();
    assert_eq!(error.exit_status(), ExitStatus::KeyNotFound, "{error}");
    assert_eq!(snapshot(&world.dbpath()), before);
    world.stop_server().await;
    refused(
        &world,
        &options,
        ExitStatus::KmipUnreachable,
        &["127.0.0.1"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_rotated_that_was_not_asked_for() {
    let (world, identifier) = with_data().await;
    let options = encrypted(world.kmip());
    for options in [None, Some(&options)] {
        assert!(!is_rotation(options));
        assert!(rotate(&world.dbpath(), options).await.unwrap().is_none());
    }
    assert_eq!(
        opens(&world, world.kmip()).await.identifier,
        Some(identifier)
    );
}
