//! Why the server does not start.

use std::path::{Path, PathBuf};

use keystore::provider::key_file::KeyFileError;
use keystore::provider::kmip::KmipKeyError;
use keystore::rotation::RotationError;
use keystore::{Cipher, MasterKeyRef, Provider};
use kmip_client::ErrorKind;

use crate::exit::ExitStatus;

/// A reason not to start. The message says what was wrong, where, and what to do;
/// [`StartupError::exit_status`] is what the process ends with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartupError {
    /// The dbpath cannot be used at all.
    #[error("the dbpath {} cannot be used: {problem}", dbpath.display())]
    Dbpath {
        /// The dbpath.
        dbpath: PathBuf,
        /// Why, and what to do.
        problem: String,
    },
    /// Another process has it.
    #[error("the dbpath {} is in use by another process; stop it, or use another dbpath", dbpath.display())]
    Locked {
        /// The dbpath.
        dbpath: PathBuf,
    },
    /// It is encrypted, and encryption was not asked for.
    #[error(
        "the dbpath {} is encrypted ({master_key}), and encryption was not asked for: start with \
         --enableEncryption (security.enableEncryption) and the options of that master key", dbpath.display()
    )]
    Encrypted {
        /// The dbpath.
        dbpath: PathBuf,
        /// The master key that its keystore names.
        master_key: String,
    },
    /// It was prepared for encryption by a start that was interrupted, and encryption was not asked for.
    #[error(
        "the dbpath {} was prepared for encryption by a start that was interrupted; it holds no data yet, but a \
         master key may have been created for it. Start with encryption again, or, to use it without, remove \
         its file `keystore`", dbpath.display()
    )]
    PreparedForEncryption {
        /// The dbpath.
        dbpath: PathBuf,
    },
    /// It is not encrypted, and encryption was asked for.
    #[error(
        "the dbpath {} holds data that is not encrypted, and --enableEncryption (security.enableEncryption) was \
         given: encryption is settled when a dbpath is first used. Start without it, or dump the data and \
         restore it into an empty dbpath", dbpath.display()
    )]
    NotEncrypted {
        /// The dbpath.
        dbpath: PathBuf,
    },
    /// Its data is encrypted, and there is no keystore.
    #[error(
        "the dbpath {} holds encrypted data, but its file `keystore` is missing: restore the file from a backup \
         of this dbpath; the data cannot be read without it", dbpath.display()
    )]
    KeystoreMissing {
        /// The dbpath.
        dbpath: PathBuf,
    },
    /// The keystore.
    #[error(transparent)]
    Keystore(#[from] keystore::Error),
    /// The store.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The identifier given is not the saved one.
    #[error(
        "--kmipKeyIdentifier (security.kmip.keyIdentifier) is `{given}`, but the dbpath {} is encrypted with the \
         {saved}: remove the option, or give that identifier", dbpath.display()
    )]
    IdentifierMismatch {
        /// The dbpath.
        dbpath: PathBuf,
        /// What was given.
        given: String,
        /// The master key that the keystore names.
        saved: String,
    },
    /// The provider asked for is not the saved one.
    #[error(
        "the dbpath {} is encrypted with a master key from another provider ({saved}) than the one that was \
         asked for ({asked}): give the options of that one, or put it under a key of the new one with \
         `strongroom keys migrate`", dbpath.display()
    )]
    ProviderMismatch {
        /// The dbpath.
        dbpath: PathBuf,
        /// The master key that the keystore names.
        saved: String,
        /// The provider that was asked for.
        asked: Provider,
    },
    /// The cipher asked for is not the saved one.
    #[error(
        "--encryptionCipherMode (security.encryptionCipherMode) is {asked}, but the dbpath {} is encrypted with \
         {saved}: remove the option, or give that cipher", dbpath.display()
    )]
    CipherMismatch {
        /// The dbpath.
        dbpath: PathBuf,
        /// What the keystore says.
        saved: Cipher,
        /// What was given.
        asked: Cipher,
    },
    /// Rotation where there is nothing to rotate.
    #[error(
        "--kmipRotateMasterKey (security.kmip.rotateMasterKey) was given, but the dbpath {} has no keystore yet: \
         start without the option first", dbpath.display()
    )]
    NothingToRotate {
        /// The dbpath.
        dbpath: PathBuf,
    },
    /// The master key was not changed.
    #[error(transparent)]
    Rotation(#[from] RotationError),
    /// The KMIP key that was given is not the key of the key file.
    #[error(
        "the dbpath {} is encrypted with the key of a key file, and the key {given} on the KMIP server is another \
         one: `strongroom keys migrate` puts the data under it, or give the key file again \
         (security.encryptionKeyFile)", dbpath.display()
    )]
    OtherThanKeyFile {
        /// The dbpath.
        dbpath: PathBuf,
        /// The key that was given.
        given: String,
    },
    /// A migration where there is nothing to migrate.
    #[error(
        "the dbpath {} has no keystore yet: there is nothing to migrate; start the server with the new \
         configuration", dbpath.display()
    )]
    NothingToMigrate {
        /// The dbpath.
        dbpath: PathBuf,
    },
    /// A revocation where there has been no other master key.
    #[error(
        "the dbpath {} has no keystore yet: there is no master key of before to revoke", dbpath.display()
    )]
    NothingToRevoke {
        /// The dbpath.
        dbpath: PathBuf,
    },
    /// A revocation without a server to revoke at.
    #[error(
        "the configuration has its master key from a key file (security.encryptionKeyFile) and names no KMIP server: \
         revoke the key with `strongroom kmip revoke`, which does not know what of this dbpath may need it"
    )]
    NoKmipServer,
    /// A migration from a place to itself.
    #[error(
        "the two configurations have their master key from the same place: there is nothing to migrate to. For \
         another key there, rotate (`strongroom keys rotate`, or --kmipRotateMasterKey)"
    )]
    NothingToMigrateTo,
    /// Databases would be locked.
    #[error(
        "{databases} database(s) have a master key of their own that would not be available afterwards: {problem}. \
         Put the key on the new KMIP server, or the database under the server's master key first \
         (`strongroom keys set --db NAME --default`)"
    )]
    OwnKeysLeftBehind {
        /// How many.
        databases: usize,
        /// What is wrong with one of the keys.
        problem: String,
    },
    /// A certificate or key file.
    #[error("{option}: {source}")]
    Tls {
        /// The option that names the file.
        option: &'static str,
        /// What is wrong with it.
        source: tls::Error,
    },
    /// Our certificate has expired.
    #[error(
        "--kmipClientCertificateFile (security.kmip.clientCertificateFile): the certificate in {} expired at \
         {not_after}; have a new one issued", path.display()
    )]
    ClientCertificateExpired {
        /// The file.
        path: PathBuf,
        /// When, as RFC 3339.
        not_after: String,
    },
    /// The key file.
    #[error("--encryptionKeyFile (security.encryptionKeyFile): {0}")]
    KeyFile(#[from] KeyFileError),
    /// The KMIP server, or the key on it.
    #[error(transparent)]
    Kmip(#[from] KmipKeyError),
    /// The KMIP server, or the key on it, failed after a Name had been announced in the dbpath: nothing
    /// is lost, and the next start goes on.
    #[error(
        "{source}. A master key named {name} may have been created there; the dbpath remembers the name, and \
         the next start will find the key"
    )]
    Interrupted {
        /// The Name.
        name: String,
        /// What failed.
        source: KmipKeyError,
    },
}

