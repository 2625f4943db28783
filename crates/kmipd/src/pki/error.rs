//! What can go wrong with certificates.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// What went wrong.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PkiError {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A certificate or key file cannot be used, or written.
    #[error(transparent)]
    Tls(#[from] tls::Error),
    /// A certificate cannot be issued.
    #[error("cannot issue a certificate: {0}")]
    Issue(#[from] rcgen::Error),
    /// A certificate that was issued cannot be read.
    #[error("a certificate that was issued cannot be read: {0}")]
    Unreadable(String),
    /// Others can read the authority's key.
    #[error("{0}")]
    Exposed(String),
    /// Another command is at it.
    #[error("another kmipd command works on {} and does not end: try again when it has", directory.display())]
    Busy {
        /// The directory.
        directory: PathBuf,
    },
    /// The authority's key cannot be encrypted.
    #[error("the authority's key cannot be encrypted: {0}")]
    Encrypt(String),
    /// The passphrase cannot be read.
    #[error("{0}")]
    Passphrase(String),
    /// Not a name for a client.
    #[error(
        "\"{name}\" cannot be a client's name: 1 to 64 letters, digits, \"-\", \"_\", \".\" and \"@\", not beginning with \".\" or \"-\""
    )]
    Name {
        /// The beginning of the name.
        name: String,
    },
    /// There is such a client already.
    #[error(
        "there is a client \"{name}\" already; \"kmipd client renew {name}\" issues a new certificate to it"
    )]
    ClientExists {
        /// The name.
        name: String,
    },
    /// There is no such client.
    #[error("there is no client \"{name}\" with a certificate that is not revoked")]
    NoClient {
        /// The name.
        name: String,
    },
    /// The directory is not one of `kmipd init`.
    #[error("{} was not made by \"kmipd init\": {} is missing", directory.display(), missing.display())]
    NotInitialised {
        /// The directory.
        directory: PathBuf,
        /// What is missing.
        missing: PathBuf,
    },
    /// The directory is in use.
    #[error("{} is not empty; \"kmipd init\" wants a directory of its own", directory.display())]
    NotEmpty {
        /// The directory.
        directory: PathBuf,
    },
    /// The index is damaged.
    #[error("{} is damaged: {problem}", path.display())]
    Index {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Something that was asked for is not possible.
    #[error("{0}")]
    Invalid(String),
}

impl PkiError {
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}
