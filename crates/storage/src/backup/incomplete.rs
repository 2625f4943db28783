//! The file that says that a directory is not yet what it is to become. It is there before the
//! first file and goes after the last one, each step durable.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::error::{Error, Result};
use crate::store::sync_directory;

/// Its name.
const FILE: &str = "strongroom.incomplete";
/// It is never longer, in bytes.
const MAX_BYTES: u64 = 1024;

/// What is under way in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Incomplete {
    Backup,
    Restore,
}

impl Incomplete {
    fn word(self) -> &'static str {
        match self {
            Incomplete::Backup => "backup",
            Incomplete::Restore => "restore",
        }
    }

    /// What is under way in `directory`, if anything is. A marker that cannot be understood was
    /// being written itself: nothing else was there yet.
    pub(crate) fn read(directory: &Path) -> Result<Option<Self>> {
        let path = directory.join(FILE);
        let mut text = Vec::new();
        match File::open(&path) {
            Ok(file) => file
                .take(MAX_BYTES)
                .read_to_end(&mut text)
                .map_err(|source| Error::io(format!("reading {}", path.display()), source))?,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::io(format!("reading {}", path.display()), source)),
        };
        let is_backup = text.starts_with(Incomplete::Backup.word().as_bytes());
        Ok(Some(if is_backup {
            Incomplete::Backup
        } else {
            Incomplete::Restore
        }))
    }

    /// Refuses a directory that has the marker.
    pub(super) fn check(directory: &Path) -> Result<()> {
        match Self::read(directory)? {
            None => Ok(()),
            Some(what) => Err(Error::Incomplete {
                path: directory.to_owned(),
                what: what.word(),
            }),
        }
    }

    /// Sets the marker. Blocks.
    pub(crate) fn set(self, directory: &Path) -> Result<()> {
        let path = directory.join(FILE);
        let text = format!(
            "{}\nThis {} did not finish, or is still running: the files here are not all there.\n",
            self.word(),
            self.word()
        );
        let write = || {
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        write().map_err(|source| Error::io(format!("writing {}", path.display()), source))?;
        sync_directory(directory)
    }

    /// Removes the marker: all is there, and durable. Blocks.
    pub(crate) fn clear(directory: &Path) -> Result<()> {
        let path = directory.join(FILE);
        match fs::remove_file(&path) {
            Ok(()) => sync_directory(directory),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(source) => Err(Error::io(format!("removing {}", path.display()), source)),
        }
    }

    /// Whether a file of this name is the marker.
    pub(crate) fn is_marker(name: &std::ffi::OsStr) -> bool {
        name == FILE
    }
}
