//! Metrics, and health when something is not well.

use std::process::{Command, Stdio};
use std::time::Duration;

use kmip_client::NewSymmetricKey;

use crate::rig::{Rig, Running, http_get};

fn with_metrics() -> Rig {
    let rig = Rig::new();
    rig.configure(
        "# metrics:\n#   listen: 127.0.0.1:9696",
        "metrics:\n  listen: 127.0.0.1:0",
    );
    rig
}

/// Waits until the server says so of its health.
async fn until_health(server: &Running, expected: &str) -> String {
    loop {
        let health = http_get(server.metrics_address, "/health").await;
        if health.starts_with(&format!("HTTP/1.1 {expected}")) {
            return health;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The number behind a name.
async fn metric(server: &Running, name: &str) -> u64 {
    let page = http_get(server.metrics_address, "/metrics").await;
    let line = page
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} in {page}"))
        .parse()
        .unwrap()
}

#[tokio::test]
async fn metrics_and_health() {
    let rig = with_metrics();
    let server = rig.start();
    let metrics = server.metrics_address;
    let mut session = rig.connect(&server, "strongroom").await;
    for name in ["a", "b", "c"] {
        session
            .create_symmetric_key(&NewSymmetricKey::aes256(name))
            .await
            .unwrap();
    }
    let page = http_get(metrics, "/metrics").await;
    for expected in [
        "HTTP/1.1 200 OK",
        "kmipd_operations_total{operation=\"Create\",result=\"success\"} 3",
        "kmipd_request_duration_seconds_count",
        "kmipd_audit_last_line",
        "# TYPE kmipd_connections gauge",
        "\nkmipd_objects 3\n",
        "\nkmipd_store_failures_total 0\n",
        "\nkmipd_store_failing 0\n",
        "\nkmipd_audit_failing 0\n",
    ] {
        assert!(page.contains(expected), "{expected} in {page}");
    }
    assert!(http_get(metrics, "/health").await.ends_with("ok\n"));
    assert!(http_get(metrics, "/keys").await.starts_with("HTTP/1.1 404"));
    server.stop();
    // The number is kept.
    let server = rig.start();
    assert_eq!(metric(&server, "kmipd_objects").await, 3);
    server.stop();
}

/// Every metric is in the guide.
#[tokio::test]
async fn every_metric_is_in_the_guide() {
    let rig = with_metrics();
    let server = rig.start();
    let page = http_get(server.metrics_address, "/metrics").await;
    let guide = include_str!("../../../../docs/kmipd.md");
    for line in page.lines().filter(|line| line.starts_with("# TYPE ")) {
        let name = line.split(' ').nth(2).unwrap();
        // Several of a kind share a row, which begins with the first one's whole name.
        let is_there = guide.contains(&format!("`{name}"))
            || name
                .match_indices('_')
                .any(|(place, _)| guide.contains(&format!("`…{}`", &name[place..])));
        assert!(is_there, "{name}");
    }
    server.stop();
}

/// While the audit log cannot be written, the server is not healthy; it gets well by itself.
#[tokio::test]
async fn an_audit_log_that_cannot_be_written() {
    let rig = with_metrics();
    let server = rig.start();
    until_health(&server, "200").await;
    let log = rig.audit_log();
    std::fs::rename(&log, log.with_extension("old")).unwrap();
    std::fs::create_dir(&log).unwrap();
    server.reload();
    let health = until_health(&server, "503").await;
    assert!(
        health.contains("the audit log cannot be written"),
        "{health}"
    );
    assert_eq!(metric(&server, "kmipd_audit_failing").await, 1);
    assert_eq!(metric(&server, "kmipd_store_failing").await, 0);
    let mut session = rig.connect(&server, "strongroom").await;
    let key = NewSymmetricKey::aes256("k");
    session.create_symmetric_key(&key).await.unwrap_err();
    std::fs::remove_dir(&log).unwrap();
    until_health(&server, "200").await;
    session.create_symmetric_key(&key).await.unwrap();
    server.stop();
}

/// Files that may not grow any more: objects cannot be written, and the server says so.
#[tokio::test]
async fn a_store_that_cannot_be_written() {
    let rig = with_metrics();
    // The audit goes elsewhere, so that it is the store alone that fails.
    rig.configure("  file: audit/audit.log\n", "  stdout: true\n");
    let mut command = Command::new("sh");
    // What is written beyond the limit is to fail, instead of ending the process.
    let program = env!("CARGO_BIN_EXE_kmipd");
    command.args(["-c", &format!("trap '' XFSZ; exec {program} \"$@\""), "sh"]);
    let server = rig.start_by(command);
    let mut session = rig.connect(&server, "strongroom").await;
    let kept = session
        .create_symmetric_key(&NewSymmetricKey::aes256("before"))
        .await
        .unwrap();
    until_health(&server, "200").await;
    let limit = |bytes: &str| {
        let done = Command::new("prlimit")
            .args(["--pid", &server.process().to_string()])
            .arg(format!("--fsize={bytes}"))
            .stdout(Stdio::null())
            .status();
        assert!(done.unwrap().success());
    };
    limit("1:unlimited");
    let error = session
        .create_symmetric_key(&NewSymmetricKey::aes256("lost"))
        .await
        .unwrap_err();
    assert!(!error.to_string().contains("lost"), "{error}");
    let health = until_health(&server, "503").await;
    assert!(health.contains("the objects cannot be written"), "{health}");
    assert!(!health.contains("audit"), "{health}");
    assert!(metric(&server, "kmipd_store_failures_total").await > 0);
    assert_eq!(metric(&server, "kmipd_store_failing").await, 1);
    limit("unlimited");
    server.kill();
    // What was answered is there; what was not answered is not.
    let server = rig.start();
    let mut session = rig.connect(&server, "strongroom").await;
    session.get_symmetric_key(&kept).await.unwrap();
    let mut lost = session.locate_by_name("lost").await.unwrap();
    assert!(lost.pop().is_none());
    until_health(&server, "200").await;
    server.stop();
}
