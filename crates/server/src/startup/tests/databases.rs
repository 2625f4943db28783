//! Databases with a master key of their own: what a start finds, and what the running server does about it.

use std::sync::Arc;
use std::time::Duration;

use document::ErrorCode;
use keystore::TreeId;
use kmip::registry::State;
use storage::Store;

use super::rotation::{key, revoke};
use super::support::*;
use crate::encryption::{DatabaseKey, Encryption};
use crate::run;
use crate::startup::{KmipOptions, Opened};

const SOON: Duration = Duration::from_millis(20);

pub(super) async fn store(world: &World, opened: &Opened) -> Store {
    let interval = Duration::from_millis(100);
    run::open_store(&world.dbpath(), opened, interval)
        .await
        .unwrap()
}

pub(super) fn tree(store: &Store, name: &str) -> TreeId {
    TreeId(store.tree_of(name).unwrap().0)
}

/// Polling so often that a test need not wait.
fn polling(world: &World) -> KmipOptions {
    let mut kmip = world.kmip();
    kmip.key_state.polling = Some(SOON);
    kmip
}

async fn is_locked(store: &Store, name: &str) -> Option<String> {
    match store.database(name).await {
        Ok(database) => {
            database.unwrap();
            None
        }
        Err(error) => {
            assert!(matches!(error, storage::Error::Locked { .. }), "{error}");
            assert_eq!(error.code(), ErrorCode::KeyNotFound);
            Some(error.to_string())
        }
    }
}

async fn until_locked(store: &Store, name: &str) -> String {
    loop {
        if let Some(why) = is_locked(store, name).await {
            return why;
        }
        tokio::time::sleep(SOON).await;
    }
}

/// Two tenants with keys of their own, and a database without; and the keys.
pub(super) async fn tenants(world: &World, kmip: KmipOptions) -> (Opened, Store, [String; 2]) {
    let opened = world.open(kmip).await.unwrap();
    let store = store(world, &opened).await;
    let mut keys = Vec::new();
    for name in ["north", "south", "nobody"] {
        store.database_or_create(name).await.unwrap();
        if name != "nobody" {
            let given = key(world, name, State::Active).await;
            let to = DatabaseKey::Given(name.to_owned());
            let encryption = opened.encryption.as_ref().unwrap();
            let tree = tree(&store, name);
            let changed = encryption
                .change_database_key(tree, to, false)
                .await
                .unwrap();
            assert_eq!(changed.new.unwrap().identifier.as_ref(), Some(&given));
            keys.push(given);
        }
    }
    (opened, store, keys.try_into().unwrap())
}

