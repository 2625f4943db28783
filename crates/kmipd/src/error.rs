//! Why a command failed, and with which status.

use std::io;
use std::net::SocketAddr;

use thiserror::Error;

use crate::audit::{AuditFileError, Broken};
use crate::config::ConfigError;
use crate::exit::ExitStatus;
use crate::kek::KekError;
use crate::pki::PkiError;

/// Why a command failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The key-encryption key.
    #[error(transparent)]
    Kek(#[from] KekError),
    /// The audit log.
    #[error(transparent)]
    Audit(#[from] AuditFileError),
    /// The audit log is not whole.
    #[error("the audit log is NOT whole: {0}")]
    Broken(#[from] Broken),
    /// Certificates.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// A certificate file.
    #[error(transparent)]
    Tls(#[from] tls::Error),
    /// The server.
    #[error(transparent)]
    Server(#[from] kmip_server::Error),
    /// The listener for metrics.
    #[error("metrics.listen: cannot listen on {address}: {source}")]
    Metrics {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The first event cannot be audited.
    #[error("the audit log cannot be written")]
    NotAudited,
    /// A backup.
    #[error(transparent)]
    Backup(#[from] crate::backup::BackupError),
    /// A secret of TLS that others can read.
    #[error("{option}: {problem}")]
    Exposed {
        /// The option that names the file.
        option: &'static str,
        /// The file, and what to do.
        problem: String,
    },
    /// The command line.
    #[error("{0}")]
    Usage(String),
    /// The system.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
}

impl Error {
    /// The status to end with.
    pub fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Config(error) if error.is_about_the_file() => ExitStatus::ConfigFile,
            Self::Config(_) | Self::Usage(_) => ExitStatus::Usage,
            Self::Kek(_) => ExitStatus::KeyEncryptionKey,
            Self::Audit(_) | Self::NotAudited => ExitStatus::Audit,
            Self::Broken(_) => ExitStatus::AuditBroken,
            Self::Pki(PkiError::Tls(_) | PkiError::Exposed(_))
            | Self::Tls(_)
            | Self::Exposed { .. } => ExitStatus::Certificates,
            Self::Pki(_) => ExitStatus::Usage,
            Self::Server(kmip_server::Error::Tls(_)) => ExitStatus::Certificates,
            Self::Server(kmip_server::Error::Store(error)) if error.is_about_the_key() => {
                ExitStatus::KeyEncryptionKey
            }
            Self::Server(kmip_server::Error::Store(_)) | Self::Backup(_) => ExitStatus::Store,
            Self::Server(kmip_server::Error::Listen { .. }) | Self::Metrics { .. } => {
                ExitStatus::CannotListen
            }
            Self::Server(_) | Self::System { .. } => ExitStatus::Failure,
        }
    }
}
