//! Every option of `strongroomd`, once: its names in the file and on the command line, its type and
//! limits, its help. The command line, the file reader, the redaction and `getCmdLineOpts` read this
//! table; `docs/configuration.md` is checked against it.

use crate::encryption::OnKeyStateLoss;

/// The type of an option's value, with its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`; a flag without a value means `true`.
    Bool,
    /// A decimal integer within inclusive limits.
    Int {
        /// Smallest accepted value.
        min: i64,
        /// Largest accepted value.
        max: i64,
    },
    /// Any text that is not empty.
    Text,
    /// Text that may be empty, which then means "not given".
    OptionalText,
    /// A path, not empty.
    Path,
    /// A password: never shown.
    Secret,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// One of a few words; one that `mongod` has besides is refused with the reason.
    ChoiceBut {
        /// The accepted values.
        words: &'static [&'static str],
        /// The value that is refused.
        other: &'static str,
        /// Why, and what to do.
        reason: &'static str,
    },
    /// A flag that counts its occurrences (`-vvv`); a number within limits in the file.
    Count {
        /// Largest accepted value.
        max: i64,
    },
    /// A value that `mongod` has others of: only this one is true of us.
    Only {
        /// The accepted value.
        value: &'static str,
        /// Why others are refused, and what to do.
        reason: &'static str,
    },
}

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The key in the file, its sections separated by dots.
    pub path: &'static str,
    /// The long flag, without dashes; empty if the file only has it.
    pub flag: &'static str,
    /// The type.
    pub kind: Kind,
    /// What stands for the value in the help.
    pub value_name: &'static str,
    /// The section in the help.
    pub heading: &'static str,
    /// One sentence with unit and default.
    pub help: &'static str,
}

impl Known {
    /// Both names, for messages about an option that was not given.
    #[must_use]
    pub fn both_names(&self) -> String {
        if self.flag.is_empty() {
            self.path.to_owned()
        } else {
            format!("{} (--{})", self.path, self.flag)
        }
    }
}

const fn option(
    heading: &'static str,
    path: &'static str,
    flag: &'static str,
    kind: Kind,
    value_name: &'static str,
    help: &'static str,
) -> Known {
    Known {
        path,
        flag,
        kind,
        value_name,
        heading,
        help,
    }
}

/// What the storage engine offers.
const CIPHERS: &[&str] = &["AES256-GCM", "XCHACHA20-POLY1305"];

const MS_MAX: i64 = i32::MAX as i64;
const GENERAL: &str = "General";
const NET: &str = "Network";
const STORAGE: &str = "Storage";
const SECURITY: &str = "Security";
const ENCRYPTION: &str = "Encryption at rest";
const PARAMETERS: &str = "Server parameters";

/// What the prefix of a server parameter's path is.
pub const SET_PARAMETER: &str = "setParameter.";