pub(super) async fn close(opened: Opened, store: Store) {
    store.close().await.unwrap();
    drop(opened);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_fetches_their_keys_and_locks_what_it_cannot_have() {
    let world = World::new().await;
    let (opened, store_, [north, _]) = tenants(&world, world.kmip()).await;
    close(opened, store_).await;
    let opened = world.open(world.kmip()).await.unwrap();
    let store_ = store(&world, &opened).await;
    for name in ["north", "south", "nobody"] {
        assert_eq!(is_locked(&store_, name).await, None, "{name}");
    }
    close(opened, store_).await;

    revoke(&world, &north).await;
    let opened = world.open(world.kmip()).await.unwrap();
    let store_ = store(&world, &opened).await;
    let why = is_locked(&store_, "north").await.unwrap();
    for part in [north.as_str(), "Deactivated", "by itself"] {
        assert!(why.contains(part), "{why}");
    }
    assert_eq!(is_locked(&store_, "south").await, None);
    let encryption = opened.encryption.clone().unwrap();
    let shown = encryption.databases(&store_);
    assert_eq!(shown.len(), 2);
    assert_eq!(shown[0].get_str("name").unwrap(), "north");
    assert!(shown[0].get_bool("locked").unwrap());
    assert_eq!(shown[0].get_str("keyState").unwrap(), "Deactivated");
    assert!(!shown[1].get_bool("locked").unwrap());
    // Nothing can be done with its keys, but everything with those of others.
    let north_tree = tree(&store_, "north");
    for to in [DatabaseKey::Default, DatabaseKey::Next] {
        let error = encryption.change_database_key(north_tree, to, false).await;
        assert_eq!(error.unwrap_err().code(), ErrorCode::KeyNotFound);
    }
    let rotated = encryption.rotate(None, false).await.unwrap().rotated;
    assert_eq!(rotated.untouched_trees.len(), 2);
    close(opened, store_).await;

    // Without activateKeys the state does not matter.
    let mut kmip = world.kmip();
    kmip.activate_keys = false;
    let opened = world.open(kmip).await.unwrap();
    let store_ = store(&world, &opened).await;
    assert_eq!(is_locked(&store_, "north").await, None);
    close(opened, store_).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn polling_locks_the_database_and_no_other() {
    let world = World::new().await;
    let (opened, store, [north, south]) = tenants(&world, polling(&world)).await;
    let encryption = Arc::clone(opened.encryption.as_ref().unwrap());
    let _watch = encryption.watch_databases(store.clone());
    let database = store.database("north").await.unwrap().unwrap();
    revoke(&world, &north).await;
    let why = until_locked(&store, "north").await;
    assert!(why.contains(&north) && why.contains("Deactivated"), "{why}");
    // Whoever still has it open meets its end.
    assert!(
        database
            .create_collection("c", &bson::RawDocumentBuf::new())
            .await
            .is_err()
    );
    drop(database);
    let tree = tree(&store, "north");
    while encryption.keystore().check_unlocked(tree).is_ok() {
        tokio::time::sleep(SOON).await;
    }
    assert_eq!(is_locked(&store, "south").await, None);
    assert_eq!(is_locked(&store, "nobody").await, None);
    // A server that cannot be reached locks nothing.
    let mut world = world;
    world.stop_server().await;
    tokio::time::sleep(SOON * 5).await;
    assert_eq!(is_locked(&store, "south").await, None);
    world.start().await;
    revoke(&world, &south).await;
    until_locked(&store, "south").await;
    // It can be dropped nevertheless.
    assert!(store.drop_database("south").await.unwrap());
    close(opened, store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_out_of_reach_is_unlocked_by_itself() {
    let mut world = World::new().await;
    let second = world.add_server("second").await;
    let both = |world: &World| {
        let mut kmip = world.kmip();
        let second = kmip_client::ServerAddress::parse("127.0.0.1", second.port()).unwrap();
        kmip.servers.push(second);
        kmip
    };
    // The server's own master key is on the second one, the tenant's on the first.
    let mut kmip = both(&world);
    kmip.servers.remove(0);
    let opened = world.open(kmip).await.unwrap();
    drop(opened);
    let opened = world.open(both(&world)).await.unwrap();
    let store_ = store(&world, &opened).await;
    store_.database_or_create("tenant").await.unwrap();
    let given = key(&world, "tenant", State::Active).await;
    let encryption: Arc<Encryption> = opened.encryption.clone().unwrap();
    let to = DatabaseKey::Given(given.clone());
    encryption
        .change_database_key(tree(&store_, "tenant"), to, false)
        .await
        .unwrap();
    drop(encryption);
    close(opened, store_).await;

    world.stop_server().await;
    let opened = world.open(both(&world)).await.unwrap();
    let store_ = store(&world, &opened).await;
    let why = is_locked(&store_, "tenant").await.unwrap();
    assert!(why.contains(&given), "{why}");
    let _watch = opened
        .encryption
        .as_ref()
        .unwrap()
        .watch_databases(store_.clone());
    world.start().await;
    while is_locked(&store_, "tenant").await.is_some() {
        tokio::time::sleep(SOON).await;
    }
    close(opened, store_).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_key_is_rotated_and_taken_back() {
    let world = World::new().await;
    let (opened, store, [north, south]) = tenants(&world, world.kmip()).await;
    let encryption = opened.encryption.clone().unwrap();
    let trees = ["north", "south", "nobody"].map(|name| tree(&store, name));
    let same = DatabaseKey::Given(north.clone());
    let error = encryption
        .change_database_key(trees[0], same, false)
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::IllegalOperation, "{error}");
    let error = encryption
        .change_database_key(trees[2], DatabaseKey::Next, false)
        .await;
    assert_eq!(error.unwrap_err().code(), ErrorCode::IllegalOperation);

    let changed = encryption
        .change_database_key(trees[0], DatabaseKey::Next, true)
        .await
        .unwrap();
    assert_eq!(changed.old_revoked, Some(Ok(())));
    let new = changed.new.unwrap();
    assert_eq!(new.generation, 2);
    let mut session = world.session().await;
    let state = session.get_attributes(&north).await.unwrap().state;
    assert_eq!(state, Some(State::Deactivated));
    // A key that two have is not revoked for one of them.
    let shared = DatabaseKey::Given(south.clone());
    encryption
        .change_database_key(trees[0], shared, false)
        .await
        .unwrap();
    let error = encryption
        .change_database_key(trees[0], DatabaseKey::Next, true)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("another database has"),
        "{error}"
    );
    let state = session.get_attributes(&south).await.unwrap().state;
    assert_eq!(state, Some(State::Active));
    // Nor is the server's, if a database has it, too.
    let masters = encryption.keystore().master_key().identifier.unwrap();
    let shared = DatabaseKey::Given(masters.clone());
    encryption
        .change_database_key(trees[1], shared, false)
        .await
        .unwrap();
    let error = encryption.rotate(None, true).await.unwrap_err();
    assert!(error.to_string().contains(&masters), "{error}");
    assert_eq!(encryption.keystore().master_key().generation, 1);

    for tree in &trees[..2] {
        encryption
            .change_database_key(*tree, DatabaseKey::Default, false)
            .await
            .unwrap();
    }
    assert!(encryption.databases(&store).is_empty());
    let done = encryption.rotate(None, true).await.unwrap();
    assert_eq!(done.old_revoked, Some(Ok(())));
    close(opened, store).await;
    let opened = world.open(world.kmip()).await.unwrap();
    assert_eq!(opened.keystore.as_ref().unwrap().master_key().generation, 2);
}
