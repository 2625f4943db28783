//! The dbpath as it is found: its lock, and what it holds. Nothing is written here.

use std::fs::File;
use std::io;
use std::path::Path;

use keystore::{Header, Keystore};
use rustix::fs::{Access, FlockOperation, access, flock};

use super::StartupError;

/// Keeps other processes out of a dbpath while start-up decides and creates: two starts on one fresh
/// dbpath must not create two master keys. A lock on the directory itself, so that a refused start
/// leaves nothing behind. Given up when dropped.
#[derive(Debug)]
pub struct DbpathLock {
    directory: File,
}

impl DbpathLock {
    /// Takes the lock of an existing directory that can be read and written.
    ///
    /// # Errors
    /// [`StartupError::Dbpath`], [`StartupError::Locked`].
    pub fn take(dbpath: &Path) -> Result<DbpathLock, StartupError> {
        let unusable = |problem: String| StartupError::Dbpath {
            dbpath: dbpath.to_path_buf(),
            problem,
        };
        let directory = File::open(dbpath).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                unusable("it does not exist; create the directory, or correct --dbpath".into())
            }
            _ => unusable(format!("it cannot be opened: {error}")),
        })?;
        let metadata = directory
            .metadata()
            .map_err(|error| unusable(format!("it cannot be read: {error}")))?;
        if !metadata.is_dir() {
            return Err(unusable("it is not a directory".into()));
        }
        access(dbpath, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).map_err(|error| {
            unusable(format!(
                "it cannot be read and written by this user: {error}; correct its owner or permissions"
            ))
        })?;
        match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(StartupError::Locked {
                    dbpath: dbpath.to_path_buf(),
                });
            }
            // Some network file systems cannot lock directories; the store's own lock file remains.
            Err(error) => tracing::debug!(%error, "Cannot lock the directory of the dbpath"),
        }
        Ok(DbpathLock { directory })
    }
}

impl Drop for DbpathLock {
    fn drop(&mut self) {
        // Closing the file is not enough while a child process that is being started has a copy of it.
        let _ = flock(&self.directory, FlockOperation::Unlock);
    }
}

/// What a dbpath holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DbpathState {
    /// Nothing was ever stored in it.
    Empty,
    /// Data that is not encrypted.
    Plain,
    /// A keystore that announces a master key, and no data yet: a start was interrupted.
    Announced(Header),
    /// Encrypted data, or a keystore that is ready for it.
    Encrypted(Header),
}

/// Looks at what a dbpath holds, without changing anything.
pub(crate) fn inspect(dbpath: &Path) -> Result<DbpathState, StartupError> {
    // Before the keystore: it may be there, and the data not.
    storage::backup::check_complete(dbpath)?;
    if let Some(header) = Keystore::inspect(dbpath)? {
        return Ok(match header.master_key() {
            Some(_) => DbpathState::Encrypted(header),
            None => DbpathState::Announced(header),
        });
    }
    match storage::Store::inspect(dbpath)? {
        storage::DbpathState::Empty => Ok(DbpathState::Empty),
        storage::DbpathState::Plain => Ok(DbpathState::Plain),
        storage::DbpathState::Encrypted => Err(StartupError::KeystoreMissing {
            dbpath: dbpath.to_path_buf(),
        }),
    }
}
