//! What can be wrong with the files, told apart.

use std::path::PathBuf;

use thiserror::Error;

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a file cannot be used. Each message names the file and says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such file.
    #[error("the file {} does not exist", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file is there but cannot be read: permissions, a directory, an I/O error.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is larger than any PEM file that makes sense.
    #[error("{} is larger than {limit_bytes} bytes, which no PEM file of certificates is", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// [`crate::MAX_FILE_BYTES`].
        limit_bytes: u64,
    },
    /// The file has no PEM block at all.
    #[error("{} is not a PEM file (no \"-----BEGIN ...-----\" in it){hint}", path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
        /// What it looks like instead and how to convert it; may be empty.
        hint: &'static str,
    },
    /// The file has PEM blocks, but one cannot be decoded.
    #[error("{} is damaged: {detail}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The file is PEM, but holds no certificate.
    #[error("{} holds no certificate (it has: {found})", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
        /// The labels of the blocks it does have.
        found: String,
    },
    /// The file is PEM, but holds no revocation list.
    #[error("{} holds no certificate revocation list (it has: {found})", path.display())]
    NoRevocationList {
        /// The file.
        path: PathBuf,
        /// The labels of the blocks it does have.
        found: String,
    },
    /// The file is PEM, but holds no private key.
    #[error(
        "{} holds no private key (it has: {found}); append the key to it or name the file that \
         has the key", path.display()
    )]
    NoPrivateKey {
        /// The file.
        path: PathBuf,
        /// The labels of the blocks it does have.
        found: String,
    },
    /// The private key is encrypted and no password was given.
    #[error("the private key in {} is encrypted and no password was given for it", path.display())]
    PasswordMissing {
        /// The file.
        path: PathBuf,
    },
    /// The password does not decrypt the private key.
    #[error("the password given for the private key in {} is wrong", path.display())]
    PasswordWrong {
        /// The file.
        path: PathBuf,
    },
    /// The key, certificate or encryption is of a kind that is not supported.
    #[error("{}: {what} is not supported; {advice}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The kind.
        what: String,
        /// What to do, a command where there is one.
        advice: String,
    },
    /// The private key belongs to none of the certificates.
    #[error(
        "the private key in {} does not belong to any certificate in {}",
        key.display(), certificate.display()
    )]
    KeyMismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the private key.
        key: PathBuf,
    },
    /// A certificate in the file cannot be parsed or used.
    #[error("a certificate in {} cannot be used: {detail}", path.display())]
    BadCertificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// No trusted root: no CA file was given and the system has none either.
    #[error(
        "there is no trusted root certificate: the system has none{detail}, and no CA file was given"
    )]
    NoRoots {
        /// What went wrong with the system's; may be empty.
        detail: String,
    },
    /// rustls does not accept the configuration.
    #[error("the TLS configuration cannot be used: {0}")]
    Configuration(#[from] rustls::Error),
    /// A certificate could not be issued ([`crate::dev_pki`]).
    #[error("cannot issue a certificate: {0}")]
    Issue(#[from] rcgen::Error),
    /// A file could not be written ([`crate::dev_pki`]).
    #[error("cannot write {}: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}
