//! The crate against files on disk and over connections in memory.

mod dev_pki;
mod handshake;
mod identity;
mod reload;
mod trust;

use std::path::{Path, PathBuf};

/// A file of `tests/data`, made with OpenSSL 3.0 (`tests/data/README.md`).
fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}
