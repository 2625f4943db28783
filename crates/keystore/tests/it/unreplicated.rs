//! Several KMIP servers that do not replicate: identifiers that stand for different keys, and servers that fail when they
//! are asked.

use std::time::Duration;

use keystore::provider::kmip::{KmipKeyError, KmipKeys};
use keystore::{Cipher, Keystore, MasterKeyRef};
use kmip::ProtocolVersion;
use kmip::registry::{Operation, ResultReason, State};
use kmip_client::{Client, ClientConfig, ErrorKind, ServerAddress};
use kmip_peer::{Act, Keys, Peer, agree, honest, keys};
use uuid::Uuid;

use crate::world::World;

const LONG: Duration = Duration::from_secs(300);
/// What is waited for in vain; whatever else happens has to be done in it, too.
const SHORT: Duration = Duration::from_secs(4);

/// A server with these keys, all of them Active.
async fn server(world: &World, of: &[(&str, u8)]) -> Peer {
    let keys = keys(of);
    set_state(&keys, State::Active);
    Peer::start(world, move |request| {
        agree(request, ProtocolVersion::V1_4).unwrap_or_else(|| honest(&keys, request))
    })
    .await
}

fn set_state(keys: &Keys, state: State) {
    for key in keys.lock().unwrap().iter_mut() {
        key.state = state;
    }
}

/// A server that lets clients connect, and does this with whatever they ask then.
async fn failing(world: &World, act: fn() -> Act) -> Peer {
    Peer::start(world, move |request| {
        agree(request, ProtocolVersion::V1_4).unwrap_or_else(act)
    })
    .await
}

async fn connect(world: &World, servers: &[&Peer], operation_timeout: Duration) -> KmipKeys {
    let servers: Vec<_> = servers
        .iter()
        .map(|peer| ServerAddress::parse(&peer.address.to_string(), 1).unwrap())
        .collect();
    let config = ClientConfig {
        connect_timeout: LONG,
        operation_timeout,
        ..ClientConfig::new(servers, world.site(0).tls())
    };
    let client = Client::new(config).unwrap();
    KmipKeys::connect(client, true).await.unwrap()
}

fn saved(name: Option<&str>) -> MasterKeyRef {
    MasterKeyRef::kmip(1, name.map(str::to_owned), Some("0".to_owned())).unwrap()
}

fn is_at(keys: &KmipKeys, peer: &Peer) {
    assert_eq!(keys.session().address(), peer.address);
}

