//! Whose certificate is wrong, and in which way.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kmip::ProtocolVersion;
use kmip::operations::QueryResponse;
use kmip_client::{Client, ClientConfig, ErrorKind};
use kmip_peer::{Act, Certificates, Peer, agree, free_port};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::SingleCertAndKey;
use rustls::{ServerConfig, SupportedProtocolVersion};
use time::{Duration, OffsetDateTime};
use tls::dev_pki::{CertificateAuthority, KeyKind, Request};
use tls::{ClientTls, IdentityFiles, Password, Trust};

use crate::rig::{Rig, ends};

fn friendly(request: &kmip_peer::Request) -> Act {
    agree(request, ProtocolVersion::V1_4).unwrap_or(Act::Close)
}

async fn error(config: ClientConfig) -> kmip_client::Error {
    Client::new(config).unwrap().connect().await.unwrap_err()
}

/// A server that speaks one version of TLS only.
fn only(
    version: &'static SupportedProtocolVersion,
    rig: &Rig,
    certificate: &Path,
) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let identity = IdentityFiles::combined(certificate).load().unwrap();
    let roots = Arc::new(Trust::only(rig.ca()).load().unwrap());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone())
        .build()
        .unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified_key)));
    Arc::new(config)
}

#[tokio::test]
async fn every_kind_of_chain_with_every_version_of_tls() {
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
        let certificate = rig.server_file(&names);
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let what = format!("{kind:?}, {:?}", version.version);
            let tls = only(version, &rig, &certificate);
            let peer = Peer::start_on(free_port().await, move || tls.clone(), friendly);
            let client = rig.client(&peer.address.to_string());
            let session = ends(client.connect())
                .await
                .unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(
                session.negotiated_version(),
                ProtocolVersion::V1_4,
                "{what}"
            );
        }
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

/// Waits until a certificate has expired. Validity ends with the second.
async fn expired(not_after: OffsetDateTime) {
    while OffsetDateTime::now_utc() < not_after + Duration::seconds(1) {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

/// How long a certificate is valid that is to expire in a test, in seconds: the next one is tried when the machine was too
/// busy to connect within the one before.
const SHORT_LIVES: [i64; 6] = [1, 2, 4, 8, 16, 32];

/// Answers Query on the first connection until it is told to close it, and on every other.
fn until_closed(
    closes: &Arc<AtomicBool>,
) -> impl Fn(&kmip_peer::Request) -> Act + Send + Sync + 'static {
    let closes = closes.clone();
    move |request| {
        if request.connection == 0 && closes.load(Ordering::SeqCst) {
            return Act::Close;
        }
        agree(request, ProtocolVersion::V1_4)
            .unwrap_or_else(|| Act::Answer(QueryResponse::default().into()))
    }
}

#[tokio::test]
async fn the_servers_certificate_expires_meanwhile_and_is_renewed() {
    let rig = Rig::new();
    for seconds in SHORT_LIVES {
        let not_after = OffsetDateTime::now_utc() + Duration::seconds(seconds);
        let certificate = rig.server_file(&Request {
            not_after,
            ..Request::server(&["127.0.0.1"])
        });
        let closes = Arc::new(AtomicBool::new(false));
        let peer = Peer::start_with(&certificate, &rig.ca(), until_closed(&closes)).await;
        let client = rig.client(&peer.address.to_string());
        let Ok(mut session) = ends(client.connect()).await else {
            continue;
        };
        expired(not_after).await;
        // A connection outlives the certificate that it was made with; a new one is not made.
        ends(session.query()).await.unwrap();
        closes.store(true, Ordering::SeqCst);
        let error = ends(session.query()).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::TlsUntrusted, "{error}");
        assert!(error.to_string().contains("has expired"), "{error}");
        rig.server_file(&Request::server(&["127.0.0.1"]));
        ends(session.query()).await.unwrap();
        return;
    }
    panic!("no connection within {SHORT_LIVES:?} s");
}

#[tokio::test]
async fn our_certificate_expires_meanwhile_and_is_renewed() {
    let rig = Rig::new();
    let issue = |not_after| {
        let request = Request {
            not_after,
            ..Request::client("db-1")
        };
        let issued = rig.authority.issue(&request).unwrap();
        issued.write_combined(&rig.client_file()).unwrap();
    };
    for seconds in SHORT_LIVES {
        let not_after = OffsetDateTime::now_utc() + Duration::seconds(seconds);
        issue(not_after);
        let closes = Arc::new(AtomicBool::new(false));
        let peer = Peer::start(&rig, until_closed(&closes)).await;
        let client = rig.client(&peer.address.to_string());
        let Ok(mut session) = ends(client.connect()).await else {
            continue;
        };
        expired(not_after).await;
        ends(session.query()).await.unwrap();
        closes.store(true, Ordering::SeqCst);
        let error = ends(session.query()).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::TlsClientRefused, "{error}");
        assert!(error.to_string().contains("it expired on"), "{error}");
        // Vault's live for a day: the file is replaced, and nobody has to restart anything.
        issue(OffsetDateTime::now_utc() + Duration::days(1));
        ends(session.query()).await.unwrap();
        return;
    }
    panic!("no connection within {SHORT_LIVES:?} s");
}

/// What OpenSSL wrote for decades and nobody should read any more: the message gives the command that converts it.
#[test]
fn a_key_encrypted_with_pbes1() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tls/tests/data");
    let rig = Rig::new();
    for password in [Some("correct"), None] {
        let mut config = rig.config("localhost:1");
        config.tls.identity = Some(IdentityFiles {
            certificate: data.join("p256.pem"),
            key: Some(data.join("p256.pbes1.key")),
            password: password.map(Password::new),
        });
        let error = Client::new(config).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Configuration);
        let text = error.to_string();
        assert!(
            text.contains("PBES1") && text.contains("openssl pkey -in"),
            "{text}"
        );
    }
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