/// The table. Sorted by heading as `--help` shows it.
#[rustfmt::skip]
pub const OPTIONS: &[Known] = &[
    option(GENERAL, "systemLog.verbosity", "verbose", Kind::Count { max: 5 }, "",
        "More log messages; repeat it (-vvvvv) for more. Default: 0"),
    option(GENERAL, "systemLog.quiet", "quiet", Kind::Bool, "BOOL",
        "Do not log connections and other routine events"),
    option(GENERAL, "systemLog.destination", "", Kind::Choice(&["file"]), "",
        "`file` with systemLog.path; standard output when it is left out"),
    option(GENERAL, "systemLog.path", "logpath", Kind::Path, "FILE",
        "Write the log to this file instead of standard output"),
    option(GENERAL, "systemLog.logAppend", "logappend", Kind::Bool, "BOOL",
        "Append to an existing log file; without it, the file of the last run is renamed"),
    option(GENERAL, "systemLog.logRotate", "logRotate", Kind::Choice(&["rename", "reopen"]), "HOW",
        "What SIGUSR1 does with the log file: `rename` it, or `reopen` it (needs --logappend). Default: rename"),
    option(GENERAL, "systemLog.timeStampFormat", "timeStampFormat",
        Kind::Only { value: "iso8601-utc", reason: "log lines carry UTC times: use `iso8601-utc`, or remove it" }, "FORMAT",
        "Only `iso8601-utc`"),
    option(GENERAL, "processManagement.pidFilePath", "pidfilepath", Kind::Path, "FILE",
        "Write the process id to this file; it is removed at the stop"),
    option(GENERAL, "processManagement.fork", "fork",
        Kind::Only { value: "false", reason: "Strongroom stays in the foreground: run it under systemd (Type=notify or simple) or another supervisor, and remove the option" }, "BOOL",
        "Not supported: run it under a supervisor"),

    option(NET, "net.port", "port", Kind::Int { min: 0, max: 65_535 }, "PORT",
        "TCP port to listen on; 0 lets the system choose. Default: 27017"),
    option(NET, "net.bindIp", "bind_ip", Kind::Text, "ADDRESSES",
        "Host names or addresses to listen on, separated by commas. Default: 127.0.0.1"),
    option(NET, "net.bindIpAll", "bind_ip_all", Kind::Bool, "BOOL",
        "Listen on all addresses (0.0.0.0, and :: with --ipv6)"),
    option(NET, "net.ipv6", "ipv6", Kind::Bool, "BOOL",
        "Listen on IPv6 addresses, too"),
    option(NET, "net.maxIncomingConnections", "maxConns", Kind::Int { min: 5, max: 1_000_000 }, "N",
        "Most connections served at a time. Default: four fifths of the limit of open files"),
    option(NET, "net.tls.mode", "tlsMode",
        Kind::Only { value: "disabled", reason: "TLS towards clients does not exist yet: keep the server on a trusted network, or put a TLS proxy before it" }, "MODE",
        "Only `disabled`"),
    option(NET, "net.unixDomainSocket.enabled", "",
        Kind::Only { value: "false", reason: "Strongroom listens on TCP only" }, "",
        "Only `false`"),

    option(STORAGE, "storage.dbPath", "dbpath", Kind::Path, "DIR",
        "Directory of the data. Default: /data/db"),
    option(STORAGE, "storage.journal.commitIntervalMs", "journalCommitInterval", Kind::Int { min: 1, max: 500 }, "MS",
        "Longest time until a write without `j: true` is on disk. Default: 100"),
    option(STORAGE, "storage.journal.enabled", "",
        Kind::Only { value: "true", reason: "the journal cannot be turned off: remove it" }, "",
        "Only `true`"),

    option(SECURITY, "security.authorization", "",
        Kind::Only { value: "disabled", reason: "users and roles do not exist yet: keep the server on a trusted network" }, "",
        "Only `disabled`"),
    option(ENCRYPTION, "security.enableEncryption", "enableEncryption", Kind::Bool, "BOOL",
        "Encrypt everything under the dbpath"),
    option(ENCRYPTION, "security.encryptionCipherMode", "encryptionCipherMode",
        Kind::ChoiceBut { words: CIPHERS, other: "AES256-CBC", reason: "data is sealed with modes that notice changes to it, and CBC does not: set AES256-GCM, or remove the option" }, "MODE",
        "Cipher of the data of a new dbpath. Default: AES256-GCM, the faster one on processors with AES instructions"),
    option(ENCRYPTION, "security.encryptionKeyFile", "encryptionKeyFile", Kind::Path, "FILE",
        "File with the master key (32 bytes in base64, mode 0600 or 0400), instead of a KMIP server"),
    option(ENCRYPTION, "security.kmip.serverName", "kmipServerName", Kind::Text, "HOSTS",
        "KMIP servers, separated by commas, tried in order: host, host:port or [IPv6]:port"),
    option(ENCRYPTION, "security.kmip.port", "kmipPort", Kind::Int { min: 1, max: 65_535 }, "PORT",
        "Port of the servers that are given without one. Default: 5696"),
    option(ENCRYPTION, "security.kmip.serverCAFile", "kmipServerCAFile", Kind::Path, "PEM",
        "CA certificates that the KMIP server's certificate may come from, besides the system's"),
    option(ENCRYPTION, "security.kmip.clientCertificateFile", "kmipClientCertificateFile", Kind::Path, "PEM",
        "Our certificate chain for the KMIP server, with the private key unless that is apart"),
    option(ENCRYPTION, "security.kmip.clientKeyFile", "kmipClientKeyFile", Kind::Path, "PEM",
        "The private key of the client certificate, if it is in a file of its own"),
    option(ENCRYPTION, "security.kmip.clientCertificatePassword", "kmipClientCertificatePassword", Kind::Secret, "PASSWORD",
        "Password of an encrypted private key; better given in a file of its own or in the environment"),
    option(ENCRYPTION, "security.kmip.clientCertificatePasswordFile", "kmipClientCertificatePasswordFile", Kind::Path, "FILE",
        "File with that password (mode 0600 or 0400; a line end after it is dropped). A third way is the environment variable STRONGROOM_KMIP_CLIENT_CERTIFICATE_PASSWORD"),
    option(ENCRYPTION, "security.kmip.keyIdentifier", "kmipKeyIdentifier", Kind::OptionalText, "ID",
        "Unique identifier or name of an existing master key. Default: create one at the first start"),
    option(ENCRYPTION, "security.kmip.createKeyIfMissing", "kmipCreateKeyIfMissing", Kind::Bool, "BOOL",
        "Create a key under the name given as key identifier if there is none. Default: false"),
    option(ENCRYPTION, "security.kmip.rotateMasterKey", "kmipRotateMasterKey", Kind::Bool, "BOOL",
        "Encrypt the keystore under a new master key, and exit. Default: false"),
    option(ENCRYPTION, "security.kmip.connectRetries", "kmipConnectRetries", Kind::Int { min: 0, max: 1_000 }, "N",
        "Attempts at the first connection beyond the first one, for each server. Default: 0"),
    option(ENCRYPTION, "security.kmip.connectTimeoutMS", "kmipConnectTimeoutMS", Kind::Int { min: 1_000, max: MS_MAX }, "MS",
        "Time for an attempt to connect and get the first answer. Default: 5000"),
    option(ENCRYPTION, "security.kmip.useLegacyProtocol", "kmipUseLegacyProtocol", Kind::Bool, "BOOL",
        "Speak KMIP 1.0 or 1.1 only, for servers that have nothing newer. Default: false"),
    option(ENCRYPTION, "security.kmip.protocolVersion", "kmipProtocolVersion", Kind::Choice(KMIP_VERSIONS), "VERSION",
        "Speak this version of KMIP. Default: the newest one that the server has too"),
    option(ENCRYPTION, "security.kmip.activateKeys", "kmipActivateKeys", Kind::Bool, "BOOL",
        "Activate keys that we create, and use Active keys only. Default: true"),
    option(ENCRYPTION, "security.kmip.keyStatePollingSeconds", "kmipKeyStatePollingSeconds", Kind::Int { min: -1, max: MS_MAX }, "SECONDS",
        "Time between checks of the master key's state; 0 or -1 turns them off. Default: 900"),
    option(ENCRYPTION, "security.kmip.onKeyStateLoss", "kmipOnKeyStateLoss", Kind::Choice(OnKeyStateLoss::NAMES), "POLICY",
        "What to do when a check finds the master key no longer Active, or gone: go on and warn, refuse writes until it is Active again, or stop. Default: shutdown"),
    option(ENCRYPTION, "security.kmip.keyStateGraceSeconds", "kmipKeyStateGraceSeconds", Kind::Int { min: 0, max: MS_MAX }, "SECONDS",
        "How long the master key may be so before that is done. Default: 0"),
    option(ENCRYPTION, "security.kmip.wrapOnServer", "kmipWrapOnServer", Kind::Bool, "BOOL",
        "Have the KMIP server wrap the data keys, so that the master key never leaves it (KMIP 1.4). For keys that are taken into use from now on. Default: false"),

    option(PARAMETERS, "setParameter.cursorTimeoutMillis", "", Kind::Int { min: 1, max: MS_MAX }, "",
        "Idle time in ms after which a cursor is closed. Default: 600000"),
    option(PARAMETERS, "setParameter.logLevel", "", Kind::Int { min: 0, max: 5 }, "",
        "The same as systemLog.verbosity, which it overrides"),
    option(PARAMETERS, "setParameter.quiet", "", Kind::Bool, "",
        "The same as systemLog.quiet, which it overrides"),
    option(PARAMETERS, "setParameter.diagnosticDataCollectionEnabled", "",
        Kind::Only { value: "false", reason: "nothing is collected: set it to false, or remove it" }, "",
        "Only `false`"),
];

