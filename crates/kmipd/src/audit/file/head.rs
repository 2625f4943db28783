//! The note of how far the chain has come.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::super::line::Link;
use super::error::{AuditFileError, io_error};

/// What the file with the end of the chain is called, after the log's own name.
pub const HEAD_SUFFIX: &str = ".head";

/// The file with the end of the chain.
pub(in crate::audit) fn head_path(path: &Path) -> PathBuf {
    with_suffix(path, HEAD_SUFFIX)
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut longer = path.as_os_str().to_owned();
    longer.push(suffix);
    longer.into()
}

/// What it says; `None` if there is none, or none that can be read.
pub(in crate::audit) fn read_head(path: &Path) -> Option<Link> {
    serde_json::from_slice(&fs::read(head_path(path)).ok()?).ok()
}

pub(super) fn write_head(path: &Path, head: &Link) -> Result<(), AuditFileError> {
    let path = head_path(path);
    let failed = io_error("write the head of", &path);
    let text = serde_json::to_vec(head).map_err(|error| failed(error.into()))?;
    tls::write_private(&path, &text).map_err(|error| failed(io::Error::other(error)))
}
