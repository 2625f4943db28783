//! Options that are refused.

use super::*;

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
