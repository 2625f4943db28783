//! Why there is no playground.

use std::io;
use std::path::{Path, PathBuf};

use crate::exit::ExitStatus;
use crate::startup::StartupError;

/// A reason why the playground does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DevError {
    /// The directory has something else in it.
    #[error(
        "{} is neither empty nor the directory of a playground: give another one with --dir",
        directory.display()
    )]
    NotAPlayground {
        /// The directory.
        directory: PathBuf,
    },
    /// Another playground runs in it.
    #[error("a playground runs in {} already: stop it, or give another directory with --dir", directory.display())]
    Running {
        /// The directory.
        directory: PathBuf,
    },
    /// The system refused to read or write.
    #[error("cannot {operation} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        operation: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The port that was asked for cannot be listened on.
    #[error("cannot listen on port {port}: {source}; give another one with --port, or none")]
    PortTaken {
        /// The port.
        port: u16,
        /// Why not.
        source: io::Error,
    },
    /// The certificates.
    #[error("the playground's certificates: {0}")]
    Pki(#[from] tls::Error),
    /// The KMIP server of the playground.
    #[error("the playground's KMIP server: {0}")]
    KmipServer(anyhow::Error),
    /// The database does not start.
    #[error(transparent)]
    Startup(#[from] StartupError),
    /// The database ended with an error.
    #[error(transparent)]
    Database(anyhow::Error),
}

impl DevError {
    pub(super) fn io<'a>(
        operation: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(io::Error) -> DevError + use<'a> {
        move |source| DevError::Io {
            operation,
            path: path.to_path_buf(),
            source,
        }
    }

    /// What the process ends with.
    pub fn exit_status(&self) -> ExitStatus {
        match self {
            DevError::NotAPlayground { .. } | DevError::Io { .. } => ExitStatus::DbpathUnusable,
            DevError::Running { .. } => ExitStatus::DbpathLocked,
            DevError::PortTaken { .. } => ExitStatus::CannotListen,
            DevError::Pki(_) => ExitStatus::TlsFileInvalid,
            DevError::Startup(error) => error.exit_status(),
            DevError::KmipServer(_) | DevError::Database(_) => ExitStatus::Internal,
        }
    }
}