impl StartupError {
    /// What the process ends with.
    pub fn exit_status(&self) -> ExitStatus {
        match self {
            StartupError::Dbpath { .. } => ExitStatus::DbpathUnusable,
            StartupError::Locked { .. } => ExitStatus::DbpathLocked,
            StartupError::Encrypted { .. } | StartupError::PreparedForEncryption { .. } => {
                ExitStatus::DbpathEncrypted
            }
            StartupError::NotEncrypted { .. } => ExitStatus::DbpathNotEncrypted,
            StartupError::KeystoreMissing { .. } => ExitStatus::KeystoreCorrupt,
            StartupError::Keystore(error) => of_keystore(error),
            StartupError::Storage(error) => storage_exit_status(error),
            StartupError::IdentifierMismatch { .. } => ExitStatus::KeyIdentifierMismatch,
            StartupError::ProviderMismatch { .. } => ExitStatus::ProviderMismatch,
            StartupError::CipherMismatch { .. } => ExitStatus::CipherMismatch,
            StartupError::NothingToRotate { .. }
            | StartupError::NothingToMigrate { .. }
            | StartupError::NothingToMigrateTo
            | StartupError::NothingToRevoke { .. }
            | StartupError::NoKmipServer
            | StartupError::OwnKeysLeftBehind { .. } => ExitStatus::RotationRefused,
            StartupError::Rotation(error) => of_rotation(error),
            StartupError::OtherThanKeyFile { .. } => ExitStatus::WrongMasterKey,
            StartupError::Tls { source, .. } => of_tls(source),
            StartupError::ClientCertificateExpired { .. } => ExitStatus::KmipClientRefused,
            StartupError::KeyFile(_) => ExitStatus::KeyFile,
            StartupError::Kmip(error) | StartupError::Interrupted { source: error, .. } => {
                of_kmip(error)
            }
        }
    }
}