/// The versions of KMIP that we speak.
const KMIP_VERSIONS: &[&str] = &["1.0", "1.1", "1.2", "1.3", "1.4", "2.0", "2.1"];

/// The option with this key, if it is one of ours.
#[must_use]
pub fn by_path(path: &str) -> Option<&'static Known> {
    OPTIONS.iter().find(|known| known.path == path)
}

/// Whether options live below this key.
#[must_use]
pub fn is_section(path: &str) -> bool {
    OPTIONS.iter().any(|known| {
        known
            .path
            .strip_prefix(path)
            .is_some_and(|rest| rest.starts_with('.'))
    })
}

/// Compares a page of `docs/` that is made from a table with what the table says now.
///
/// # Panics
/// They differ; with `UPDATE_DOCS` set, the page is written instead.
#[cfg(test)]
pub(crate) fn check_document(name: &str, expected: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/{name} is not what the table says: run the tests once with UPDATE_DOCS=1"
    );
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_every_option_is_explained() {
        let mut names = HashSet::new();
        for known in OPTIONS {
            assert!(names.insert(known.path), "{} twice", known.path);
            assert!(
                known.flag.is_empty() || names.insert(known.flag),
                "--{} twice",
                known.flag
            );
            assert!(!known.help.is_empty(), "{} has no help", known.path);
            assert!(!known.flag.starts_with('-'), "{}", known.flag);
        }
    }

    #[test]
    fn the_document_shows_the_table() {
        let mut expected = String::from(
            "# Options of `strongroomd`\n\nOptions are spelled as `mongod` spells them, on the command line and in the configuration file\n(`--config FILE`, YAML). The command line wins. An option that is not listed here stops the start and\nis named; the same goes for a misspelt, repeated or impossible one.\n\nThe tables are made from `crates/server/src/config/known.rs`: run\n`UPDATE_DOCS=1 cargo test -p server config::known` after a change there.\n",
        );
        let mut heading = "";
        for known in OPTIONS {
            if known.heading != heading {
                heading = known.heading;
                expected.push_str(&format!("\n## {heading}\n\n| configuration file | command line | values | |\n|---|---|---|---|\n"));
            }
            let flag = match known.flag {
                "" if known.path.starts_with(SET_PARAMETER) => {
                    format!("`--setParameter {}=…`", &known.path[SET_PARAMETER.len()..])
                }
                "" => "–".to_owned(),
                flag => format!("`--{flag}`"),
            };
            let values = match known.kind {
                Kind::Bool => "true, false".to_owned(),
                Kind::Int { min, max } => format!("{min} to {max}"),
                Kind::Count { max } => format!("0 to {max}"),
                Kind::Text | Kind::OptionalText => "text".to_owned(),
                Kind::Path => "path".to_owned(),
                Kind::Secret => "text, never shown".to_owned(),
                Kind::Choice(words) | Kind::ChoiceBut { words, .. } => words.join(", "),
                Kind::Only { value, .. } => value.to_owned(),
            };
            expected.push_str(&format!(
                "| `{}` | {flag} | {values} | {} |\n",
                known.path, known.help
            ));
        }
        check_document("configuration.md", &expected);
    }

    #[test]
    fn sections_are_told_from_options() {
        assert!(is_section("security"));
        assert!(is_section("security.kmip"));
        assert!(!is_section("security.kmip.port"));
        assert!(!is_section("secur"));
    }
}
