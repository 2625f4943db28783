//! Peers that keep us waiting, and peers that are not there. None of these tests measures time: what would be too late
//! is an hour, and what is waited for is short.

use std::time::Duration;

use kmip::ProtocolVersion;
use kmip::operations::{QueryResponse, RequestPayload};
use kmip_client::{Client, ErrorKind};
use kmip_peer::{Act, Peer, agree};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::rig::{Rig, ends};

const SHORT: Duration = Duration::from_millis(150);
const FOREVER: Duration = Duration::from_secs(3600);

/// A resolver that has lost its servers takes its time, and cannot be interrupted: neither connecting nor ending the
/// runtime may wait for it.
#[test]
fn a_host_without_an_address() {
    let rig = Rig::new();
    let mut config = rig.config("no-such-host.invalid:1");
    config.connect_timeout = Duration::from_secs(2);
    let client = Client::new(config).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let error = runtime.block_on(client.connect()).unwrap_err();
    runtime.shutdown_background();
    assert_eq!(*error.kind(), ErrorKind::Resolve, "{error}");
    assert!(
        error.to_string().contains("no-such-host.invalid:1"),
        "{error}"
    );
}

#[tokio::test]
async fn silent_from_the_start() {
    let rig = Rig::new();
    // The operating system completes the connection; nobody accepts it.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = rig.config(&listener.local_addr().unwrap().to_string());
    (config.connect_timeout, config.operation_timeout) = (SHORT, FOREVER);
    let error = Client::new(config).unwrap().connect().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Timeout, "{error}");
}

#[tokio::test]
async fn silent_after_the_handshake() {
    let rig = Rig::new();
    let peer = Peer::start(&rig, |_| Act::Silence).await;
    let mut config = rig.config(&peer.address.to_string());
    (config.connect_timeout, config.operation_timeout) = (Duration::from_secs(2), FOREVER);
    let error = Client::new(config).unwrap().connect().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Timeout, "{error}");
}

#[tokio::test]
async fn silent_in_the_middle_of_an_answer() {
    let rig = Rig::new();
    let peer = Peer::start(&rig, |request| {
        agree(request, request.version).unwrap_or_else(|| {
            // A header that announces 100 bytes, and four of them.
            Act::Bytes(vec![
                0x42, 0x00, 0x7b, 0x01, 0, 0, 0, 100, 0x42, 0x00, 0x7a, 0x01,
            ])
        })
    })
    .await;
    let mut config = rig.config(&peer.address.to_string());
    config.operation_timeout = SHORT;
    let mut session = Client::new(config).unwrap().connect().await.unwrap();
    let error = session.query().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Timeout, "{error}");
    assert!(error.outcome_is_unknown());
}

/// Limits that are meant to be none.
#[tokio::test]
async fn no_limit_at_all() {
    let rig = Rig::new();
    let peer = Peer::start(&rig, |request| {
        agree(request, ProtocolVersion::V1_2)
            .unwrap_or_else(|| Act::Answer(QueryResponse::default().into()))
    })
    .await;
    let mut config = rig.config(&peer.address.to_string());
    config.connect_timeout = Duration::MAX;
    config.operation_timeout = Duration::MAX;
    config.max_backoff = Duration::MAX;
    let mut session = ends(Client::new(config).unwrap().connect()).await.unwrap();
    ends(session.query()).await.unwrap();
}

#[tokio::test]
async fn a_slow_answer_is_an_answer() {
    let rig = Rig::new();
    let peer = Peer::start(&rig, |request| {
        match agree(request, ProtocolVersion::V1_2) {
            Some(act) => act,
            None => Act::Trickle(QueryResponse::default().into()),
        }
    })
    .await;
    let mut session = rig.session(&peer).await;
    session.query().await.unwrap();
    session.query().await.unwrap();
    assert_eq!(peer.connections(), 1);
}

/// Bytes that keep coming do not keep a client waiting for ever.
#[tokio::test]
async fn an_answer_that_never_ends() {
    let rig = Rig::new();
    let peer = Peer::start(&rig, |request| {
        agree(request, ProtocolVersion::V1_2)
            .unwrap_or_else(|| Act::Drip(QueryResponse::default().into()))
    })
    .await;
    let mut config = rig.config(&peer.address.to_string());
    config.operation_timeout = Duration::from_secs(1);
    let mut session = Client::new(config).unwrap().connect().await.unwrap();
    let error = ends(session.query()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Timeout, "{error}");
    assert!(error.outcome_is_unknown());
}

/// What is late for one question must not be taken for the answer to the next.
#[tokio::test]
async fn an_abandoned_operation_costs_the_connection() {
    let rig = Rig::new();
    let peer = Peer::start(&rig, |request| {
        match (&request.payload, request.connection) {
            (RequestPayload::Query(_), 0) => Act::Silence,
            (RequestPayload::Query(_), _) => Act::Answer(QueryResponse::default().into()),
            _ => agree(request, ProtocolVersion::V1_2).unwrap_or(Act::Close),
        }
    })
    .await;
    let mut session = rig.session(&peer).await;
    assert!(tokio::time::timeout(SHORT, session.query()).await.is_err());
    session.query().await.unwrap();
    assert_eq!(peer.connections(), 2);
}

#[tokio::test]
async fn not_tls() {
    let rig = Rig::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let _ = tcp.read(&mut [0; 512]).await;
            let _ = tcp.write_all(b"SSH-2.0-OpenSSH_9.6\r\n").await;
            let _ = tcp.read(&mut [0; 512]).await;
        }
    });
    let error = rig
        .client(&address.to_string())
        .connect()
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::TlsOther, "{error}");
    assert!(error.to_string().contains("not TLS"), "{error}");
    task.abort();
}

#[tokio::test]
async fn hangs_up_during_the_handshake() {
    let rig = Rig::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let _ = tcp.read(&mut [0; 512]).await;
            tcp.set_zero_linger().unwrap();
        }
    });
    let error = rig
        .client(&address.to_string())
        .connect()
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ConnectionLost, "{error}");
    task.abort();
}

/// Reset as soon as it is accepted; and in the middle of agreeing on a version.
#[tokio::test]
async fn resets_while_connecting() {
    let rig = Rig::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tcp.set_zero_linger().unwrap();
        }
    });
    let client = rig.client(&address.to_string());
    let error = ends(client.connect()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ConnectionLost, "{error}");
    task.abort();

    for lose in [
        (|| Act::Reset) as fn() -> Act,
        || Act::Close,
        || Act::BytesThenReset(vec![0x42, 0x00, 0x7b, 0x01, 0, 0, 0]),
        || Act::BytesThenClose(vec![0x42, 0x00, 0x7b, 0x01, 0, 0, 0, 64, 0x42]),
    ] {
        let peer = Peer::start(&rig, move |_| lose()).await;
        let client = rig.client(&peer.address.to_string());
        let error = ends(client.connect()).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::ConnectionLost, "{error}");
        assert!(!error.outcome_is_unknown(), "nothing was asked for yet");
    }
}
