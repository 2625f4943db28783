//! A dbpath that is encrypted already.

use std::fs;

use keystore::provider::kmip::KmipKeyError;
use keystore::{Cipher, FILE_NAME, Keystore, MasterKey, MasterKeyRef};
use kmip_client::NewSymmetricKey;
use uuid::Uuid;

use super::support::*;
use crate::exit::ExitStatus;
use crate::startup::StartupError;

async fn encrypted_world() -> (World, String) {
    let world = World::new().await;
    let opened = world.open(world.kmip()).await.unwrap();
    let identifier = identifier(&opened);
    (world, identifier)
}

#[tokio::test(flavor = "multi_thread")]
async fn encryption_must_be_asked_for() {
    let (world, identifier) = encrypted_world().await;
    let expected = ["--enableEncryption", &identifier];
    world
        .refused(None, ExitStatus::DbpathEncrypted, &expected)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_identifier_given_must_be_the_saved_one() {
    let (mut world, identifier) = encrypted_world().await;
    let mut kmip = world.kmip();
    kmip.key_identifier = Some("another".into());
    // Known without asking the server.
    world.stop_server().await;
    let expected = ["another", &identifier, "keyIdentifier"];
    world
        .refused_kmip(kmip, ExitStatus::KeyIdentifierMismatch, &expected)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn provider_and_cipher_stay_what_they_are() {
    let (mut world, identifier) = encrypted_world().await;
    world.stop_server().await;
    let options = key_file(world.path("key"));
    world
        .refused(
            Some(&options),
            ExitStatus::ProviderMismatch,
            &[&identifier, "key file"],
        )
        .await;
    let mut options = encrypted(world.kmip());
    options.cipher = Some(Cipher::XChaCha20Poly1305);
    let expected = ["AES256-GCM", "XCHACHA20", "encryptionCipherMode"];
    world
        .refused(Some(&options), ExitStatus::CipherMismatch, &expected)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_found_before_the_server_is_asked() {
    let (mut world, _) = encrypted_world().await;
    world.stop_server().await;
    let path = world.dbpath().join(FILE_NAME);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    for options in [None, Some(&encrypted(world.kmip()))] {
        world
            .refused(options, ExitStatus::KeystoreCorrupt, &["damaged", "backup"])
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_under_the_saved_identifier_is_not_damage() {
    let world = World::new().await;
    let mut session = world.session().await;
    let key = session
        .create_symmetric_key(&NewSymmetricKey::aes256("k"))
        .await
        .unwrap();
    session.activate(&key).await.unwrap();
    let saved = MasterKeyRef::kmip(1, None, Some(key.clone())).unwrap();
    let master = MasterKey::from_slice(&[9; 32]).unwrap();
    let (id, cipher) = (Uuid::new_v4(), Cipher::Aes256Gcm);
    Keystore::create(&world.dbpath(), id, cipher, saved, &master).unwrap();
    let expected = [key.as_str(), "undamaged"];
    world
        .refused_kmip(world.kmip(), ExitStatus::WrongMasterKey, &expected)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_the_key_matters_unless_activate_keys_is_off() {
    let (world, identifier) = encrypted_world().await;
    let mut session = world.session().await;
    let reason = kmip::registry::RevocationReasonCode::CessationOfOperation;
    session.revoke(&identifier, reason, None).await.unwrap();
    let expected = [identifier.as_str(), "Deactivated"];
    world
        .refused_kmip(world.kmip(), ExitStatus::KeyNotActive, &expected)
        .await;
    let mut kmip = world.kmip();
    kmip.activate_keys = false;
    let opened = world.open(kmip.clone()).await.unwrap();
    let status = opened.encryption.as_ref().unwrap().status();
    assert_eq!(status.kmip.unwrap().key_state, "Deactivated");
    drop(opened);

    session.destroy(&identifier).await.unwrap();
    let before = snapshot(&world.dbpath());
    let error = world.open(kmip).await.unwrap_err();
    assert!(
        matches!(
            error.exit_status(),
            ExitStatus::KeyNotFound | ExitStatus::KmipRefused
        ),
        "{error}"
    );
    assert!(error.to_string().contains("127.0.0.1"), "{error}");
    assert_eq!(snapshot(&world.dbpath()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_the_key_is_passed_over() {
    let (world, identifier) = encrypted_world().await;
    let other = World::new().await;
    // One list, one set of trusted authorities: those of both servers.
    let both = world.path("both.pem");
    let (a, b) = (
        world.authority.certificate_pem(),
        other.authority.certificate_pem(),
    );
    fs::write(&both, format!("{a}{b}")).unwrap();
    let mut kmip = world.kmip();
    kmip.tls.trust = tls::Trust::only(both);
    kmip.servers.insert(0, other.kmip().servers.remove(0));
    // The other server does not know our authority: it is passed over when connecting.
    let opened = world.open(kmip.clone()).await.unwrap();
    assert_eq!(self::identifier(&opened), identifier);
    drop(opened);

    // It is the only one that is up: the message names both.
    let mut gone = world;
    gone.stop_server().await;
    kmip.tls.identity = other.tls().identity;
    let error = gone.open(kmip).await.unwrap_err();
    assert!(
        matches!(&error, StartupError::Kmip(KmipKeyError::NotFound { .. })),
        "{error}"
    );
    let message = error.to_string();
    for part in [
        &identifier,
        &gone.address.to_string(),
        &other.address.to_string(),
    ] {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
}
