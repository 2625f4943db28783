//! Several servers: down, hanging, refusing, without the key, and back again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kmip::ProtocolVersion;
use kmip::objects::{KeyBlock, SecretData};
use kmip::registry::{Operation, ResultReason, ResultStatus, SecretDataType};
use kmip_client::{Client, ErrorKind};
use kmip_peer::{Act, Certificates, Keys, Peer, agree, honest, keys};
use tls::dev_pki::Request;
use tls::{ClientAuth, IdentityFiles, ServerTls, Trust};
use tokio::net::{TcpListener, TcpSocket};

use crate::rig::{Rig, ends};
use crate::strange_answers::got;

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

/// For a server on 127.0.0.1.
fn tls_of(rig: &Rig) -> Arc<rustls::ServerConfig> {
    let certificate = rig.server_file(&Request::server(&["127.0.0.1"]));
    let tls = ServerTls {
        identity: IdentityFiles::combined(certificate),
        client_auth: ClientAuth::Required(Trust::only(rig.ca())),
    };
    tls.load().unwrap().config
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

/// A server that lets us connect and then fails does not keep the next one from being asked.
#[tokio::test]
async fn the_first_fails_when_it_is_asked_for_the_key() {
    let rig = Rig::new();
    let has_it = keys(&[("mine", 9)]);
    for (fail, timeout, kind) in [
        (
            (|| Act::Reset) as fn() -> Act,
            300,
            ErrorKind::ConnectionLost,
        ),
        (|| Act::Close, 300, ErrorKind::ConnectionLost),
        (|| Act::Silence, 3, ErrorKind::Timeout),
        (|| Act::Bytes(vec![0; 64]), 300, ErrorKind::Protocol),
        (
            || Act::Refuse(ResultReason::PermissionDenied),
            300,
            ErrorKind::Refused {
                status: ResultStatus::OperationFailed,
                reason: Some(ResultReason::PermissionDenied),
            },
        ),
    ] {
        let first = Peer::start(&rig, move |request| {
            agree(request, ProtocolVersion::V1_4).unwrap_or_else(fail)
        })
        .await;
        let second = up(&rig, &has_it).await;
        let mut config = rig.config_of(&[first.address, second.address]);
        config.operation_timeout = Duration::from_secs(timeout);
        let client = Client::new(config).unwrap();
        let (session, key) = ends(client.find_symmetric_key("0")).await.unwrap();
        assert_eq!(session.address(), second.address, "{kind:?}");
        assert_eq!(key.material.expose(), [9; 32]);
        assert!(first.count(Operation::Get) > 0, "{kind:?}");
        // The second one does not have it, and the first may.
        let error = ends(client.find_symmetric_key("7")).await.unwrap_err();
        assert_eq!(*error.kind(), kind, "{error}");
        assert_eq!(error.failures().len(), 2, "{error}");
    }
}

/// Servers that count their keys from 0 each: an identifier that is a key's on one is another kind of object's, or
/// another key's, on the next.
#[tokio::test]
async fn the_first_has_something_else_of_that_identifier() {
    let rig = Rig::new();
    let first = Peer::start(&rig, |request| {
        agree(request, ProtocolVersion::V1_4).unwrap_or_else(|| {
            let secret = SecretData {
                secret_data_type: SecretDataType::Password,
                key_block: KeyBlock::secret(b"a password".to_vec()),
            };
            Act::Answer(got("0", secret))
        })
    })
    .await;
    let second = up(&rig, &keys(&[("mine", 9)])).await;
    let client = Client::new(rig.config_of(&[first.address, second.address])).unwrap();
    let (session, _) = ends(client.find_symmetric_key("0")).await.unwrap();
    assert_eq!(session.address(), second.address);
}

/// A server that comes up while its clients try again and again.
#[tokio::test]
async fn a_later_round_succeeds() {
    let rig = Rig::new();
    // The first round and the second fail; each of them tries an older version, too.
    let peer = Peer::start(&rig, |request| match request.connection {
        0..4 => Act::Reset,
        _ => agree(request, ProtocolVersion::V1_4).unwrap_or(Act::Close),
    })
    .await;
    let mut config = rig.config_of(&[peer.address]);
    config.connect_retries = 1;
    let error = ends(Client::new(config.clone()).unwrap().connect()).await;
    let error = error.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ConnectionLost, "{error}");
    assert!(error.to_string().contains("attempt 2 of 2"), "{error}");
    assert_eq!(peer.connections(), 4);
    let session = ends(Client::new(config).unwrap().connect()).await.unwrap();
    assert_eq!(session.address(), peer.address);

    let (port, address) = down();
    let (_other_port, nobody) = down();
    let mut config = rig.config_of(&[nobody, address]);
    config.connect_retries = 1_000_000;
    let client = Client::new(config).unwrap();
    let tls = tls_of(&rig);
    let (connected, _peer) = tokio::join!(ends(client.connect()), async move {
        // Long enough for some rounds; how many does not matter.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let script = |request: &_| agree(request, ProtocolVersion::V1_4).unwrap_or(Act::Close);
        Peer::start_on(port.listen(16).unwrap(), move || tls.clone(), script)
    });
    assert_eq!(connected.unwrap().address(), address);
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
    let tls = tls_of(&rig);
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
