//! Directories and files that only their owner may read.

use std::io;
use std::path::Path;

/// Makes the directory and those above it, mode 0700.
///
/// # Errors
/// What the operating system says.
pub fn make_directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}
