//! Options from end to end: arguments and files in, options or messages out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kmip_client::ServerAddress;

use super::*;
use crate::encryption::OnKeyStateLoss;

/// Loads the arguments, with a configuration file if `yaml` is not empty.
fn load_with(args: &[&str], yaml: &str) -> Result<Options, Error> {
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

/// The options of a server with KMIP, and these.
fn with_kmip(extra: &[&str]) -> Vec<String> {
    let base = [
        "--enableEncryption",
        "--kmipServerName",
        "h",
        "--kmipClientCertificateFile",
        "c",
    ];
    std::iter::once("strongroomd")
        .chain(base)
        .chain(extra.iter().copied())
        .map(str::to_owned)
        .collect()
}

fn options(args: &[&str], yaml: &str) -> Options {
    load_with(args, yaml).unwrap_or_else(|error| panic!("{args:?} {yaml}: {error}"))
}

fn kmip(options: &Options) -> &KmipOptions {
    match &options.security.encryption.as_ref().unwrap().master_key {
        MasterKeyOptions::Kmip(kmip) => kmip,
        MasterKeyOptions::KeyFile(_) => panic!("a key file"),
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
fn the_newer_document_file() {
    let options = options(
        &[],
        "    security:
      enableEncryption: true
      kmip:
        serverName: kmip1.example.com,kmip2.example.com
        port: 5696
        clientCertificateFile: /path/client_certificate.pem
        serverCAFile: /path/ca.pem
        keyIdentifier: key_name
        clientCertificatePassword: 'se: cret'
        connectRetries: 3
        connectTimeoutMS: 1000
        rotateMasterKey: false
",
    );
    let kmip = kmip(&options);
    let hosts: Vec<&str> = kmip.servers.iter().map(ServerAddress::host).collect();
    assert_eq!(hosts, ["kmip1.example.com", "kmip2.example.com"]);
    assert_eq!(kmip.connect_retries, 3);
    assert_eq!(kmip.connect_timeout, Duration::from_secs(1));
    assert_eq!(
        kmip.client_certificate_password.as_ref().unwrap().expose(),
        "se: cret"
    );
}

#[test]
fn the_older_document_file() {
    let options = options(
        &[],
        "security:
  enableEncryption: true
  kmip:
    serverName: 128.0.0.2
    port: 5696
    clientCertificateFile: /path/client_certificate.pem
    clientKeyFile: /path/client_key.pem
    serverCAFile: /path/ca.pem
    keyIdentifier: key_name
",
    );
    let kmip = kmip(&options);
    assert_eq!(
        kmip.client_key_file.as_deref(),
        Some(Path::new("/path/client_key.pem"))
    );
    assert_eq!(kmip.key_identifier.as_deref(), Some("key_name"));
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
fn switches_take_a_value_or_none() {
    let certificate = [
        "--enableEncryption",
        "--kmipServerName",
        "h",
        "--kmipClientCertificateFile",
        "c",
    ];
    for (extra, rotate, activate) in [
        (&["--kmipRotateMasterKey"][..], true, true),
        (&["--kmipRotateMasterKey", "true"], true, true),
        (
            &["--kmipRotateMasterKey=false", "--kmipActivateKeys", "false"],
            false,
            false,
        ),
    ] {
        let options = options(&[&certificate[..], extra].concat(), "");
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
fn a_number_as_key_identifier_keeps_its_text() {
    let yaml = "security: {enableEncryption: true, kmip: {serverName: h, clientCertificateFile: c, keyIdentifier: 0012}}";
    assert_eq!(
        kmip(&options(&[], yaml)).key_identifier.as_deref(),
        Some("0012")
    );
    // Blank means: create one.
    let yaml = yaml.replace("0012", "''");
    assert_eq!(kmip(&options(&[], &yaml)).key_identifier, None);
}

#[test]
fn a_polling_interval_of_zero_or_less_turns_it_off() {
    let base = [
        "--enableEncryption",
        "--kmipServerName",
        "h",
        "--kmipClientCertificateFile",
        "c",
    ];
    for seconds in ["0", "-1"] {
        let options = options(
            &[&base[..], &["--kmipKeyStatePollingSeconds", seconds]].concat(),
            "",
        );
        assert_eq!(kmip(&options).key_state_polling, None);
    }
}

#[test]
fn kmip_protocol_versions() {
    use kmip::ProtocolVersion as V;
    use kmip_client::VersionPolicy::{AtMost, Exactly, Negotiate};
    let base = [
        "--enableEncryption",
        "--kmipServerName",
        "h",
        "--kmipClientCertificateFile",
        "c",
    ];
    for (given, expected) in [
        (&[][..], Negotiate),
        (&["--kmipUseLegacyProtocol=false"], Negotiate),
        (&["--kmipUseLegacyProtocol"], AtMost(V::V1_1)),
        (&["--kmipProtocolVersion", "1.4"], Exactly(V::V1_4)),
        (&["--kmipProtocolVersion=2.1"], Exactly(V::V2_1)),
        (
            &["--kmipProtocolVersion", "1.0", "--kmipUseLegacyProtocol"],
            Exactly(V::V1_0),
        ),
        (
            &[
                "--kmipProtocolVersion",
                "2.0",
                "--kmipUseLegacyProtocol",
                "false",
            ],
            Exactly(V::V2_0),
        ),
    ] {
        let options = options(&[&base[..], given].concat(), "");
        assert_eq!(kmip(&options).version, expected, "{given:?}");
    }
    // YAML reads 2.0 as a number unless it is quoted: both are understood.
    for version in ["2.0", "\"2.0\"", "'2.0'"] {
        let yaml = format!(
            "security: {{enableEncryption: true, kmip: {{serverName: h, clientCertificateFile: c, protocolVersion: {version}}}}}"
        );
        let options = options(&[], &yaml);
        assert_eq!(kmip(&options).version, Exactly(V::V2_0), "{version}");
    }
}

#[test]
fn dotted_keys_comments_and_empty_sections() {
    let yaml = "# a comment\nnet.port: 5\nsecurity:\n#  enableEncryption: true\nstorage:\n  journal.commitIntervalMs: 7 # ms\nsetParameter:\n  cursorTimeoutMillis: 1000\n";
    let options = options(&[], yaml);
    assert_eq!(options.net.port, 5);
    assert_eq!(
        options.storage.journal_commit_interval,
        Duration::from_millis(7)
    );
    assert_eq!(options.parameters.cursor_timeout, Duration::from_secs(1));
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
fn stock_files_of_mongod_are_understood() {
    let stock = "storage:\n  dbPath: /var/lib/mongodb\nsystemLog:\n  destination: file\n  logAppend: true\n  path: /var/log/mongodb/mongod.log\nnet:\n  port: 27017\n  bindIp: 127.0.0.1\nprocessManagement:\n  fork: false\n  pidFilePath: /run/mongod.pid\nsecurity:\n  authorization: disabled\n";
    let options = options(&[], stock);
    assert_eq!(
        options.process.pid_file_path,
        Some(PathBuf::from("/run/mongod.pid"))
    );
}

/// Every row: arguments, file, the group of the error, and parts of its message.
#[test]
fn complaints_name_option_place_and_way_out() {
    use ErrorKind::*;
    type Row<'a> = (&'a [&'a str], &'a str, ErrorKind, &'a [&'a str]);
    let rows: &[Row<'_>] = &[
        (
            &["--kmipServerNam", "x"],
            "",
            UnknownOption,
            &["--kmipServerNam", "did you mean --kmipServerName?"],
        ),
        (&["--zzz=hunter2"], "", UnknownOption, &["--zzz"]),
        (&["hunter2"], "", UnknownOption, &["belongs to no option"]),
        (&["-x"], "", UnknownOption, &["belongs to no option"]),
        (
            &["--kmipClientCertificatePassword", "one", "hunter2"],
            "",
            UnknownOption,
            &["belongs to no option"],
        ),
        (
            &["--replSet", "rs0"],
            "",
            UnsupportedOption,
            &["--replSet is not supported"],
        ),
        (
            &["--auth"],
            "",
            UnsupportedOption,
            &["--auth", "trusted network"],
        ),
        (
            &["--vaultServerName=x"],
            "",
            UnsupportedOption,
            &["--vaultServerName", "security.kmip"],
        ),
        (&["--fork"], "", UnsupportedOption, &["--fork", "systemd"]),
        (
            &["--tlsMode", "requireTLS"],
            "",
            UnsupportedOption,
            &["--tlsMode", "requireTLS"],
        ),
        (
            &["--port"],
            "",
            InvalidValue,
            &["--port", "expected a value"],
        ),
        (
            &["--port", "65536"],
            "",
            InvalidValue,
            &["--port", "from 0 to 65535", "`65536`"],
        ),
        (
            &["--port", "1", "--port", "2"],
            "",
            InvalidValue,
            &["--port", "more than once"],
        ),
        (
            &["--quiet=yes"],
            "",
            InvalidValue,
            &["--quiet", "true or false"],
        ),
        (
            &["--journalCommitInterval", "501"],
            "",
            InvalidValue,
            &["from 1 to 500"],
        ),
        (
            &["--setParameter", "logLevel=9"],
            "",
            InvalidValue,
            &["--setParameter logLevel", "0 to 5"],
        ),
        (
            &["--setParameter", "nonsense=9"],
            "",
            UnknownOption,
            &["--setParameter nonsense"],
        ),
        (
            &["--setParameter", "logLevel"],
            "",
            InvalidValue,
            &["name=value"],
        ),
        (
            &["--kmipServerName", "h"],
            "",
            Inconsistent,
            &[
                "--kmipServerName",
                "security.enableEncryption (--enableEncryption)",
            ],
        ),
        (
            &["--enableEncryption"],
            "",
            Inconsistent,
            &[
                "security.kmip.serverName (--kmipServerName)",
                "--encryptionKeyFile",
            ],
        ),
        (
            &[
                "--enableEncryption",
                "--kmipServerName",
                "h",
                "--kmipClientCertificateFile",
                "c",
                "--kmipUseLegacyProtocol",
                "--kmipProtocolVersion",
                "1.2",
            ],
            "",
            Inconsistent,
            &[
                "--kmipProtocolVersion and --kmipUseLegacyProtocol exclude each other",
                "1.0 or 1.1",
            ],
        ),
        (
            &["--kmipProtocolVersion", "3.0"],
            "",
            InvalidValue,
            &["--kmipProtocolVersion", "`1.0` or `1.1`", "`3.0`"],
        ),
        (
            &["--enableEncryption", "--kmipUseLegacyProtocol"],
            "",
            Inconsistent,
            &["--kmipUseLegacyProtocol", "--kmipServerName"],
        ),
        (
            &["--enableEncryption", "--kmipPort", "1"],
            "",
            Inconsistent,
            &["--kmipPort", "--kmipServerName"],
        ),
        (
            &["--enableEncryption", "--kmipServerName", "h"],
            "",
            Inconsistent,
            &["--kmipClientCertificateFile"],
        ),
        (
            &[
                "--enableEncryption",
                "--kmipServerName",
                "h",
                "--encryptionKeyFile",
                "f",
            ],
            "",
            Inconsistent,
            &["--encryptionKeyFile and --kmipServerName exclude each other"],
        ),
        (
            &[
                "--enableEncryption",
                "--encryptionKeyFile",
                "f",
                "--kmipPort",
                "1",
            ],
            "",
            Inconsistent,
            &["--kmipPort", "--kmipServerName"],
        ),
        (
            &[
                "--enableEncryption",
                "--encryptionKeyFile",
                "f",
                "--encryptionCipherMode",
                "AES256-CBC",
            ],
            "",
            UnsupportedOption,
            &["--encryptionCipherMode", "AES256-CBC", "AES256-GCM"],
        ),
        (
            &[
                "--enableEncryption",
                "--kmipServerName",
                "h,,i",
                "--kmipClientCertificateFile",
                "c",
            ],
            "",
            InvalidValue,
            &["--kmipServerName"],
        ),
        (
            &[
                "--enableEncryption",
                "--kmipServerName",
                "h",
                "--kmipClientCertificateFile",
                "c",
                "--kmipConnectTimeoutMS",
                "999",
            ],
            "",
            InvalidValue,
            &["--kmipConnectTimeoutMS", "1000"],
        ),
        (
            &[
                "--enableEncryption",
                "--kmipServerName",
                "h",
                "--kmipClientCertificateFile",
                "c",
                "--kmipActivateKeys=false",
                "--kmipKeyStatePollingSeconds",
                "9",
            ],
            "",
            Inconsistent,
            &["--kmipKeyStatePollingSeconds", "--kmipActivateKeys"],
        ),
        (
            &[
                "--enableEncryption",
                "--kmipServerName",
                "h",
                "--kmipClientCertificateFile",
                "c",
                "--kmipCreateKeyIfMissing",
            ],
            "",
            Inconsistent,
            &["--kmipCreateKeyIfMissing", "--kmipKeyIdentifier"],
        ),
        (
            &["--bind_ip", "::1"],
            "",
            Inconsistent,
            &["--bind_ip", "net.ipv6 (--ipv6)"],
        ),
        (
            &["--bind_ip", "/tmp/x.sock"],
            "",
            UnsupportedOption,
            &["--bind_ip", "TCP only"],
        ),
        (
            &["--bind_ip", "a", "--bind_ip_all"],
            "",
            Inconsistent,
            &["--bind_ip and --bind_ip_all"],
        ),
        (
            &["--logappend"],
            "",
            Inconsistent,
            &["--logappend", "systemLog.path (--logpath)"],
        ),
        (
            &["--config", "/nowhere/mongod.conf"],
            "",
            ConfigFile,
            &["/nowhere/mongod.conf", "No such file"],
        ),
        (
            &[],
            "security:\n  kmip:\n    servername: h\n",
            UnknownOption,
            &[
                "security.kmip.servername",
                "mongod.conf, line 3",
                "did you mean security.kmip.serverName?",
            ],
        ),
        (
            &[],
            "nett:\n  port: 1\n",
            UnknownOption,
            &["nett.port", "line 2"],
        ),
        (
            &[],
            "net:\n  port: 1\n  port: 2\n",
            InvalidValue,
            &["net.port", "line 3", "first in line 2"],
        ),
        (
            &[],
            "net:\n  port: 1\nnet.port: 2\n",
            InvalidValue,
            &["net.port", "line 3", "first in line 2"],
        ),
        (
            &[],
            "net:\n  port: many\n",
            InvalidValue,
            &["net.port", "line 2", "`many`"],
        ),
        (
            &[],
            "net:\n  port:\n",
            InvalidValue,
            &["net.port", "line 2", "expected a value"],
        ),
        (
            &[],
            "net:\n  port: [1, 2]\n",
            InvalidValue,
            &["net.port", "line 2", "not a list"],
        ),
        (
            &[],
            "net:\n  port: {__exec: date}\n",
            InvalidValue,
            &["net.port", "__exec"],
        ),
        (&[], "net: 3\n", InvalidValue, &["net", "line 1", "section"]),
        (
            &[],
            "replication:\n  replSetName: rs0\n",
            UnsupportedOption,
            &["replication.replSetName", "line 2"],
        ),
        (
            &[],
            "storage:\n  wiredTiger:\n    engineConfig: {cacheSizeGB: 1}\n",
            UnsupportedOption,
            &["storage.wiredTiger.engineConfig", "line 3"],
        ),
        (
            &[],
            "processManagement:\n  fork: true\n",
            UnsupportedOption,
            &["processManagement.fork", "line 2", "true"],
        ),
        (
            &[],
            "security: {vault: {serverName: v}}\n",
            UnsupportedOption,
            &["security.vault.serverName", "line 1"],
        ),
        (
            &[],
            "security:\n  enableEncryption: true\n",
            Inconsistent,
            &["security.enableEncryption", "line 2"],
        ),
        (
            &[],
            "security:\n\tenableEncryption: true\n",
            ConfigFile,
            &["mongod.conf", "line 2", "tab"],
        ),
        (
            &[],
            "security: {\n",
            ConfigFile,
            &["mongod.conf", "not valid YAML"],
        ),
        (
            &[],
            "port = 27017\ndbpath = /data\n",
            ConfigFile,
            &["line 1", "old `option = value` form"],
        ),
        (&[], "a: &x 1\nb: *x\n", UnknownOption, &["a", "line 1"]),
        (
            &[],
            "net:\n  port: &x 1\n  ipv6: *x\n",
            ConfigFile,
            &["line 3", "aliases"],
        ),
        (
            &[],
            "net:\n  port: 1\n---\nnet:\n  port: 2\n",
            ConfigFile,
            &["line 3", "more than one document"],
        ),
        (
            &[],
            "security:\n  kmip:\n    clientCertificatePassword: @hunter2\n",
            ConfigFile,
            &["line 3"],
        ),
        (
            &[],
            "security:\n  kmip:\n    clientCertificatePassword: \"hunter2\n",
            ConfigFile,
            &["line"],
        ),
        (
            &[],
            "security:\n  kmip:\n    clientCertificatePassword: [hunter2]\n",
            InvalidValue,
            &["clientCertificatePassword", "line 3"],
        ),
        (
            &[],
            "security:\n  kmip:\n    clientCertificatePassword: hunter2\n    hunter: 1\n",
            UnknownOption,
            &["security.kmip.hunter", "line 4"],
        ),
        (
            &[],
            "security:\n  kmip:\n    clientCertificatePassword: hunter2: x\n",
            ConfigFile,
            &["line 3"],
        ),
    ];
    for (args, yaml, kind, parts) in rows {
        let error = load_with(args, yaml)
            .map(|_| ())
            .expect_err(&format!("{args:?} {yaml}"));
        let message = error.to_string();
        assert_eq!(error.kind(), *kind, "{args:?} {yaml}: {message}");
        for part in *parts {
            assert!(
                message.contains(part),
                "{args:?} {yaml}: `{message}` lacks `{part}`"
            );
        }
        let everything = format!("{message} {error:?}");
        assert!(
            !everything.contains("hunter2"),
            "a secret shows: {everything}"
        );
    }
}

#[test]
fn a_password_is_shown_nowhere() {
    let base = [
        "--enableEncryption",
        "--kmipServerName",
        "h",
        "--kmipClientCertificateFile",
        "c",
    ];
    for extra in [
        &["--kmipClientCertificatePassword", "-hunter2"][..],
        &["--kmipClientCertificatePassword=-hunter2"],
    ] {
        let options = options(&[&base[..], extra].concat(), "");
        assert_eq!(
            kmip(&options)
                .client_certificate_password
                .as_ref()
                .unwrap()
                .expose(),
            "-hunter2"
        );
        let shown = format!("{options:?} {}", options.cmd_line_opts.parsed());
        assert!(!shown.contains("hunter2"), "{shown}");
        let argv = options.cmd_line_opts.argv().join(" ");
        assert!(
            argv.contains("--kmipClientCertificatePassword") && argv.contains(REDACTED),
            "{argv}"
        );
        let parsed = options
            .cmd_line_opts
            .parsed()
            .get_document("security")
            .unwrap();
        let shown = parsed
            .get_document("kmip")
            .unwrap()
            .get_str("clientCertificatePassword");
        assert_eq!(shown.unwrap(), REDACTED);
    }
}

/// With this in [`CLIENT_CERTIFICATE_PASSWORD`].
fn environment(password: &str) -> Environment {
    Environment {
        client_certificate_password: Some(Password::new(password.to_owned())),
    }
}

fn load_kmip(extra: &[&str], environment: &Environment) -> Result<KmipOptions, Error> {
    match load(&with_kmip(extra), environment)? {
        Invocation::Run(options) => Ok(kmip(&options).clone()),
        Invocation::Print(text) => panic!("printed {text}"),
    }
}

#[test]
fn a_password_comes_from_one_of_three_places() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("password");
    std::fs::write(&file, "hunter2-file\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let file = file.to_str().unwrap();
    let in_file = ["--kmipClientCertificatePasswordFile", file];
    let given = ["--kmipClientCertificatePassword", "hunter2-given"];
    let (none, some) = (Environment::default(), environment("hunter2-variable"));

    let password = |extra: &[&str], environment: &Environment| {
        let kmip = load_kmip(extra, environment).unwrap();
        let password = kmip.client_certificate_password;
        let shown = password.map(|password| password.expose().to_owned());
        (shown, kmip.password_in_arguments)
    };
    assert_eq!(password(&[], &none), (None, false));
    let expected = (Some("hunter2-file".to_owned()), false);
    assert_eq!(password(&in_file, &none), expected);
    let expected = (Some("hunter2-given".to_owned()), true);
    assert_eq!(password(&given, &none), expected);
    let expected = (Some("hunter2-variable".to_owned()), false);
    assert_eq!(password(&[], &some), expected);

    for (extra, environment, parts) in [
        (
            [in_file, given].concat(),
            &none,
            ["--kmipClientCertificatePassword and", in_file[0]],
        ),
        (
            given.to_vec(),
            &some,
            [given[0], CLIENT_CERTIFICATE_PASSWORD],
        ),
        (
            in_file.to_vec(),
            &some,
            [in_file[0], CLIENT_CERTIFICATE_PASSWORD],
        ),
    ] {
        let error = load_kmip(&extra, environment).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Inconsistent);
        let message = format!("{error} {error:?}");
        assert!(!message.contains("hunter2"), "{message}");
        for part in parts {
            assert!(message.contains(part), "{message}");
        }
    }

    let missing = ["--kmipClientCertificatePasswordFile", "/nowhere/password"];
    let error = load_kmip(&missing, &none).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PasswordFile);
    let message = error.to_string();
    for part in ["--kmipClientCertificatePasswordFile", "/nowhere/password"] {
        assert!(message.contains(part), "{message}");
    }
    // In the file it is not in the argument list.
    let yaml = "security:\n  enableEncryption: true\n  kmip: {serverName: h, clientCertificateFile: c, clientCertificatePassword: p}\n";
    assert!(!kmip(&options(&[], yaml)).password_in_arguments);
}

#[test]
fn what_a_lost_key_leads_to() {
    let none = Environment::default();
    let kmip = load_kmip(&[], &none).unwrap();
    assert_eq!(kmip.on_key_state_loss, OnKeyStateLoss::Shutdown);
    assert_eq!(kmip.key_state_grace, Duration::ZERO);
    assert!(!kmip.wrap_on_server);
    let extra = [
        "--kmipOnKeyStateLoss",
        "readOnly",
        "--kmipKeyStateGraceSeconds",
        "90",
        "--kmipWrapOnServer",
    ];
    let kmip = load_kmip(&extra, &none).unwrap();
    assert_eq!(kmip.on_key_state_loss, OnKeyStateLoss::ReadOnly);
    assert_eq!(kmip.key_state_grace, Duration::from_secs(90));
    assert!(kmip.wrap_on_server);

    let error = load_kmip(&["--kmipOnKeyStateLoss", "ignore"], &none)
        .map(drop)
        .unwrap_err();
    assert!(error.to_string().contains("`readOnly`"), "{error}");
    // Without checks nothing would ever follow.
    for off in [
        ["--kmipKeyStatePollingSeconds", "0"],
        ["--kmipActivateKeys", "false"],
    ] {
        for option in [
            ["--kmipOnKeyStateLoss", "warn"],
            ["--kmipKeyStateGraceSeconds", "1"],
        ] {
            let error = load_kmip(&[off, option].concat(), &none)
                .map(drop)
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Inconsistent);
            let message = error.to_string();
            assert!(message.contains(option[0]), "{message}");
            assert!(message.contains("keyStatePollingSeconds"), "{message}");
        }
    }
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

#[test]
fn a_huge_or_binary_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x");
    let args = [
        "strongroomd".to_owned(),
        "-f".to_owned(),
        file.display().to_string(),
    ];
    std::fs::write(&file, vec![b'#'; 2 * 1024 * 1024]).unwrap();
    assert_eq!(
        load(&args, &Environment::default()).unwrap_err().kind(),
        ErrorKind::ConfigFile
    );
    std::fs::write(&file, b"net:\n  port: \xff\n").unwrap();
    let message = load(&args, &Environment::default())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("UTF-8") && message.contains("line 2"),
        "{message}"
    );
}

#[test]
fn deep_nesting_ends_with_an_error() {
    let mut yaml = String::new();
    for depth in 0..200 {
        yaml.push_str(&" ".repeat(depth));
        yaml.push_str("security:\n");
    }
    assert!(load_with(&[], &yaml).is_err());
    assert!(load_with(&[], &"{a: ".repeat(5000)).is_err());
    assert!(load_with(&[], &"[".repeat(5000)).is_err());
}

#[test]
fn any_file_is_read_or_refused() {
    bolero::check!()
        .with_iterations(2000)
        .with_type::<String>()
        .for_each(|text| {
            let _ = yaml::parse(text, Path::new("fuzz"));
        });
}
