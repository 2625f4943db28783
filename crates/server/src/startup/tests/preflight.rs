//! `strongroom keys check` against the same worlds: it says what a start would do, and leaves everything as
//! it was.

use std::fs;

use kmip::registry::{ObjectType, RevocationReasonCode, State};
use kmip::{AttributeValue, Attributes};
use tls::dev_pki::CertificateAuthority;

use super::databases::{close, tenants, tree};
use super::rotation::revoke;
use super::support::*;
use crate::config::{self, Environment, Invocation, Options};
use crate::exit::ExitStatus;
use crate::preflight::{self, Outcome, Report};

/// What the configuration of the world's server would be, and `extra`.
fn options(world: &World, extra: &[&str]) -> Options {
    let path = |name: &str| world.path(name).display().to_string();
    let mut arguments = vec!["strongroomd".to_owned(), "--enableEncryption".to_owned()];
    for (flag, value) in [
        ("--dbpath", path("db")),
        ("--kmipServerName", "127.0.0.1".to_owned()),
        ("--kmipPort", world.address.port().to_string()),
        ("--kmipServerCAFile", path("ca.pem")),
        ("--kmipClientCertificateFile", path("client.pem")),
    ] {
        if !extra.contains(&flag) {
            arguments.extend([flag.to_owned(), value]);
        }
    }
    arguments.extend(extra.iter().map(|argument| (*argument).to_owned()));
    match config::load(&arguments, &Environment::default()).unwrap() {
        Invocation::Run(options) => *options,
        Invocation::Print(text) => panic!("{text}"),
    }
}

/// The report, after a look at whether anything was changed in the dbpath.
async fn check(world: &World, extra: &[&str], may_create_key: bool) -> Report {
    let before = snapshot(&world.dbpath());
    let report = preflight::check(&options(world, extra), may_create_key).await;
    assert!(snapshot(&world.dbpath()) == before, "{}", report.to_table());
    report
}

fn outcome(report: &Report, name: &str) -> Outcome {
    let check = report.checks().iter().find(|check| check.name == name);
    check
        .unwrap_or_else(|| panic!("no {name}: {}", report.to_table()))
        .outcome
}

