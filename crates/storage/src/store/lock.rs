//! One process at a time.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::error::{Error, Result};

/// The file's name.
pub(crate) const FILE: &str = "strongroom.lock";

/// The lock of a dbpath, which an open store holds. Given up when dropped, and by a crash.
#[derive(Debug)]
pub struct DbpathLock(File);

impl DbpathLock {
    /// Takes the lock of the dbpath, an existing directory, for work on its files while no store has it open.
    ///
    /// # Errors
    /// [`InUse`](Error::InUse), [`Io`](Error::Io).
    pub fn take(path: &Path) -> Result<Self> {
        take(path)
    }
}

impl Drop for DbpathLock {
    fn drop(&mut self) {
        // Closing the file is not enough while a child process that is being started has a copy of it.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

/// Takes the lock of the dbpath. The file says which process has it.
pub(crate) fn take(path: &Path) -> Result<DbpathLock> {
    let file = path.join(FILE);
    let context = || format!("locking {}", file.display());
    let mut opened = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&file)
        .map_err(|source| Error::io(context(), source))?;
    match flock(&opened, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => {
            return Err(Error::InUse {
                path: path.to_owned(),
            });
        }
        Err(error) => return Err(Error::io(context(), error.into())),
    }
    opened
        .set_len(0)
        .and_then(|()| writeln!(opened, "{}", std::process::id()))
        .map_err(|source| Error::io(context(), source))?;
    Ok(DbpathLock(opened))
}
