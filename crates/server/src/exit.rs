//! The exit statuses of `strongroomd` and `strongroom`: one for each cause, all below 126 (the shell uses
//! the others itself).
//!
//! Where `mongod` has a status for the cause, it is the same. This table is the only place that has
//! them; `docs/exit-statuses.md` is checked against it by a test.

use std::process::ExitCode;

macro_rules! exit_statuses {
    ($($name:ident = $number:literal, $when:literal, $advice:literal;)*) => {
        /// Why the process ended.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ExitStatus {
            $(#[doc = $when] $name = $number,)*
        }

        /// Every exit status, by number.
        pub const ALL: &[ExitStatus] = &[$(ExitStatus::$name),*];

        impl ExitStatus {
            /// The name, as in the table.
            pub fn name(self) -> &'static str {
                match self { $(ExitStatus::$name => stringify!($name),)* }
            }

            /// When the process ends with it.
            pub fn when(self) -> &'static str {
                match self { $(ExitStatus::$name => $when,)* }
            }

            /// What to do about it.
            pub fn advice(self) -> &'static str {
                match self { $(ExitStatus::$name => $advice,)* }
            }
        }
    };
}

exit_statuses! {
    Success = 0,
        "The program did what it was asked to do, or was stopped by SIGTERM or SIGINT.",
        "Nothing.";
    BadOptions = 2,
        "An option or a configuration key is unknown, contradicts another one, or has a value that it cannot have.",
        "Correct the option that the message names.";
    ConfigFile = 3,
        "The configuration file cannot be read, or is not YAML.",
        "Correct the file that the message names.";
    Internal = 14,
        "An error that is none of the others.",
        "See the log; please report it.";
    CannotListen = 48,
        "The port is in use, or the address is not one of this machine.",
        "Choose another `--port` or `--bind_ip`, or stop the other program.";
    NewerFormat = 62,
        "The dbpath was written by a newer version.",
        "Use that version, or a newer one.";
    DbpathUnusable = 64,
        "The dbpath does not exist, is not a directory, or cannot be read or written; or the directory of a playground holds other things.",
        "Create the directory, correct its owner and permissions, or give another one.";
    DbpathLocked = 65,
        "Another process uses the dbpath.",
        "Stop it, or use another dbpath.";
    DbpathEncrypted = 66,
        "The dbpath is encrypted, and encryption was not asked for.",
        "Start with `--enableEncryption` and the options of its master key.";
    DbpathNotEncrypted = 67,
        "The dbpath holds data that is not encrypted, and encryption was asked for.",
        "Start without encryption, or dump the data and restore it into an empty dbpath.";
    DbpathForeign = 68,
        "The dbpath holds files of another program, such as `mongod`.",
        "Use an empty directory; bring the data with mongodump and mongorestore.";
    KeystoreCorrupt = 69,
        "The keystore file is damaged or missing.",
        "Restore it from a backup of the dbpath.";
    KeystoreTampered = 70,
        "The keystore file was changed by somebody without the master key.",
        "Restore it from a backup of the dbpath, and find out who did it.";
    WrongMasterKey = 71,
        "The master key is not the one that the dbpath is encrypted with. The keystore is undamaged.",
        "Provide the master key that the message names.";
    KeyIdentifierMismatch = 72,
        "`keyIdentifier` is not the identifier that the dbpath is encrypted with.",
        "Remove the option, or give the identifier that the message names.";
    ProviderMismatch = 73,
        "The master key is asked from another provider (KMIP, key file) than the dbpath's.",
        "Give the options of the provider that the message names.";
    CipherMismatch = 74,
        "`encryptionCipherMode` is not the cipher that the dbpath is encrypted with.",
        "Remove the option, or give the cipher that the message names.";
    KeyFile = 75,
        "The file of `encryptionKeyFile` cannot be read, is readable by others, or does not hold 32 bytes as base64.",
        "Correct the file that the message names.";
    DataCorrupt = 76,
        "Data files are damaged, or do not open with the keys of the keystore.",
        "Restore the dbpath from a backup.";
    LogFile = 77,
        "The log file cannot be opened.",
        "Correct `systemLog.path`, or the directory's owner and permissions.";
    RotationRefused = 78,
        "The master key cannot be rotated, migrated or revoked: there is no keystore yet, the key that was given is the one in use, something would be left behind, or something needs the key.",
        "See the message; to start, leave `rotateMasterKey` out.";
    PidFile = 79,
        "The file with the process id cannot be written.",
        "Correct `processManagement.pidFilePath`, or the directory's owner and permissions.";
    TlsFileMissing = 80,
        "A certificate or key file does not exist or cannot be read.",
        "Correct the path or the permissions that the message names.";
    TlsFileInvalid = 81,
        "A certificate or key file is not PEM, is damaged, or holds something that is not supported.",
        "Correct or convert the file that the message names.";
    TlsKeyMissing = 82,
        "A certificate file has no private key, or one of another certificate.",
        "Append the private key, or name its file with `kmipClientKeyFile`.";
    TlsKeyPassword = 83,
        "The private key is encrypted, and the password is missing or wrong, or the file with the password cannot be used.",
        "Give the password with `kmipClientCertificatePasswordFile`, in a file that only its owner can read.";
    KmipUnresolved = 84,
        "The name of the KMIP server has no address.",
        "Correct `kmipServerName`, or the name service.";
    KmipUnreachable = 85,
        "The KMIP server cannot be reached, or the connection breaks.",
        "Start it, or correct `kmipServerName` and `kmipPort`, or the firewall.";
    KmipTimeout = 86,
        "The KMIP server does not answer in time.",
        "See to the KMIP server, or raise `kmipConnectTimeoutMS` or `kmipConnectRetries`.";
    KmipServerUntrusted = 87,
        "The KMIP server's certificate is not trusted or has expired.",
        "Give its certificate authority with `kmipServerCAFile`, or renew the certificate.";
    KmipServerName = 88,
        "The KMIP server's certificate is for another host name.",
        "Use a name that is in the certificate as `kmipServerName`.";
    KmipClientRefused = 89,
        "The KMIP server refuses the client certificate.",
        "Have a certificate issued that the KMIP server trusts, or renew it.";
    KmipTls = 90,
        "TLS with the KMIP server fails in another way, for instance without a common version.",
        "See the message; the server must offer TLS 1.2 or 1.3.";
    KmipProtocol = 91,
        "The KMIP server's answer is not KMIP, or in no version that is spoken here.",
        "See whether host and port are those of a KMIP server.";
    KmipRefused = 92,
        "The KMIP server refuses an operation.",
        "Grant the client of the certificate what the message names.";
    KeyNotFound = 93,
        "The master key is not on the KMIP server.",
        "Correct `keyIdentifier` or the server; a key that was destroyed must be restored there.";
    KeyAmbiguous = 94,
        "Several keys on the KMIP server have the name given as `keyIdentifier`.",
        "Give the unique identifier of the one that is meant.";
    KeyNotActive = 95,
        "The master key is not in the state Active, and `activateKeys` is not off.",
        "Activate the key on the KMIP server, or start with `--kmipActivateKeys false`.";
    KeyUnusable = 96,
        "The object on the KMIP server is not a symmetric AES key of 256 bits in raw form.",
        "Give the identifier of a key that is.";
    ServerUnreachable = 97,
        "The tool cannot reach the running database server, or it does not answer.",
        "Correct `--host`, or start the server.";
    CommandRefused = 98,
        "The running database server refused what the tool asked for.",
        "See the message.";
    KmipOutcomeUnknown = 99,
        "The KMIP server's answer to what was to change something was lost: it may have been done, or not.",
        "Look with the command that the message names; do not repeat it blindly.";
    BackupUnusable = 110,
        "The backup is damaged, or a backup or a restore did not finish.",
        "Do what the message says: take or use another backup, or repeat the restore.";
}