/// The keys on the server that are not destroyed.
async fn live_keys(world: &World) -> Vec<String> {
    let all = Attributes::new().with(AttributeValue::ObjectType(ObjectType::SymmetricKey));
    let found = world.session().await.locate(&all).await.unwrap();
    let live = found
        .into_iter()
        .filter(|key| key.state != Some(State::Destroyed));
    live.map(|key| key.unique_identifier).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_well_on_a_fresh_dbpath_and_the_throw_away_key_is_gone() {
    let world = World::new().await;
    let report = check(&world, &[], true).await;
    let table = report.to_table();
    assert_eq!(report.status(), ExitStatus::Success, "{table}");
    for name in [
        "dbpath",
        "trusted CAs",
        "client certificate",
        "private key file",
        "name",
        "connection",
        "TLS",
        "KMIP",
        "operations",
        "master key",
        "throw-away key",
    ] {
        assert_eq!(outcome(&report, name), Outcome::Passed, "{name}: {table}");
    }
    assert_eq!(live_keys(&world).await, [""; 0]);
    assert!(table.contains("the server's certificate is CN="), "{table}");
    // Were there one, it would be seen.
    let key = identifier(&world.open(world.kmip()).await.unwrap());
    assert_eq!(live_keys(&world).await, [key]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_dbpath_in_use_is_fine() {
    let world = World::new().await;
    let opened = world.open(world.kmip()).await.unwrap();
    let before = world.keys_made();
    let report = check(&world, &[], false).await;
    let table = report.to_table();
    assert_eq!(report.status(), ExitStatus::Success, "{table}");
    assert!(table.contains("a running server uses it"), "{table}");
    assert!(table.contains(&identifier(&opened)), "{table}");
    assert_eq!(outcome(&report, "keystore opens"), Outcome::Passed);
    assert_eq!(outcome(&report, "throw-away key"), Outcome::Skipped);
    assert_eq!(world.keys_made(), before, "--read-only");
}

/// Each with the status of the start, and without a key of its own on the server.
#[tokio::test(flavor = "multi_thread")]
async fn what_would_stop_a_start_is_found() {
    let world = World::new().await;
    let key = identifier(&world.open(world.kmip()).await.unwrap());
    let stranger = CertificateAuthority::new("Another CA").unwrap();
    fs::write(world.path("stranger.pem"), stranger.certificate_pem()).unwrap();
    let foreign = stranger
        .issue(&tls::dev_pki::Request::client("strongroomd"))
        .unwrap();
    foreign.write_combined(&world.path("foreign.pem")).unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    let path = |name: &str| world.path(name).display().to_string();
    let before = world.keys_made();
    for (extra, status, failed) in [
        (
            vec!["--kmipServerCAFile".to_owned(), path("stranger.pem")],
            ExitStatus::KmipServerUntrusted,
            "TLS",
        ),
        (
            vec![
                "--kmipClientCertificateFile".to_owned(),
                path("foreign.pem"),
            ],
            ExitStatus::KmipClientRefused,
            "TLS",
        ),
        (
            vec![
                "--kmipClientCertificateFile".to_owned(),
                path("nowhere.pem"),
            ],
            ExitStatus::TlsFileMissing,
            "client certificate",
        ),
        (
            vec!["--kmipPort".to_owned(), port],
            ExitStatus::KmipUnreachable,
            "connection",
        ),
        (
            vec![
                "--kmipServerName".to_owned(),
                "no-such-host.invalid".to_owned(),
            ],
            ExitStatus::KmipUnresolved,
            "name",
        ),
        (
            vec!["--kmipKeyIdentifier".to_owned(), "another".to_owned()],
            ExitStatus::KeyIdentifierMismatch,
            "keystore",
        ),
        (
            vec!["--dbpath".to_owned(), path("nowhere")],
            ExitStatus::DbpathUnusable,
            "dbpath",
        ),
    ] {
        let extra: Vec<&str> = extra.iter().map(String::as_str).collect();
        let report = check(&world, &extra, true).await;
        let table = report.to_table();
        assert_eq!(report.status(), status, "{table}");
        assert_eq!(outcome(&report, failed), Outcome::Failed, "{table}");
        assert_eq!(world.keys_made(), before, "a key was created: {table}");
    }

    let mut session = world.session().await;
    let reason = RevocationReasonCode::CessationOfOperation;
    session.revoke(&key, reason, None).await.unwrap();
    let report = check(&world, &[], true).await;
    assert_eq!(report.status(), ExitStatus::KeyNotActive);
    assert!(report.to_table().contains("Deactivated"));
    assert_eq!(outcome(&report, "throw-away key"), Outcome::Skipped);
    session.destroy(&key).await.unwrap();
    let report = check(&world, &[], true).await;
    assert!(report.has_failed());
    assert_eq!(world.keys_made(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_server_of_the_list_is_looked_at() {
    let world = World::new().await;
    let second = world.add_server("second").await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let away = free.local_addr().unwrap();
    drop(free);
    let list = format!("{},{second},{away}", world.address);
    let report = check(&world, &["--kmipServerName", &list], true).await;
    let table = report.to_table();
    let passed = |server: &str| {
        let checks = report.checks().iter();
        checks
            .filter(|check| check.server.as_deref() == Some(server))
            .all(|check| check.outcome == Outcome::Passed)
    };
    assert!(passed(&world.address.to_string()), "{table}");
    assert!(passed(&second.to_string()), "{table}");
    assert!(!passed(&away.to_string()), "{table}");
    // A start would succeed, but not if that one were needed.
    assert_eq!(report.status(), ExitStatus::KmipUnreachable, "{table}");
}

/// With `wrapOnServer` the key is used on the server, and nobody asks for it.
#[tokio::test(flavor = "multi_thread")]
async fn wrapping_is_tried_with_the_throw_away_key() {
    let world = World::new().await;
    let wrapping = ["--kmipWrapOnServer", "true"];
    let report = check(&world, &wrapping, true).await;
    let table = report.to_table();
    assert_eq!(report.status(), ExitStatus::Success, "{table}");
    let tried =
        "Create, Activate, GetAttributes, Encrypt, Decrypt, Locate, Revoke, Destroy: all work";
    assert!(table.contains(tried), "{table}");
    assert!(!table.contains("Get,"), "the key is not fetched: {table}");
    assert_eq!(live_keys(&world).await, [""; 0]);

    // A server that cannot: the start would be refused.
    let old = ["--kmipWrapOnServer", "true", "--kmipProtocolVersion", "1.2"];
    let report = check(&world, &old, true).await;
    let table = report.to_table();
    assert_eq!(report.status(), ExitStatus::KmipRefused, "{table}");
    assert_eq!(outcome(&report, "throw-away key"), Outcome::Failed);
    assert!(
        table.contains("Encrypt: ") && table.contains("1.4"),
        "{table}"
    );
    assert_eq!(
        live_keys(&world).await,
        [""; 0],
        "it is removed nevertheless"
    );

    // A key that is given is used as it will be.
    let mut session = world.session().await;
    let mut new = kmip_client::NewSymmetricKey::aes256("no use");
    new.usage = kmip::registry::CryptographicUsageMask::WrapKey;
    let given = session.create_symmetric_key(&new).await.unwrap();
    session.activate(&given).await.unwrap();
    let with_given = ["--kmipWrapOnServer", "true", "--kmipKeyIdentifier", &given];
    let report = check(&world, &with_given, true).await;
    let table = report.to_table();
    assert_eq!(report.status(), ExitStatus::KeyUnusable, "{table}");
    assert_eq!(outcome(&report, "master key"), Outcome::Failed);
    // Fetched, it would do.
    let report = check(&world, &["--kmipKeyIdentifier", &given], true).await;
    assert_eq!(
        report.status(),
        ExitStatus::Success,
        "{}",
        report.to_table()
    );
}

/// What a start needs is one thing, what the next rotation needs another.
#[tokio::test(flavor = "multi_thread")]
async fn an_option_that_differs_from_the_keystore_needs_both_ways() {
    let world = World::new().await;
    let opened = world.open(world.kmip()).await.unwrap();
    drop(opened);
    let report = check(&world, &["--kmipWrapOnServer", "true"], true).await;
    let table = report.to_table();
    assert_eq!(report.status(), ExitStatus::Success, "{table}");
    assert!(table.contains("Get, Encrypt, Decrypt"), "{table}");
    // That it cannot wrap is no reason not to start, since the master key is fetched.
    let old = ["--kmipWrapOnServer", "true", "--kmipProtocolVersion", "1.2"];
    let report = check(&world, &old, true).await;
    let table = report.to_table();
    assert_eq!(report.status(), ExitStatus::Success, "{table}");
    assert_eq!(
        outcome(&report, "throw-away key"),
        Outcome::Warning,
        "{table}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_of_databases_are_looked_at() {
    let world = World::new().await;
    let (opened, store, [north, south]) = tenants(&world, world.kmip()).await;
    let north_tree = tree(&store, "north");
    close(opened, store).await;
    let report = check(&world, &[], true).await;
    let table = report.to_table();
    assert_eq!(
        outcome(&report, "keys of databases"),
        Outcome::Passed,
        "{table}"
    );
    assert!(
        table.contains("those of 2 databases can be used"),
        "{table}"
    );

    revoke(&world, &north).await;
    let report = check(&world, &[], true).await;
    let table = report.to_table();
    assert_eq!(
        outcome(&report, "keys of databases"),
        Outcome::Warning,
        "{table}"
    );
    for part in [
        north.as_str(),
        &north_tree.to_string(),
        "Deactivated",
        "locks this database",
    ] {
        assert!(table.contains(part), "{part} is not in: {table}");
    }
    assert!(!table.contains(&south), "{table}");
    // The keystore knows trees and no databases; the key has the same Name here.
    let without_key = table.replace("named north", "");
    assert!(!without_key.contains("north"), "{table}");
    // The start goes on, and so does this.
    assert_eq!(report.status(), ExitStatus::Success, "{table}");
    assert_eq!(
        outcome(&report, "throw-away key"),
        Outcome::Passed,
        "{table}"
    );
    let report = check(&world, &["--kmipActivateKeys", "false"], true).await;
    assert_eq!(outcome(&report, "keys of databases"), Outcome::Passed);

    let mut session = world.session().await;
    session.destroy(&north).await.unwrap();
    revoke(&world, &south).await;
    let report = check(&world, &[], true).await;
    let table = report.to_table();
    let warnings = report.checks().iter();
    let warnings = warnings.filter(|check| check.name == "keys of databases");
    assert_eq!(warnings.count(), 2, "{table}");
}
