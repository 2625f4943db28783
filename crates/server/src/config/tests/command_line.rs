//! The command line.

use std::path::Path;
use std::time::Duration;

use kmip_client::ServerAddress;

use super::*;

#[test]
fn the_newer_document_command_line() {
    let options = options(
        &[
            "--enableEncryption",
            "--kmipServerName",
            "kmip.example.com",
            "--kmipPort",
            "5697",
            "--kmipServerCAFile",
            "/path/ca.pem",
            "--kmipClientCertificateFile",
            "/path/client_certificate.pem",
            "--kmipKeyIdentifier",
            "7",
        ],
        "",
    );
    let kmip = kmip(&options);
    assert_eq!(
        kmip.servers,
        [ServerAddress::parse("kmip.example.com", 5697).unwrap()]
    );
    assert_eq!(
        kmip.server_ca_file.as_deref(),
        Some(Path::new("/path/ca.pem"))
    );
    assert_eq!(
        kmip.client_certificate_file,
        Path::new("/path/client_certificate.pem")
    );
    assert_eq!(kmip.client_key_file, None);
    assert_eq!(kmip.key_identifier.as_deref(), Some("7"));
    assert!(kmip.activate_keys);
    assert!(!kmip.rotate_master_key && !kmip.create_key_if_missing);
    assert_eq!(kmip.key_state_polling, Some(Duration::from_secs(900)));
    assert_eq!(kmip.connect_timeout, Duration::from_millis(5000));
    assert_eq!(kmip.connect_retries, 0);
}

#[test]
fn switches_take_a_value_or_none() {
    for (extra, rotate, activate) in [
        (&["--kmipRotateMasterKey"][..], true, true),
        (&["--kmipRotateMasterKey", "true"], true, true),
        (
            &["--kmipRotateMasterKey=false", "--kmipActivateKeys", "false"],
            false,
            false,
        ),
    ] {
        let options = options(&[&KMIP[..], extra].concat(), "");
        let kmip = kmip(&options);
        assert_eq!(
            (kmip.rotate_master_key, kmip.activate_keys),
            (rotate, activate),
            "{extra:?}"
        );
        assert_eq!(kmip.key_state_polling.is_some(), activate);
    }
}

#[test]
fn the_log_and_its_verbosity() {
    let options = options(
        &[
            "-vvv",
            "--logpath",
            "/l",
            "--logappend",
            "--logRotate",
            "reopen",
        ],
        "",
    );
    let log = &options.system_log;
    assert_eq!(log.verbosity, 3);
    assert_eq!(
        (log.path.as_deref(), log.append, log.rotate),
        (Some(Path::new("/l")), true, LogRotate::Reopen)
    );
    assert_eq!(
        load_with(&["--setParameter", "logLevel=5"], "")
            .unwrap()
            .system_log
            .verbosity,
        5
    );
}

#[test]
fn help_lists_every_flag_and_version_is_ours() {
    let print = |flag: &str| match load(
        &["strongroomd".to_owned(), flag.to_owned()],
        &Environment::default(),
    )
    .unwrap()
    {
        Invocation::Print(text) => text,
        Invocation::Run(_) => panic!("{flag} starts a server"),
    };
    let help = print("--help");
    for known in known::OPTIONS {
        assert!(
            known.flag.is_empty() || help.contains(&format!("--{}", known.flag)),
            "{}",
            known.flag
        );
    }
    assert!(print("--version").contains(env!("CARGO_PKG_VERSION")));
}
