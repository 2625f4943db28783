//! SIGHUP: policy, certificates and revocation lists, while connections stay.

use kmip::operations::QueryRequest;
use kmip::registry::{QueryFunction, ResultReason};
use kmip::{ProtocolVersion, RequestMessage};
use kmip_client::ErrorKind;
use tls::CertificateId;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::rig::{Rig, ask};

fn query() -> RequestMessage {
    let request = QueryRequest {
        query_functions: vec![QueryFunction::QueryOperations],
    };
    RequestMessage::new(ProtocolVersion::V1_4, request)
}

/// The serial number of the certificate that the server has presented.
fn serial(stream: &TlsStream<TcpStream>) -> String {
    let (_, session) = stream.get_ref();
    let certificate = &session.peer_certificates().unwrap()[0];
    CertificateId::of_certificate(certificate)
        .unwrap()
        .serial_hex()
}

#[tokio::test]
async fn a_revoked_client() {
    let rig = Rig::new();
    rig.client(&["add", "thief"]);
    // Revoking takes the client's files away; the thief has a copy.
    let stolen = rig.path().join("stolen.pem");
    std::fs::copy(rig.layout().issued("thief"), &stolen).unwrap();
    let server = rig.start();
    let mut thief = rig.raw(&server, "thief").await;
    let mut honest = rig.raw(&server, "strongroom").await;
    for stream in [&mut thief, &mut honest] {
        assert_eq!(
            ask(stream, &query()).await.batch_items[0].result_reason,
            None
        );
    }

    let said = rig.client(&["revoke", "thief"]);
    assert!(said.contains("1 certificates"), "{said}");
    let line = server.reload();
    assert!(line.contains("1 revoked"), "{line}");
    // On the connection that is there.
    let response = ask(&mut thief, &query()).await;
    assert_eq!(
        response.batch_items[0].result_reason,
        Some(ResultReason::AuthenticationNotSuccessful)
    );
    assert_eq!(
        ask(&mut honest, &query()).await.batch_items[0].result_reason,
        None
    );
    // And on a new one: by TLS.
    std::fs::copy(&stolen, rig.layout().issued("thief")).unwrap();
    let error = rig.try_connect(&server, "thief").await.err().unwrap();
    assert_eq!(*error.kind(), ErrorKind::TlsClientRefused, "{error}");
    assert!(rig.client(&["list"]).contains("revoked on"));
    server.stop();
}

#[tokio::test]
async fn a_new_certificate_of_the_server() {
    let rig = Rig::new();
    let server = rig.start();
    let mut before = rig.raw(&server, "strongroom").await;
    ask(&mut before, &query()).await;
    rig.ok(&["server", "renew", "--dir", rig.path().to_str().unwrap()]);
    server.reload();
    let mut after = rig.raw(&server, "strongroom").await;
    assert_ne!(serial(&before), serial(&after));
    for stream in [&mut before, &mut after] {
        ask(stream, &query()).await;
    }
    server.stop();
}

#[tokio::test]
async fn a_new_client_and_a_new_certificate_of_an_old_one() {
    let rig = Rig::new();
    let server = rig.start();
    let said = rig.client(&["add", "db-2"]);
    for expected in [
        "serverCAFile:",
        "clientCertificateFile:",
        "serverName: localhost",
    ] {
        assert!(said.contains(expected), "{expected} in {said}");
    }
    let error = rig.try_connect(&server, "db-2").await.err().unwrap();
    assert_eq!(*error.kind(), ErrorKind::AuthenticationFailed, "{error}");
    let mut old = rig.raw(&server, "strongroom").await;
    rig.client(&["renew", "strongroom"]);
    server.reload();
    rig.connect(&server, "db-2").await.query().await.unwrap();
    rig.connect(&server, "strongroom")
        .await
        .query()
        .await
        .unwrap();
    ask(&mut old, &query()).await;
    let (status, complaint) = rig.fails(&[
        "client",
        "add",
        "db-2",
        "--dir",
        rig.path().to_str().unwrap(),
    ]);
    assert_eq!(status, 2);
    assert!(complaint.contains("already"), "{complaint}");
    server.stop();
}

/// What a reload cannot put in force is named, and nothing of its value.
#[tokio::test]
async fn options_that_need_a_restart() {
    let rig = Rig::new();
    let server = rig.start();
    let line = server.reload();
    assert!(!line.contains("restart"), "{line}");
    rig.configure(
        "storage:\n",
        "limits: {batchItems: 17}\nlog: {level: warn}\nstorage:\n",
    );
    rig.configure("audit/audit.log", "audit/elsewhere.log");
    server.signal("HUP");
    for option in ["audit.file", "limits.batchItems", "log.level"] {
        let line = server.wait_for("holds after a restart only");
        assert!(line.contains(&format!("\"option\":\"{option}\"")), "{line}");
        // The time has digits, too.
        let (_, said) = line.split_once("\"level\"").unwrap();
        assert!(
            !said.contains("elsewhere") && !said.contains("17"),
            "{line}"
        );
    }
    let line = server.wait_for("policy and certificates");
    assert!(
        line.contains("waits for a restart: audit.file, limits.batchItems, log.level"),
        "{line}"
    );
    // The rest of the file is in force.
    rig.connect(&server, "strongroom")
        .await
        .query()
        .await
        .unwrap();
    server.stop();
    assert!(!rig.path().join("audit/elsewhere.log").exists());
}

#[tokio::test]
async fn what_cannot_be_used_changes_nothing() {
    let rig = Rig::new();
    let server = rig.start();
    let mut stream = rig.raw(&server, "strongroom").await;
    rig.configure("tenants:", "tenant:");
    let line = server.reload();
    assert!(
        line.contains("stay as they were") && line.contains("tenant"),
        "{line}"
    );
    ask(&mut stream, &query()).await;
    rig.connect(&server, "strongroom")
        .await
        .query()
        .await
        .unwrap();
    rig.configure("tenant:", "tenants:");
    std::fs::write(rig.layout().crl(), "rubbish").unwrap();
    let line = server.reload();
    assert!(
        line.contains("stay as they were") && line.contains("crl.pem"),
        "{line}"
    );
    rig.connect(&server, "strongroom")
        .await
        .query()
        .await
        .unwrap();
    server.stop();
    let log = std::fs::read_to_string(rig.audit_log()).unwrap();
    assert_eq!(
        log.matches("\"event\":\"reloadFailed\"").count(),
        2,
        "{log}"
    );
}
