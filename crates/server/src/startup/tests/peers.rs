//! Certificate files, KMIP servers that cannot be used, and what is said about each.

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use kmip_client::ServerAddress;
use time::OffsetDateTime;
use tls::dev_pki::{CertificateAuthority, Request};
use tls::{IdentityFiles, Trust};

use super::support::*;
use crate::exit::ExitStatus;
use crate::startup::KmipOptions;

#[tokio::test(flavor = "multi_thread")]
async fn certificate_files_are_looked_at_before_connecting() {
    let mut world = World::new().await;
    world.stop_server().await;
    let issued = world.authority.issue(&Request::client("c")).unwrap();
    let other = world.authority.issue(&Request::client("d")).unwrap();
    fs::write(world.path("certificate.pem"), &issued.certificate_pem).unwrap();
    fs::write(world.path("other-key.pem"), other.key_pem.as_str()).unwrap();
    fs::write(world.path("text"), "not a certificate").unwrap();
    let mut request = Request::client("old");
    request.not_before = OffsetDateTime::now_utc() - Duration::from_secs(7200);
    request.not_after = OffsetDateTime::now_utc() - Duration::from_secs(3600);
    let expired = world.authority.issue(&request).unwrap();
    expired.write_combined(&world.path("expired.pem")).unwrap();

    let client = |name: &str| {
        let mut kmip = world.kmip();
        kmip.tls.identity = Some(IdentityFiles::combined(world.path(name)));
        kmip
    };
    let ca = |name: &str| {
        let mut kmip = world.kmip();
        kmip.tls.trust = Trust::only(world.path(name));
        kmip
    };
    let apart = |certificate: &str, key: &str| {
        let mut kmip = world.kmip();
        let files = IdentityFiles::apart(world.path(certificate), world.path(key));
        kmip.tls.identity = Some(files);
        kmip
    };
    let certificate_option = "kmipClientCertificateFile";
    let cases: [(KmipOptions, ExitStatus, &str, &str); 9] = [
        (
            client("nowhere.pem"),
            ExitStatus::TlsFileMissing,
            certificate_option,
            "nowhere.pem",
        ),
        (
            client("text"),
            ExitStatus::TlsFileInvalid,
            certificate_option,
            "not a PEM file",
        ),
        (
            client("certificate.pem"),
            ExitStatus::TlsKeyMissing,
            certificate_option,
            "no private key",
        ),
        (
            client("expired.pem"),
            ExitStatus::KmipClientRefused,
            certificate_option,
            "expired",
        ),
        (
            apart("certificate.pem", "nowhere.key"),
            ExitStatus::TlsFileMissing,
            "kmipClientKeyFile",
            "nowhere.key",
        ),
        (
            apart("certificate.pem", "other-key.pem"),
            ExitStatus::TlsKeyMissing,
            "kmipClientKeyFile",
            "does not belong",
        ),
        (
            ca("nowhere.pem"),
            ExitStatus::TlsFileMissing,
            "kmipServerCAFile",
            "nowhere.pem",
        ),
        (
            ca("text"),
            ExitStatus::TlsFileInvalid,
            "kmipServerCAFile",
            "not a PEM file",
        ),
        (
            ca("other-key.pem"),
            ExitStatus::TlsFileInvalid,
            "kmipServerCAFile",
            "no certificate",
        ),
    ];
    for (kmip, status, option, problem) in cases {
        world.refused_kmip(kmip, status, &[option, problem]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_private_key_needs_its_password() {
    let mut world = World::new().await;
    world.stop_server().await;
    let issued = world.authority.issue(&Request::client("c")).unwrap();
    let files = IdentityFiles::combined(world.path("encrypted.pem"));
    // What OpenSSL wrote for decades; which password it is does not matter when there is none.
    let block = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
                 DEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF\n\n\
                 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\
                 -----END RSA PRIVATE KEY-----\n";
    fs::write(
        &files.certificate,
        format!("{}{block}", issued.certificate_pem),
    )
    .unwrap();
    let mut kmip = world.kmip();
    kmip.tls.identity = Some(files);
    world
        .refused_kmip(
            kmip,
            ExitStatus::TlsKeyPassword,
            &["encrypted.pem", "password"],
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_be_reached_is_named() {
    let mut world = World::new().await;
    world.stop_server().await;
    let address = world.address.to_string();
    world
        .refused_kmip(world.kmip(), ExitStatus::KmipUnreachable, &[&address])
        .await;

    let mut unresolved = world.kmip();
    unresolved.servers = vec![ServerAddress::parse("no-such-host.invalid", 5696).unwrap()];
    world
        .refused_kmip(
            unresolved,
            ExitStatus::KmipUnresolved,
            &["no-such-host.invalid"],
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_answer_is_given_up() {
    let world = World::new().await;
    // Accepts (by its backlog) and says nothing.
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut kmip = world.kmip();
    kmip.servers = vec![ServerAddress::parse("127.0.0.1", port).unwrap()];
    kmip.connect_timeout = Duration::from_millis(300);
    world
        .refused_kmip(kmip, ExitStatus::KmipTimeout, &[&port.to_string()])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_that_do_not_fit_are_told_apart() {
    let world = World::new().await;
    let stranger = CertificateAuthority::new("Another CA").unwrap();
    fs::write(world.path("stranger.pem"), stranger.certificate_pem()).unwrap();
    let foreign = stranger.issue(&Request::client("strongroomd")).unwrap();
    foreign.write_combined(&world.path("foreign.pem")).unwrap();

    let mut kmip = world.kmip();
    kmip.tls.trust = Trust::only(world.path("stranger.pem"));
    world
        .refused_kmip(kmip, ExitStatus::KmipServerUntrusted, &["127.0.0.1"])
        .await;

    let mut kmip = world.kmip();
    kmip.tls.identity = Some(IdentityFiles::combined(world.path("foreign.pem")));
    world
        .refused_kmip(kmip, ExitStatus::KmipClientRefused, &["127.0.0.1"])
        .await;

    let elsewhere = World::with_server_names(&["kmip.example.com"]).await;
    elsewhere
        .refused_kmip(elsewhere.kmip(), ExitStatus::KmipServerName, &["127.0.0.1"])
        .await;
}
