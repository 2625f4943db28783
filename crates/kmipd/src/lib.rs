//! `kmipd`: the KMIP server of the crate `kmip-server` with what production needs around it.
//!
//! - [`config`]: the YAML file. [`policy`]: tenants, roles and clients of it. [`roles`]: groups of operations.
//! - [`kek`]: where the key-encryption key comes from.
//! - [`backup`]: copies of the objects; `admin`: the socket by which the running server is asked for them.
//! - [`audit`]: the hash-chained log, and the proof that it is whole.
//! - [`pki`]: the certificate authority behind `kmipd init`, `client` and `server`.
//! - `serve`: the running server: signals, metrics, systemd; `restart`: which options a reload cannot change.
//!
//! The commands are in `commands`, one file each.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

mod admin;
pub mod audit;
pub mod backup;
mod commands;
pub mod config;
mod error;
pub mod exit;
pub mod files;
mod harden;
pub mod kek;
mod metrics;
pub mod password;
pub mod pki;
pub mod policy;
mod restart;
pub mod roles;
mod secret;
mod serve;

pub use commands::main;
pub use error::Error;
