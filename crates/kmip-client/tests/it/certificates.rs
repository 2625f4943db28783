//! Whose certificate is wrong, and in which way.

use kmip::ProtocolVersion;
use kmip_client::{Client, ClientConfig, ErrorKind};
use time::{Duration, OffsetDateTime};
use tls::dev_pki::{CertificateAuthority, KeyKind, Request};
use tls::{ClientTls, IdentityFiles, Trust};

use crate::peer::{Act, Peer, agree};
use crate::rig::Rig;

fn friendly(request: &crate::peer::Request) -> Act {
    agree(request, ProtocolVersion::V1_4).unwrap_or(Act::Close)
}

async fn error(config: ClientConfig) -> kmip_client::Error {
    Client::new(config).unwrap().connect().await.unwrap_err()
}

#[tokio::test]
async fn every_kind_of_chain() {
    for kind in [
        KeyKind::P256,
        KeyKind::P384,
        KeyKind::P521,
        KeyKind::Ed25519,
        KeyKind::Rsa2048,
    ] {
        let authority = CertificateAuthority::with_key("test CA", kind).unwrap();
        let rig = Rig::with(
            authority,
            &Request {
                key_kind: kind,
                ..Request::client("db-1")
            },
        );
        let names = Request {
            key_kind: kind,
            ..Request::server(&["127.0.0.1"])
        };
        let peer = Peer::start_with(&rig.server_file(&names), &rig.ca(), friendly).await;
        let session = rig
            .client(&peer.address.to_string())
            .connect()
            .await
            .unwrap();
        assert_eq!(
            session.negotiated_version(),
            ProtocolVersion::V1_4,
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn the_server_is_a_stranger() {
    let ours = Rig::new();
    let other = CertificateAuthority::new("another CA").unwrap();
    // Of another authority, and of one that took the name of ours.
    for theirs in [Rig::with(other, &Request::client("db-1")), Rig::new()] {
        let peer = Peer::start(&theirs, friendly).await;
        let error = error(ours.config(&peer.address.to_string())).await;
        assert_eq!(*error.kind(), ErrorKind::TlsUntrusted, "{error}");
        let text = error.to_string();
        assert!(text.contains(&peer.address.to_string()), "{text}");
        assert!(text.contains("not trusted"), "{text}");
    }
}

#[tokio::test]
async fn the_server_is_another() {
    let rig = Rig::new();
    let certificate = rig.server_file(&Request::server(&["kms2.example"]));
    let peer = Peer::start_with(&certificate, &rig.ca(), friendly).await;
    let port = peer.address.port();
    for host in ["127.0.0.1", "localhost"] {
        let error = error(rig.config(&format!("{host}:{port}"))).await;
        assert_eq!(*error.kind(), ErrorKind::TlsWrongName, "{error}");
        assert!(error.to_string().contains("kms2.example"), "{error}");
    }
}

#[tokio::test]
async fn the_server_has_expired() {
    let rig = Rig::new();
    let yesterday = OffsetDateTime::now_utc() - Duration::days(1);
    let request = Request {
        not_before: yesterday - Duration::days(1),
        not_after: yesterday,
        ..Request::server(&["127.0.0.1"])
    };
    let peer = Peer::start_with(&rig.server_file(&request), &rig.ca(), friendly).await;
    let error = error(rig.config(&peer.address.to_string())).await;
    assert_eq!(*error.kind(), ErrorKind::TlsUntrusted, "{error}");
    assert!(error.to_string().contains("expired"), "{error}");
}

#[tokio::test]
async fn we_are_strangers() {
    let (ours, theirs) = (Rig::new(), Rig::new());
    let peer = Peer::start(&theirs, friendly).await;
    let mut config = ours.config(&peer.address.to_string());
    config.tls.trust = Trust::only(theirs.ca());
    config.connect_retries = 3;
    let error = error(config).await;
    assert_eq!(*error.kind(), ErrorKind::TlsClientRefused, "{error}");
    assert!(error.to_string().contains("CN=db-1"), "{error}");
    assert_eq!(
        peer.connections(),
        1,
        "what will not change is not tried again"
    );
}

#[tokio::test]
async fn we_have_no_certificate() {
    let rig = Rig::new();
    let peer = Peer::start(&rig, friendly).await;
    let mut config = rig.config(&peer.address.to_string());
    config.tls.identity = None;
    let error = error(config).await;
    assert_eq!(*error.kind(), ErrorKind::TlsClientRefused, "{error}");
    assert!(error.to_string().contains("none is configured"), "{error}");
}

#[tokio::test]
async fn we_have_expired() {
    let yesterday = OffsetDateTime::now_utc() - Duration::days(1);
    let authority = CertificateAuthority::new("test CA").unwrap();
    let expired = Request {
        not_before: yesterday - Duration::days(1),
        not_after: yesterday,
        ..Request::client("db-1")
    };
    let rig = Rig::with(authority, &expired);
    let peer = Peer::start(&rig, friendly).await;
    let error = error(rig.config(&peer.address.to_string())).await;
    assert_eq!(*error.kind(), ErrorKind::TlsClientRefused, "{error}");
    assert!(error.to_string().contains("it expired on"), "{error}");
}

#[tokio::test]
async fn we_are_no_client() {
    let authority = CertificateAuthority::new("test CA").unwrap();
    let rig = Rig::with(authority, &Request::server(&["db-1"]));
    let peer = Peer::start(&rig, friendly).await;
    let error = error(rig.config(&peer.address.to_string())).await;
    assert_eq!(*error.kind(), ErrorKind::TlsClientRefused, "{error}");
}

#[tokio::test]
async fn a_renewed_certificate_is_used_at_once() {
    let (rig, other) = (Rig::new(), Rig::new());
    let peer = Peer::start(&rig, friendly).await;
    // Begins with a certificate of another authority.
    let file = rig.path().join("renewed.pem");
    std::fs::copy(other.client_file(), &file).unwrap();
    let mut config = rig.config(&peer.address.to_string());
    config.tls = ClientTls {
        trust: Trust::only(rig.ca()),
        identity: Some(IdentityFiles::combined(&file)),
    };
    let client = Client::new(config).unwrap();
    let refused = client.connect().await.unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::TlsClientRefused, "{refused}");
    std::fs::write(&file, "being written").unwrap();
    let refused = client.connect().await.unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::TlsClientRefused, "{refused}");
    std::fs::copy(rig.client_file(), &file).unwrap();
    client.connect().await.unwrap();
}

#[test]
fn files_that_cannot_be_used() {
    let rig = Rig::new();
    let mut config = rig.config("localhost:1");
    config.tls.identity = Some(IdentityFiles::combined(rig.ca()));
    let error = Client::new(config).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("ca.pem"), "{error}");
    let mut config = rig.config("localhost:1");
    config.servers.clear();
    assert_eq!(
        *Client::new(config).unwrap_err().kind(),
        ErrorKind::Configuration
    );
}
