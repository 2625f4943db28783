//! Several servers: down, hanging, refusing, without the key, and back again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kmip::ProtocolVersion;
use kmip::registry::{Operation, ResultReason};
use kmip_client::{Client, ErrorKind};
use tls::dev_pki::Request;
use tls::{ClientAuth, IdentityFiles, ServerTls, Trust};
use tokio::net::{TcpListener, TcpSocket};

use crate::key_store::{Keys, honest, keys};
use crate::peer::{Act, Peer, agree};
use crate::rig::{Rig, ends};

async fn up(rig: &Rig, keys: &Keys) -> Peer {
    let keys = keys.clone();
    Peer::start(rig, move |request| {
        agree(request, ProtocolVersion::V1_4).unwrap_or_else(|| honest(&keys, request))
    })
    .await
}

/// A port that is ours, and at which nobody listens yet.
fn down() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[tokio::test]
async fn the_first_is_down() {
    let rig = Rig::new();
    let (_port, nobody) = down();
    let second = up(&rig, &Keys::default()).await;
    let client = Client::new(rig.config_of(&[nobody, second.address])).unwrap();
    let session = ends(client.connect()).await.unwrap();
    assert_eq!(session.address(), second.address);
    assert_eq!(session.server().to_string(), second.address.to_string());
}

#[tokio::test]
async fn the_first_hangs() {
    let rig = Rig::new();
    // The operating system completes the connection; nobody accepts it.
    let hangs = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // And one that answers TLS, but no request.
    let silent = Peer::start(&rig, |_| Act::Silence).await;
    let last = up(&rig, &Keys::default()).await;
    let servers = [hangs.local_addr().unwrap(), silent.address, last.address];
    let mut config = rig.config_of(&servers);
    // Long enough for the one that works, on a machine that is busy.
    config.connect_timeout = Duration::from_secs(4);
    let session = ends(Client::new(config).unwrap().connect()).await.unwrap();
    assert_eq!(session.address(), last.address);
}

#[tokio::test]
async fn the_first_refuses() {
    let rig = Rig::new();
    let refuses = Peer::start(&rig, |_| {
        Act::Refuse(ResultReason::AuthenticationNotSuccessful)
    })
    .await;
    let stranger = up(&Rig::new(), &Keys::default()).await;
    let last = up(&rig, &Keys::default()).await;
    let servers = [refuses.address, stranger.address, last.address];
    let mut config = rig.config_of(&servers);
    config.connect_retries = 2;
    let session = ends(Client::new(config).unwrap().connect()).await.unwrap();
    assert_eq!(session.address(), last.address);
    assert_eq!((refuses.connections(), stranger.connections()), (1, 1));
}

#[tokio::test]
async fn the_first_lacks_the_key() {
    let rig = Rig::new();
    let first = up(&rig, &Keys::default()).await;
    let second = up(&rig, &keys(&[("mine", 9)])).await;
    let (_port, nobody) = down();

    let client = Client::new(rig.config_of(&[first.address, second.address])).unwrap();
    let (session, key) = ends(client.find_symmetric_key("0")).await.unwrap();
    assert_eq!(session.address(), second.address);
    assert_eq!(key.material.expose(), [9; 32]);

    // Nobody has it.
    let error = ends(client.find_symmetric_key("7")).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::NotFound, "{error}");
    assert_eq!(error.failures().len(), 2);

    // One that could not be asked may have it.
    let client = Client::new(rig.config_of(&[first.address, nobody])).unwrap();
    let error = ends(client.find_symmetric_key("7")).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Connect, "{error}");
}

#[tokio::test]
async fn all_are_down() {
    let rig = Rig::new();
    let (ports, servers): (Vec<_>, Vec<_>) = (0..3).map(|_| down()).unzip();
    let mut config = rig.config_of(&servers);
    config.connect_retries = 2;
    let error = ends(Client::new(config).unwrap().connect())
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Connect, "{error}");
    assert!(!error.outcome_is_unknown());
    let text = error.to_string();
    for (server, failure) in servers.iter().zip(error.failures()) {
        assert_eq!(failure.server().unwrap().to_string(), server.to_string());
        assert_eq!(failure.attempt().map(|attempt| attempt.number), Some(3));
        assert!(
            text.contains(&format!("{server}, attempt 3 of 3")),
            "{text}"
        );
    }
    assert_eq!(error.failures().len(), ports.len());
}

/// Of several failures the one that somebody has to mend speaks for all.
#[tokio::test]
async fn all_fail_differently() {
    let rig = Rig::new();
    let (_port, nobody) = down();
    let stranger = up(&Rig::new(), &Keys::default()).await;
    let client = Client::new(rig.config_of(&[stranger.address, nobody])).unwrap();
    let error = ends(client.connect()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::TlsUntrusted, "{error}");
    let kinds: Vec<_> = error.failures().iter().map(|error| error.kind()).collect();
    assert_eq!(kinds, [&ErrorKind::TlsUntrusted, &ErrorKind::Connect]);
}

#[tokio::test]
async fn the_first_is_back_again() {
    let rig = Rig::new();
    let (port, first) = down();
    let second = up(&rig, &Keys::default()).await;
    let client = Client::new(rig.config_of(&[first, second.address])).unwrap();
    assert_eq!(
        ends(client.connect()).await.unwrap().address(),
        second.address
    );
    let certificate = rig.server_file(&Request::server(&["127.0.0.1"]));
    let tls = ServerTls {
        identity: IdentityFiles::combined(certificate),
        client_auth: ClientAuth::Required(Trust::only(rig.ca())),
    };
    let tls = tls.load().unwrap().config;
    let _back = Peer::start_on(
        port.listen(16).unwrap(),
        move || tls.clone(),
        |request| agree(request, ProtocolVersion::V1_4).unwrap_or(Act::Close),
    );
    assert_eq!(ends(client.connect()).await.unwrap().address(), first);
}

/// A server that is gone for a while in the middle of a session: each operation says so, and the first one after that
/// is done.
#[tokio::test]
async fn a_session_outlives_an_outage() {
    let rig = Rig::new();
    let (keys, is_up) = (keys(&[("mine", 9)]), Arc::new(AtomicBool::new(true)));
    let (served, switch) = (keys.clone(), is_up.clone());
    let peer = Peer::start(&rig, move |request| {
        if !switch.load(Ordering::SeqCst) {
            return Act::Reset;
        }
        agree(request, ProtocolVersion::V1_4).unwrap_or_else(|| honest(&served, request))
    })
    .await;
    let mut session = rig.session(&peer).await;
    session.get_symmetric_key("0").await.unwrap();
    is_up.store(false, Ordering::SeqCst);
    for _ in 0..2 {
        let error = ends(session.get_symmetric_key("0")).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::ConnectionLost, "{error}");
    }
    is_up.store(true, Ordering::SeqCst);
    let key = ends(session.get_symmetric_key("0")).await.unwrap();
    assert_eq!(key.material.expose(), [9; 32]);
    assert!(peer.count(Operation::Get) >= 3);
}

/// A name has several addresses (IPv6 before IPv4, as a rule); the one that works is found.
#[tokio::test]
async fn every_address_of_a_name() {
    let rig = Rig::new();
    let peer = up(&rig, &Keys::default()).await;
    let client = rig.client(&format!("localhost:{}", peer.address.port()));
    let session = ends(client.connect()).await.unwrap();
    assert_eq!(session.address(), peer.address);
}