fn of_keystore(error: &keystore::Error) -> ExitStatus {
    match error {
        keystore::Error::Corrupt { .. } | keystore::Error::NotFound { .. } => {
            ExitStatus::KeystoreCorrupt
        }
        keystore::Error::Tampered { .. } => ExitStatus::KeystoreTampered,
        keystore::Error::WrongKey { .. } => ExitStatus::WrongMasterKey,
        keystore::Error::NewerFormat { .. } => ExitStatus::NewerFormat,
        keystore::Error::Io { .. } => ExitStatus::DbpathUnusable,
        keystore::Error::TooLong { .. } => ExitStatus::BadOptions,
        _ => ExitStatus::Internal,
    }
}

/// The exit status for a store that does not open.
pub fn storage_exit_status(error: &storage::Error) -> ExitStatus {
    match error {
        storage::Error::InUse { .. } => ExitStatus::DbpathLocked,
        storage::Error::FormatTooNew { .. } => ExitStatus::NewerFormat,
        storage::Error::EncryptionMismatch { encrypted, .. } => match encrypted {
            true => ExitStatus::DbpathEncrypted,
            false => ExitStatus::DbpathNotEncrypted,
        },
        storage::Error::NotADbpath { .. } => ExitStatus::DbpathForeign,
        storage::Error::WrongKey { .. } | storage::Error::Locked { .. } => ExitStatus::DataCorrupt,
        storage::Error::Incomplete { .. } => ExitStatus::BackupUnusable,
        _ => ExitStatus::Internal,
    }
}

fn of_rotation(error: &RotationError) -> ExitStatus {
    match error {
        RotationError::Keystore(error) | RotationError::RevokedOnly { source: error, .. } => {
            of_keystore(error)
        }
        RotationError::Kmip(error) | RotationError::Interrupted { source: error, .. } => {
            of_kmip(error)
        }
        RotationError::KeyFile(_) => ExitStatus::KeyFile,
        _ => ExitStatus::RotationRefused,
    }
}

/// The exit status for a certificate or key file.
pub(crate) fn of_tls(error: &tls::Error) -> ExitStatus {
    use tls::Error;
    match error {
        Error::Missing { .. } | Error::Unreadable { .. } | Error::NoRoots { .. } => {
            ExitStatus::TlsFileMissing
        }
        Error::NoPrivateKey { .. } | Error::KeyMismatch { .. } => ExitStatus::TlsKeyMissing,
        Error::PasswordMissing { .. } | Error::PasswordWrong { .. } => ExitStatus::TlsKeyPassword,
        _ => ExitStatus::TlsFileInvalid,
    }
}

