//! A backup: a copy of a dbpath as of one instant, and what describes it.
//!
//! ```text
//! strongroom.format   as in a dbpath
//! keystore            encrypted dbpaths only: the data keys of the files here, wrapped
//! trees/<32 hex>/     as in a dbpath: the files are sealed under the same data keys
//! backup.json         the manifest: what is here, and which master key opens it; written last
//! ```
//!
//! So a backup is a dbpath that a server can be started on. It is made by
//! [`Store::checkpoint`](crate::Store::checkpoint), checked by [`verify`] and copied back by
//! [`restore`]. The manifest is in clear, as the files' names are: neither says what the databases
//! are called.
//!
//! While a backup is written or restored, the directory holds `strongroom.incomplete`, and no
//! server starts on it.

mod copy;
mod incomplete;
mod manifest;
mod restore;
mod verify;

use std::path::Path;

pub(crate) use copy::{copy_file, create_directory, digest_file, sync_directories};
pub(crate) use incomplete::Incomplete;
pub use manifest::{DatabaseKey, FileEntry, MANIFEST_FILE, Manifest, MasterKey};
pub(crate) use manifest::{KEYSTORE_FILE, rfc3339};
pub use restore::restore;
pub use verify::{Problem, Verification, verify};

use crate::error::Result;

/// How far a backup, a restore or a verification came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Progress {
    /// Files that are done.
    pub files: u64,
    /// Files in all.
    pub files_total: u64,
    /// Bytes that are done.
    pub bytes: u64,
    /// Bytes in all.
    pub bytes_total: u64,
}

/// Refuses a directory in which a backup or a restore did not finish.
/// [`Incomplete`](crate::Error::Incomplete), [`Io`](crate::Error::Io).
pub fn check_complete(path: &Path) -> Result<()> {
    Incomplete::check(path)
}
