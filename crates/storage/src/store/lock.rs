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

/// The lock of a dbpath. Given up when dropped, and by a crash.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough while a child process that is being started has a copy of it.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

/// Takes the lock of the dbpath. The file says which process has it.
pub(crate) fn take(path: &Path) -> Result<Lock> {
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
    Ok(Lock(opened))
}
