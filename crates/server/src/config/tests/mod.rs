//! Options from end to end: arguments and files in, options or messages out.

mod command_line;
mod complaints;
mod file;
mod kmip_options;
mod password;

use std::path::Path;
use std::time::Duration;

use super::*;

/// Loads the arguments, with a configuration file if `yaml` is not empty.
pub(super) fn load_with(args: &[&str], yaml: &str) -> Result<Options, Error> {
    let dir = tempfile::tempdir().unwrap();
    let mut all = vec!["strongroomd".to_owned()];
    all.extend(args.iter().map(|arg| (*arg).to_owned()));
    if !yaml.is_empty() {
        let file = dir.path().join("mongod.conf");
        std::fs::write(&file, yaml).unwrap();
        all.extend(["--config".to_owned(), file.display().to_string()]);
    }
    match load(&all, &Environment::default())? {
        Invocation::Run(options) => Ok(*options),
        Invocation::Print(text) => panic!("printed {text}"),
    }
}

/// The options of a server with KMIP.
pub(super) const KMIP: [&str; 5] = [
    "--enableEncryption",
    "--kmipServerName",
    "h",
    "--kmipClientCertificateFile",
    "c",
];

/// These options, and [`KMIP`].
pub(super) fn with_kmip(extra: &[&str]) -> Vec<String> {
    std::iter::once("strongroomd")
        .chain(KMIP)
        .chain(extra.iter().copied())
        .map(str::to_owned)
        .collect()
}

pub(super) fn options(args: &[&str], yaml: &str) -> Options {
    load_with(args, yaml).unwrap_or_else(|error| panic!("{args:?} {yaml}: {error}"))
}

pub(super) fn kmip(options: &Options) -> &KmipOptions {
    match &options.security.encryption.as_ref().unwrap().master_key {
        MasterKeyOptions::Kmip(kmip) => kmip,
        MasterKeyOptions::KeyFile(_) => panic!("a key file"),
    }
}

pub(super) fn load_kmip(extra: &[&str], environment: &Environment) -> Result<KmipOptions, Error> {
    match load(&with_kmip(extra), environment)? {
        Invocation::Run(options) => Ok(kmip(&options).clone()),
        Invocation::Print(text) => panic!("printed {text}"),
    }
}

#[test]
fn defaults_are_mongods() {
    let options = options(&[], "");
    assert_eq!(options.net.port, 27017);
    assert_eq!(options.net.bind_hosts, ["127.0.0.1"]);
    assert_eq!(options.storage.db_path, Path::new("/data/db"));
    assert_eq!(
        options.storage.journal_commit_interval,
        Duration::from_millis(100)
    );
    assert!(options.security.encryption.is_none());
    assert!(options.system_log.path.is_none());
    assert!(options.net.max_incoming_connections >= 5);
}

#[test]
fn the_command_line_wins_over_the_file() {
    let yaml = "net:\n  port: 1\n  bindIp: 192.0.2.1\nstorage:\n  dbPath: /file\nsystemLog: {quiet: true}\n";
    let options = options(&["--port", "2", "--bind_ip_all", "--quiet=false"], yaml);
    assert_eq!(options.net.port, 2);
    assert_eq!(options.net.bind_hosts, ["0.0.0.0"]);
    assert_eq!(options.storage.db_path, Path::new("/file"));
    assert!(!options.system_log.quiet);
}

#[test]
fn options_are_shown_by_section_and_type() {
    let yaml = "net: {port: 7}\nsecurity:\n  enableEncryption: true\n  kmip: {serverName: h, clientCertificateFile: c}\n";
    let options = options(&["--logpath", "/l"], yaml);
    let parsed = options.cmd_line_opts.parsed();
    assert_eq!(
        parsed.get_document("net").unwrap().get_i32("port").unwrap(),
        7
    );
    let log = parsed.get_document("systemLog").unwrap();
    assert_eq!(log.get_str("destination").unwrap(), "file");
    assert_eq!(log.get_str("path").unwrap(), "/l");
    let security = parsed.get_document("security").unwrap();
    assert!(security.get_bool("enableEncryption").unwrap());
    assert!(parsed.get_str("config").unwrap().ends_with("mongod.conf"));
}
