//! Looking after the master key while the server runs.

use std::sync::Arc;
use std::time::Duration;

use document::ErrorCode;
use kmip::registry::RevocationReasonCode;
use kmip_client::ServerAddress;
use tokio::sync::watch;

use super::support::*;
use crate::encryption::{Encryption, KeyLost, OnKeyStateLoss, Watch};
use crate::startup::KmipOptions;

const OFTEN: Duration = Duration::from_millis(20);

fn policy(world: &World, on_loss: OnKeyStateLoss) -> KmipOptions {
    let mut kmip = world.kmip();
    kmip.key_state.polling = Some(OFTEN);
    kmip.key_state.on_loss = on_loss;
    kmip
}

/// Opens the dbpath; the watch, and what is told to stop.
async fn watched(
    world: &World,
    kmip: KmipOptions,
) -> (Arc<Encryption>, Watch, watch::Receiver<bool>) {
    let opened = world.open(kmip).await.unwrap();
    let encryption = opened.encryption.unwrap();
    let (stop, stopped) = watch::channel(false);
    let watch = encryption.watch(Arc::new(stop));
    (encryption, watch, stopped)
}

fn key(encryption: &Encryption) -> String {
    encryption.keystore().info().master_key.identifier.unwrap()
}

async fn revoke(world: &World, key: &str) {
    let reason = RevocationReasonCode::CessationOfOperation;
    let mut session = world.session().await;
    session.revoke(key, reason, None).await.unwrap();
}

/// Waits for what is certain to come.
async fn until(what: impl Fn() -> bool) {
    while !what() {
        tokio::time::sleep(OFTEN).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_stops_the_server_and_is_named() {
    let world = World::new().await;
    let (encryption, _watch, mut stopped) =
        watched(&world, policy(&world, OnKeyStateLoss::Shutdown)).await;
    let key = key(&encryption);
    revoke(&world, &key).await;
    stopped.wait_for(|stop| *stop).await.unwrap();
    let lost = encryption.stopped_by().unwrap();
    assert!(
        matches!(lost, KeyLost::NotActive { identifier, .. } if *identifier == key),
        "{lost}"
    );
    assert!(lost.to_string().contains("Deactivated"), "{lost}");
    // The connections that are still there may write to the end.
    encryption.permit_write().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroyed_key_stops_the_server() {
    let world = World::new().await;
    let opened = world.open(world.kmip()).await.unwrap();
    let key = identifier(&opened);
    drop(opened);
    let (encryption, _watch, mut stopped) =
        watched(&world, policy(&world, OnKeyStateLoss::Shutdown)).await;
    revoke(&world, &key).await;
    world.session().await.destroy(&key).await.unwrap();
    stopped.wait_for(|stop| *stop).await.unwrap();
    assert!(encryption.stopped_by().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn read_only_refuses_writes_and_says_why() {
    let world = World::new().await;
    let (encryption, _watch, stopped) =
        watched(&world, policy(&world, OnKeyStateLoss::ReadOnly)).await;
    encryption.permit_write().unwrap();
    let key = key(&encryption);
    revoke(&world, &key).await;
    until(|| encryption.is_read_only()).await;
    let refusal = encryption.permit_write().unwrap_err();
    assert_eq!(refusal.code, ErrorCode::UserWritesBlocked);
    for part in [&*key, "Deactivated", "onKeyStateLoss", "activate"] {
        assert!(refusal.message.contains(part), "{}", refusal.message);
    }
    let status = encryption.status().kmip.unwrap();
    assert_eq!(status.effect, "readOnly");
    assert_eq!(status.key_state, "Deactivated");
    assert!(!*stopped.borrow());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warning_changes_nothing() {
    let world = World::new().await;
    let (encryption, _watch, stopped) = watched(&world, policy(&world, OnKeyStateLoss::Warn)).await;
    revoke(&world, &key(&encryption)).await;
    until(|| encryption.status().kmip.unwrap().effect == "warn").await;
    encryption.permit_write().unwrap();
    assert!(!*stopped.borrow());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kmip_server_that_is_away_stops_nothing() {
    let mut world = World::new().await;
    let (encryption, _watch, stopped) =
        watched(&world, policy(&world, OnKeyStateLoss::Shutdown)).await;
    let polling = || encryption.status().kmip.unwrap();
    world.stop_server().await;
    until(|| polling().failed_polls > 2).await;
    assert!(!*stopped.borrow() && encryption.stopped_by().is_none());
    assert_eq!(polling().effect, "none");
    assert!(polling().last_poll.unwrap().result.is_err());
    world.start().await;
    until(|| polling().failed_polls == 0).await;
    assert_eq!(
        polling().last_poll.unwrap().result.as_deref(),
        Ok("Active"),
        "and it is asked again"
    );
}

/// A server of the list that does not have the key does not speak for the others.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_gone_only_if_every_server_says_so() {
    let mut world = World::new().await;
    let opened = world.open(world.kmip()).await.unwrap();
    let key = identifier(&opened);
    drop(opened);
    let mut kmip = policy(&world, OnKeyStateLoss::Shutdown);
    let without = world.add_server("second").await;
    kmip.servers.insert(
        0,
        ServerAddress::parse("127.0.0.1", without.port()).unwrap(),
    );
    let (encryption, _watch, stopped) = watched(&world, kmip).await;
    until(|| encryption.status().kmip.unwrap().last_poll.is_some()).await;
    let status = encryption.status().kmip.unwrap();
    assert_eq!(status.last_poll.unwrap().result.as_deref(), Ok("Active"));
    assert_eq!(status.server, world.address.to_string());
    // The one that has it is away: nobody can tell.
    world.stop_server().await;
    until(|| encryption.status().kmip.unwrap().failed_polls > 1).await;
    assert!(!*stopped.borrow(), "{key}");
}