impl ExitStatus {
    /// The number that the process ends with.
    pub fn number(self) -> u8 {
        self as u8
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> ExitCode {
        ExitCode::from(status.number())
    }
}

/// The table of `docs/exit-statuses.md`.
pub fn markdown_table() -> String {
    let mut table = String::from("| status | name | when | what to do |\n|---|---|---|---|\n");
    for status in ALL {
        table.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            status.number(),
            status.name(),
            status.when(),
            status.advice()
        ));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_sorted_distinct_and_below_what_shells_use() {
        for pair in ALL.windows(2) {
            assert!(pair[0].number() < pair[1].number(), "{pair:?}");
        }
        assert!(ALL.iter().all(|status| status.number() < 126));
    }

    #[test]
    fn a_cell_of_the_table_cannot_break_it() {
        for status in ALL {
            for cell in [status.when(), status.advice()] {
                assert!(!cell.contains(['|', '\n']) && cell.ends_with('.'), "{cell}");
            }
        }
    }

    /// `UPDATE_DOCS=1 cargo test -p server exit` writes the page anew.
    #[test]
    fn the_documented_table_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/exit-statuses.md");
        let page = std::fs::read_to_string(path).unwrap();
        let head = page.split("| status |").next().unwrap();
        let expected = format!("{head}{}", markdown_table());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &expected).unwrap();
        } else {
            assert_eq!(
                page, expected,
                "run UPDATE_DOCS=1 cargo test -p server exit"
            );
        }
    }
}
