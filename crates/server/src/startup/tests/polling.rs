//! Looking after the master key while the server runs.

use std::sync::Arc;
use std::time::Duration;

use kmip::registry::RevocationReasonCode;
use tokio::sync::watch;

use super::support::*;
use crate::startup::{KeyLost, Polling};

const OFTEN: Duration = Duration::from_millis(20);

fn poll(world: &World, opened: &crate::startup::Opened) -> (Polling, watch::Receiver<bool>) {
    let (stop, stopped) = watch::channel(false);
    let keystore = &opened.encryption.as_ref().unwrap().keystore;
    let polling = Polling::start(&world.kmip(), keystore, OFTEN, Arc::new(stop)).unwrap();
    (polling, stopped)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_stops_the_server_and_is_named() {
    let world = World::new().await;
    let opened = world.open(world.kmip()).await.unwrap();
    let (polling, mut stopped) = poll(&world, &opened);
    let key = identifier(&opened);
    let mut session = world.session().await;
    session
        .revoke(&key, RevocationReasonCode::CessationOfOperation, None)
        .await
        .unwrap();
    stopped.wait_for(|stop| *stop).await.unwrap();
    let lost = polling.lost().unwrap();
    assert!(
        matches!(lost, KeyLost::NotActive { identifier, .. } if *identifier == key),
        "{lost}"
    );
    assert!(lost.to_string().contains("Deactivated"), "{lost}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroyed_key_stops_the_server() {
    let world = World::new().await;
    let opened = world.open(world.kmip()).await.unwrap();
    let key = identifier(&opened);
    let mut session = world.session().await;
    session
        .revoke(&key, RevocationReasonCode::CessationOfOperation, None)
        .await
        .unwrap();
    session.destroy(&key).await.unwrap();
    let (polling, mut stopped) = poll(&world, &opened);
    stopped.wait_for(|stop| *stop).await.unwrap();
    assert!(polling.lost().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kmip_server_that_is_away_stops_nothing() {
    let mut world = World::new().await;
    let opened = world.open(world.kmip()).await.unwrap();
    world.stop_server().await;
    let (polling, stopped) = poll(&world, &opened);
    // Time for some looks; that there were any is what the other tests show.
    tokio::time::sleep(OFTEN * 20).await;
    assert!(!*stopped.borrow());
    assert!(polling.lost().is_none());
}