fn of_kmip(error: &KmipKeyError) -> ExitStatus {
    match error {
        KmipKeyError::Client(error) => of_kmip_client(error.kind()),
        KmipKeyError::NotFound { .. } => ExitStatus::KeyNotFound,
        KmipKeyError::Ambiguous { .. } => ExitStatus::KeyAmbiguous,
        KmipKeyError::NotActive { .. } => ExitStatus::KeyNotActive,
        KmipKeyError::Unusable { .. } | KmipKeyError::CannotWrap { .. } => ExitStatus::KeyUnusable,
        KmipKeyError::NotOffered { .. } | KmipKeyError::NotUnwrapped { .. } => {
            ExitStatus::KmipRefused
        }
        _ => ExitStatus::Internal,
    }
}

/// The exit status for a KMIP server that does not do what it was asked.
pub(crate) fn of_kmip_client(kind: &ErrorKind) -> ExitStatus {
    match kind {
        ErrorKind::Configuration => ExitStatus::BadOptions,
        ErrorKind::Resolve => ExitStatus::KmipUnresolved,
        ErrorKind::Connect | ErrorKind::ConnectionLost => ExitStatus::KmipUnreachable,
        ErrorKind::TlsUntrusted => ExitStatus::KmipServerUntrusted,
        ErrorKind::TlsWrongName => ExitStatus::KmipServerName,
        ErrorKind::TlsClientRefused => ExitStatus::KmipClientRefused,
        ErrorKind::TlsOther => ExitStatus::KmipTls,
        ErrorKind::Timeout | ErrorKind::Cancelled => ExitStatus::KmipTimeout,
        ErrorKind::Protocol | ErrorKind::NoCommonVersion => ExitStatus::KmipProtocol,
        ErrorKind::AuthenticationFailed | ErrorKind::Refused { .. } => ExitStatus::KmipRefused,
        ErrorKind::NotFound => ExitStatus::KeyNotFound,
        ErrorKind::UnusableKey => ExitStatus::KeyUnusable,
        ErrorKind::AmbiguousName => ExitStatus::KeyAmbiguous,
        _ => ExitStatus::Internal,
    }
}

/// A master key for messages.
pub(crate) fn describe(key: Option<&MasterKeyRef>) -> String {
    key.map_or_else(|| "unknown master key".to_owned(), ToString::to_string)
}

/// What is wrong with a file of the TLS options, with the option that names it.
pub(crate) fn in_tls_file(error: tls::Error, files: Option<&tls::IdentityFiles>) -> StartupError {
    const CA: &str = "--kmipServerCAFile (security.kmip.serverCAFile)";
    const CERTIFICATE: &str = "--kmipClientCertificateFile (security.kmip.clientCertificateFile)";
    const KEY: &str = "--kmipClientKeyFile (security.kmip.clientKeyFile)";
    let option = match files {
        None => CA,
        Some(files)
            if files
                .key
                .as_deref()
                .is_some_and(|key| concerns(&error, key)) =>
        {
            KEY
        }
        Some(_) => CERTIFICATE,
    };
    StartupError::Tls {
        option,
        source: error,
    }
}

fn concerns(error: &tls::Error, file: &Path) -> bool {
    use tls::Error;
    match error {
        Error::Missing { path }
        | Error::Unreadable { path, .. }
        | Error::TooLarge { path, .. }
        | Error::NotPem { path, .. }
        | Error::Malformed { path, .. }
        | Error::NoPrivateKey { path, .. }
        | Error::PasswordMissing { path }
        | Error::PasswordWrong { path }
        | Error::Unsupported { path, .. } => path == file,
        Error::KeyMismatch { key, .. } => key == file,
        _ => false,
    }
}
