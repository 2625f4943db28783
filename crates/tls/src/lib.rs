#![doc = include_str!("../README.md")]
//!
//! # Where things are
//!
//! - [`IdentityFiles`]: a certificate chain and its private key, in one file or in two, the key
//!   encrypted or not.
//! - [`Trust`]: the system's trusted roots plus a CA file.
//! - [`ClientTls`], [`ServerTls`]: the two above as [`rustls`] configurations (TLS 1.2 and 1.3,
//!   mutual authentication, RSA, P-256, P-384, P-521 and Ed25519 through aws-lc-rs).
//! - [`Reloading`]: reads the files again when they change, and keeps the last good ones when the
//!   new ones cannot be used.
//! - [`dev_pki`]: a certificate authority for the playground and for tests.
//!
//! Every [`Error`] names the file and says what to do; none holds key material or a password.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

mod certificate;
mod client;
mod crl;
pub mod dev_pki;
mod error;
mod file;
mod identity;
mod password;
mod private_key;
mod reload;
mod server;
mod trust;

pub use certificate::CertificateInfo;
pub use client::{ClientTls, LoadedClient};
pub use crl::{CertificateId, RevocationLists};
pub use error::{Error, Result};
pub use file::{MAX_FILE_BYTES, mode_open_to_others, write_private};
pub use identity::{Identity, IdentityFiles};
pub use password::Password;
pub use private_key::load as load_private_key;
pub use reload::{Current, Reloading};
pub use server::{ClientAuth, LoadedServer, ServerTls};
pub use trust::Trust;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// The cryptography every configuration of this crate uses, whatever the process default is.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    use std::sync::OnceLock;
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER
        .get_or_init(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .clone()
}