type Fault = (fn() -> Act, Duration, &'static str);

const FAULTS: [Fault; 4] = [
    (|| Act::Reset, LONG, "resets"),
    (|| Act::Silence, SHORT, "is silent"),
    (|| Act::Bytes(vec![0; 64]), LONG, "talks rubbish"),
    (
        || Act::Refuse(ResultReason::AuthenticationNotSuccessful),
        LONG,
        "does not know us",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_is_passed_over() {
    let (world, _) = World::new().await;
    for (act, timeout, what) in FAULTS {
        let first = failing(&world, act).await;
        let second = server(&world, &[("another", 1), ("mine", 2)]).await;
        // By Name, by identifier, as a keystore has it.
        let mut keys = connect(&world, &[&first, &second], timeout).await;
        is_at(&keys, &first);
        let found = keys.find("mine").await.unwrap().unwrap();
        assert_eq!(found.unique_identifier, "1", "{what}");
        is_at(&keys, &second);

        let mut keys = connect(&world, &[&first, &second], timeout).await;
        let fetched = keys.fetch("1").await.unwrap();
        assert_eq!(fetched.key.expose(), &[2; 32], "{what}");
        is_at(&keys, &second);

        let mut keys = connect(&world, &[&first, &second], timeout).await;
        let key = saved(Some("another"));
        let opened = keys.open_key(&key, Uuid::nil(), None).await.unwrap();
        assert_eq!(opened.key.expose(), &[1; 32], "{what}");
        is_at(&keys, &second);

        // Nobody else has it: the one that could not be asked may, so that it is not said to be nowhere.
        let mut keys = connect(&world, &[&first, &second], timeout).await;
        let error = keys.find("nobody's").await.unwrap_err();
        assert!(matches!(error, KmipKeyError::Client(_)), "{what}: {error}");
        is_at(&keys, &first);
    }
}

/// The server in use has no such key, the next one fails: that one is named, and the connection is the one of before.
#[tokio::test(flavor = "multi_thread")]
async fn a_further_server_that_fails_costs_nothing() {
    let (world, _) = World::new().await;
    for (act, timeout, what) in FAULTS {
        let first = server(&world, &[("another", 1)]).await;
        let second = failing(&world, act).await;
        let third = server(&world, &[("another", 1), ("mine", 2)]).await;
        let mut keys = connect(&world, &[&first, &second], timeout).await;
        let not_there = keys.find("mine").await.unwrap().unwrap_err();
        is_at(&keys, &first);
        let error = not_there.error("mine").to_string();
        let second_at = format!("{} (not asked: ", second.address);
        assert!(
            error.contains(&first.address.to_string()) && error.contains(&second_at),
            "{what}: {error}"
        );
        let mut keys = connect(&world, &[&first, &second, &third], timeout).await;
        keys.find("mine").await.unwrap().unwrap();
        is_at(&keys, &third);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_ambiguous_says_so_and_changes_nothing() {
    let (world, _) = World::new().await;
    let first = server(&world, &[("another", 1)]).await;
    let second = server(&world, &[("mine", 1), ("mine", 2)]).await;
    let mut keys = connect(&world, &[&first, &second], LONG).await;
    let error = keys.find("mine").await.unwrap_err();
    assert!(matches!(error, KmipKeyError::Ambiguous { .. }), "{error}");
    is_at(&keys, &first);
}

/// A key of the identifier on the first server is another one: its Name says so.
#[tokio::test(flavor = "multi_thread")]
async fn the_name_tells_keys_of_one_identifier_apart() {
    let (world, _) = World::new().await;
    let first = server(&world, &[("another", 1)]).await;
    let second = server(&world, &[("mine", 2)]).await;
    let mut keys = connect(&world, &[&first, &second], LONG).await;
    let key = saved(Some("mine"));
    let opened = keys.open_key(&key, Uuid::nil(), None).await.unwrap();
    assert_eq!(opened.key.expose(), &[2; 32]);
    is_at(&keys, &second);
    assert_eq!(first.count(Operation::Get), 0);

    // A key whose Name somebody has changed is the right one where there is no better.
    let mut keys = connect(&world, &[&first], LONG).await;
    let opened = keys.open_key(&key, Uuid::nil(), None).await.unwrap();
    assert_eq!(opened.key.expose(), &[1; 32]);
}

/// Without a Name, only what it opens tells.
#[tokio::test(flavor = "multi_thread")]
async fn what_it_opens_tells_keys_of_one_identifier_apart() {
    let (world, _) = World::new().await;
    let dbpath = world.dbpath();
    let (id, cipher) = (Uuid::new_v4(), Cipher::default());
    let right = keystore::MasterKey::from_slice(&[2; 32]).unwrap();
    drop(Keystore::create(&dbpath, id, cipher, saved(None), &right).unwrap());
    let header = Keystore::inspect(&dbpath).unwrap().unwrap();
    let is_right = |key: &keystore::MasterKey| header.is_under(key).unwrap();

    let wrong = server(&world, &[("a", 1)]).await;
    let second = server(&world, &[("b", 2)]).await;
    let dead = failing(&world, || Act::Reset).await;
    for servers in [
        &[&wrong, &second][..],
        &[&wrong, &dead, &second],
        &[&dead, &wrong, &second],
    ] {
        let mut keys = connect(&world, servers, LONG).await;
        let key = header.master_key().unwrap();
        let opened = keys.open_right_key(key, id, None, is_right).await.unwrap();
        Keystore::open(&dbpath, &opened.key).unwrap();
        is_at(&keys, &second);
    }

    // Nobody has the right one: whoever opens the keystore says so.
    let mut keys = connect(&world, &[&wrong], LONG).await;
    let key = header.master_key().unwrap();
    let opened = keys.open_right_key(key, id, None, is_right).await.unwrap();
    let error = Keystore::open(&dbpath, &opened.key).unwrap_err();
    assert!(matches!(error, keystore::Error::WrongKey { .. }), "{error}");
    // And the one that could not be asked may have it, if no other has one at all.
    let none = server(&world, &[]).await;
    let mut keys = connect(&world, &[&dead, &none], LONG).await;
    let error = keys.open_right_key(key, id, None, is_right).await;
    match error.unwrap_err() {
        KmipKeyError::Client(error) => {
            assert_eq!(*error.kind(), ErrorKind::ConnectionLost, "{error}");
        }
        error => panic!("{error}"),
    }
}

/// A key that is the right one and may not be used is not looked for elsewhere: its server has the say.
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_not_replaced_by_another_servers() {
    let (world, _) = World::new().await;
    let revoked = keys(&[("mine", 2)]);
    set_state(&revoked, State::Deactivated);
    let first = Peer::start(&world, move |request| {
        agree(request, ProtocolVersion::V1_4).unwrap_or_else(|| honest(&revoked, request))
    })
    .await;
    let second = server(&world, &[("mine", 2)]).await;
    let mut keys = connect(&world, &[&first, &second], LONG).await;
    let opened = keys.open_key(&saved(Some("mine")), Uuid::nil(), None).await;
    let error = opened.unwrap_err();
    assert!(matches!(error, KmipKeyError::NotActive { .. }), "{error}");
    assert_eq!(second.connections(), 0);
    is_at(&keys, &first);
}
