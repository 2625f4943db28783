//! Mutual authentication between the two sides, over a connection in memory.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConnection, ServerConnection};
use tls::dev_pki::{CertificateAuthority, KeyKind, Request};
use tls::{ClientAuth, ClientTls, IdentityFiles, ServerTls, Trust};

struct Sides {
    client: ClientTls,
    server: ServerTls,
}

fn sides(directory: &Path, kind: KeyKind) -> Sides {
    let authority = CertificateAuthority::with_key("test CA", kind).unwrap();
    let (ca, server, client) = (
        directory.join("ca.pem"),
        directory.join("server.pem"),
        directory.join("client.pem"),
    );
    std::fs::write(&ca, authority.certificate_pem()).unwrap();
    authority
        .issue(&Request {
            key_kind: kind,
            ..Request::server(&["kms.example", "127.0.0.1"])
        })
        .unwrap()
        .write_combined(&server)
        .unwrap();
    authority
        .issue(&Request {
            key_kind: kind,
            ..Request::client("db-1")
        })
        .unwrap()
        .write_combined(&client)
        .unwrap();
    Sides {
        client: ClientTls {
            trust: Trust::only(&ca),
            identity: Some(IdentityFiles::combined(client)),
        },
        server: ServerTls {
            identity: IdentityFiles::combined(server),
            client_auth: ClientAuth::Required(Trust::only(&ca)),
        },
    }
}

/// Carries bytes between the two until neither has more to say; then one word each way.
fn shake(
    client: Arc<rustls::ClientConfig>,
    server: Arc<rustls::ServerConfig>,
    name: &'static str,
) -> Result<rustls::ProtocolVersion, rustls::Error> {
    let mut client = ClientConnection::new(client, name.try_into().unwrap())?;
    let mut server = ServerConnection::new(server)?;
    let mut wire = Vec::new();
    while client.wants_write() || server.wants_write() {
        wire.clear();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets()?;
        wire.clear();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    client.writer().write_all(b"ping").unwrap();
    wire.clear();
    client.write_tls(&mut wire).unwrap();
    server.read_tls(&mut wire.as_slice()).unwrap();
    server.process_new_packets()?;
    let mut word = [0; 4];
    server.reader().read_exact(&mut word).unwrap();
    assert_eq!(&word, b"ping");
    assert_eq!(server.peer_certificates().map(<[_]>::len), Some(1));
    Ok(client.protocol_version().unwrap())
}

#[test]
fn every_kind_of_key_in_both_versions() {
    for kind in [
        KeyKind::P256,
        KeyKind::P384,
        KeyKind::P521,
        KeyKind::Ed25519,
        KeyKind::Rsa2048,
    ] {
        let directory = tempfile::tempdir().unwrap();
        let sides = sides(directory.path(), kind);
        let client = sides.client.load().unwrap();
        assert_eq!(
            client.certificate.unwrap().common_name.as_deref(),
            Some("db-1")
        );
        let server = sides.server.load().unwrap().config;
        for name in ["kms.example", "127.0.0.1"] {
            let version = shake(client.config.clone(), server.clone(), name);
            assert_eq!(
                version,
                Ok(rustls::ProtocolVersion::TLSv1_3),
                "{kind:?} {name}"
            );
        }
        // A server that has TLS 1.2 alone.
        let old = rustls::ServerConfig::builder_with_provider(
            rustls::crypto::aws_lc_rs::default_provider().into(),
        )
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap();
        let roots = Trust::only(directory.path().join("ca.pem")).load().unwrap();
        let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
            Arc::new(roots),
            rustls::crypto::aws_lc_rs::default_provider().into(),
        )
        .build()
        .unwrap();
        let identity = sides.server.identity.load().unwrap();
        let old = old
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(
                identity.certified_key,
            )));
        let version = shake(client.config.clone(), Arc::new(old), "kms.example");
        assert_eq!(version, Ok(rustls::ProtocolVersion::TLSv1_2), "{kind:?}");
    }
}

#[test]
fn refusals() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (ours, theirs) = (
        sides(ours.path(), KeyKind::P256),
        sides(theirs.path(), KeyKind::P256),
    );
    let server = ours.server.load().unwrap().config;

    let stranger = shake(
        theirs.client.load().unwrap().config,
        server.clone(),
        "kms.example",
    );
    assert!(
        matches!(stranger, Err(rustls::Error::InvalidCertificate(_))),
        "{stranger:?}"
    );

    let wrong_name = shake(
        ours.client.load().unwrap().config,
        server.clone(),
        "other.example",
    );
    assert!(
        matches!(
            wrong_name,
            Err(rustls::Error::InvalidCertificate(
                rustls::CertificateError::NotValidForNameContext { .. }
            ))
        ),
        "{wrong_name:?}"
    );

    let anonymous = ClientTls {
        identity: None,
        ..ours.client.clone()
    }
    .load()
    .unwrap()
    .config;
    assert_eq!(
        shake(anonymous.clone(), server, "kms.example"),
        Err(rustls::Error::NoCertificatesPresented)
    );
    let ClientAuth::Required(trust) = ours.server.client_auth.clone() else {
        unreachable!()
    };
    let lenient = ServerTls {
        client_auth: ClientAuth::Optional(trust),
        ..ours.server.clone()
    };
    let lenient = lenient.load().unwrap().config;
    let mut client = ClientConnection::new(anonymous, "kms.example".try_into().unwrap()).unwrap();
    let mut server = ServerConnection::new(lenient).unwrap();
    let mut wire = Vec::new();
    for _ in 0..3 {
        wire.clear();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets().unwrap();
        wire.clear();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets().unwrap();
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
}
