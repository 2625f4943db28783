//! The directory that the names of the files are in.

use std::fs::File;
use std::path::Path;

use super::error::{AuditFileError, io_error};

pub(super) fn sync_directory(path: &Path) -> Result<(), AuditFileError> {
    open_directory(path)?
        .sync_all()
        .map_err(io_error("sync the directory of", path))
}

pub(super) fn open_directory(path: &Path) -> Result<File, AuditFileError> {
    File::open(directory_of(path)).map_err(io_error("open the directory of", path))
}

/// The directory that a file is in.
pub(super) fn directory_of(path: &Path) -> &Path {
    path.parent()
        .filter(|directory| !directory.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."))
}
