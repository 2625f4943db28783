//! What goes wrong, told apart.

use kmip_client::ErrorKind;
use kmip_tool::Cause;
use serde_json::Value;
use tls::dev_pki::{CertificateAuthority, Request};

use crate::rig::Rig;

#[tokio::test]
async fn who_is_no_object() {
    let rig = Rig::start().await;
    for arguments in [
        &["get", "nobody"][..],
        &["attributes", "nobody"],
        &["activate", "nobody"],
        &["revoke", "nobody"],
        &["destroy", "nobody", "--yes"],
        &["rekey", "nobody"],
    ] {
        let failure = rig.run(arguments).await.failure();
        assert!(
            matches!(failure.cause(), Cause::Kmip(ErrorKind::NotFound)),
            "{failure:?}"
        );
        let text = failure.to_string();
        assert!(
            text.contains("\"nobody\"") && text.contains("locate"),
            "{text}"
        );
        let json: Value = serde_json::from_str(&failure.to_json(93, "KeyNotFound")).unwrap();
        assert_eq!(json["error"]["server"], rig.address.to_string());
        assert_eq!(json["error"]["exitStatus"], 93);
    }
}

#[tokio::test]
async fn certificates() {
    let rig = Rig::start().await;
    let other = CertificateAuthority::new("other CA").unwrap();
    let write = |name: &str, issued: tls::dev_pki::Issued| {
        let path = rig.path(name);
        issued.write_combined(&path).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let foreign = write(
        "foreign.pem",
        other.issue(&Request::client("db-1")).unwrap(),
    );
    let mut expired = Request::client("db-1");
    expired.not_after = expired.not_before + std::time::Duration::from_secs(60);
    let expired = write("expired.pem", rig.authority().issue(&expired).unwrap());
    let other_ca = rig.path("other-ca.pem");
    std::fs::write(&other_ca, other.certificate_pem()).unwrap();
    let absent = rig.path("absent.pem").to_str().unwrap().to_owned();
    let ca = rig.path("ca.pem").to_str().unwrap().to_owned();

    let run = async |arguments: &[&str]| {
        let mut all = vec!["versions"];
        all.extend(arguments);
        rig.run(&all).await.failure()
    };
    let failure = run(&["--kmipClientCertificateFile", &foreign]).await;
    assert!(
        matches!(failure.cause(), Cause::Kmip(ErrorKind::TlsClientRefused)),
        "{failure:?}"
    );
    let failure = run(&["--kmipClientCertificateFile", &expired]).await;
    assert!(
        matches!(failure.cause(), Cause::CertificateExpired),
        "{failure:?}"
    );
    let failure = run(&["--kmipServerCAFile", other_ca.to_str().unwrap()]).await;
    assert!(
        matches!(failure.cause(), Cause::Kmip(ErrorKind::TlsUntrusted)),
        "{failure:?}"
    );
    assert!(
        failure.to_string().contains("--kmipServerCAFile"),
        "{failure}"
    );
    let failure = run(&[
        "--kmipServerName",
        &format!("localhost:{}", rig.address.port()),
    ])
    .await;
    assert!(
        matches!(failure.cause(), Cause::Kmip(ErrorKind::TlsWrongName)),
        "{failure:?}"
    );
    let failure = run(&["--kmipClientCertificateFile", &absent]).await;
    assert!(
        matches!(failure.cause(), Cause::TlsFile(tls::Error::Missing { .. })),
        "{failure:?}"
    );
    assert!(
        failure.to_string().contains("--kmipClientCertificateFile"),
        "{failure}"
    );
    let failure = run(&["--kmipServerCAFile", &absent]).await;
    assert!(
        failure.to_string().contains("--kmipServerCAFile"),
        "{failure}"
    );
    let failure = run(&["--kmipClientCertificateFile", &ca]).await;
    assert!(
        matches!(
            failure.cause(),
            Cause::TlsFile(tls::Error::NoPrivateKey { .. })
        ),
        "{failure:?}"
    );
}

#[tokio::test]
async fn nobody_is_there() {
    let rig = Rig::start().await;
    // Bound, so that nobody else gets it, and not listened on.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let port = socket.local_addr().unwrap().port().to_string();
    let failure = rig
        .run(&[
            "locate",
            "--kmipServerName",
            "127.0.0.1",
            "--kmipPort",
            &port,
        ])
        .await
        .failure();
    assert!(
        matches!(failure.cause(), Cause::Kmip(ErrorKind::Connect)),
        "{failure:?}"
    );
    let text = failure.to_string();
    assert!(text.contains(&format!("127.0.0.1:{port}")), "{text}");
    let json: Value = serde_json::from_str(&failure.to_json(85, "KmipUnreachable")).unwrap();
    assert_eq!(json["error"]["server"], format!("127.0.0.1:{port}"));
    assert_eq!(json["error"]["attempt"], 1);
    // The second of the list works.
    let both = format!("127.0.0.1:{port}, {}", rig.address);
    let spoken = rig
        .run(&["versions", "--kmipServerName", &both, "--json"])
        .await
        .json();
    assert_eq!(
        spoken["serverVersions"].as_array().unwrap().len(),
        7,
        "{spoken}"
    );
}

#[tokio::test]
async fn a_version_that_the_legacy_protocol_does_not_have() {
    let rig = Rig::start().await;
    let both = async |version: &str, legacy: &[&str]| {
        let version = ["versions", "--json", "--kmipProtocolVersion", version];
        rig.run(&[&version, legacy].concat()).await
    };
    let legacy = &["--kmipUseLegacyProtocol"][..];
    for version in ["1.2", "2.1"] {
        let failure = both(version, legacy).await.failure();
        assert!(matches!(failure.cause(), Cause::Options), "{failure:?}");
        let text = failure.to_string();
        for part in ["--kmipProtocolVersion", "--kmipUseLegacyProtocol", version] {
            assert!(text.contains(part), "{text}");
        }
    }
    for (version, legacy, negotiated) in [
        ("1.0", legacy, "1.0"),
        ("auto", legacy, "1.1"),
        ("2.0", &["--kmipUseLegacyProtocol", "false"], "2.0"),
    ] {
        let spoken = both(version, legacy).await.json();
        assert_eq!(spoken["negotiated"], negotiated, "{version}");
    }
}

#[tokio::test]
async fn the_environment_of_the_connection_is_named() {
    let rig = Rig::start().await;
    let failure = rig
        .run(&["locate", "--kmipServerName", "a b"])
        .await
        .failure();
    assert!(matches!(failure.cause(), Cause::Options), "{failure:?}");
    assert!(
        failure.to_string().contains("--kmipServerName"),
        "{failure}"
    );
}
