//! The file itself: reading it with a limit, replacing it atomically.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::failpoint;
use crate::format::{FormatError, MAX_FILE_LEN};

/// The keystore's name in the dbpath.
pub const FILE_NAME: &str = "keystore";
/// What a new keystore is called until it is complete and synced. A crash may leave it behind; the
/// next write removes it.
pub const TEMPORARY_FILE_NAME: &str = "keystore.tmp";
/// The copy of the last keystore that was under another master key. It opens with that key only.
pub const PREVIOUS_FILE_NAME: &str = "keystore.previous";

fn io_error<'a>(
    operation: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> Error + use<'a> {
    move |source| Error::Io {
        operation,
        path: path.to_path_buf(),
        source,
    }
}

/// Reads the keystore of `dbpath`; `None` if there is none. Never reads more than a keystore can have.
pub(crate) fn read(dbpath: &Path) -> Result<Option<Vec<u8>>, Error> {
    read_named(dbpath, FILE_NAME)
}

/// Reads a file in the keystore's format.
pub(crate) fn read_named(dbpath: &Path, name: &str) -> Result<Option<Vec<u8>>, Error> {
    let path = dbpath.join(name);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error("open", &path)(error)),
    };
    let metadata = file.metadata().map_err(io_error("read", &path))?;
    if metadata.len() > MAX_FILE_LEN as u64 {
        let problem = FormatError::TooLong {
            got: metadata.len(),
            limit: MAX_FILE_LEN,
        };
        return Err(Error::Corrupt { path, problem });
    }
    // One byte beyond the limit is enough for the decoder to refuse a file that grows meanwhile.
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    file.take(MAX_FILE_LEN as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(io_error("read", &path))?;
    Ok(Some(bytes))
}

/// Replaces the keystore of `dbpath`: afterwards the new content is durable, and after a crash at any
/// point there is either the old file or the new one, whole.
pub(crate) fn replace(dbpath: &Path, content: &[u8]) -> Result<(), Error> {
    replace_named(dbpath, FILE_NAME, content)
}

/// Keeps `content` as the copy of the previous keystore.
pub(crate) fn keep_previous(dbpath: &Path, content: &[u8]) -> Result<(), Error> {
    replace_named(dbpath, PREVIOUS_FILE_NAME, content)
}

fn replace_named(dbpath: &Path, name: &str, content: &[u8]) -> Result<(), Error> {
    let temporary = dbpath.join(TEMPORARY_FILE_NAME);
    let target = dbpath.join(name);
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(io_error("remove", &temporary)(error));
        }
        _ => {}
    }
    failpoint::hit("keystore.before_write");
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .map_err(io_error("create", &temporary))?;
    let (first, second) = content.split_at(content.len() / 2);
    file.write_all(first)
        .map_err(io_error("write", &temporary))?;
    failpoint::hit("keystore.half_written");
    file.write_all(second)
        .map_err(io_error("write", &temporary))?;
    file.sync_all().map_err(io_error("sync", &temporary))?;
    drop(file);
    failpoint::hit("keystore.synced");
    fs::rename(&temporary, &target).map_err(io_error("replace", &target))?;
    failpoint::hit("keystore.renamed");
    sync_directory(dbpath)
}

/// Removes the keystore of `dbpath`, durably.
pub(crate) fn remove(dbpath: &Path) -> Result<(), Error> {
    let path: PathBuf = dbpath.join(FILE_NAME);
    fs::remove_file(&path).map_err(io_error("remove", &path))?;
    sync_directory(dbpath)
}

/// Removes the copy of the previous keystore, durably; `false` if there is none.
pub(crate) fn remove_previous(dbpath: &Path) -> Result<bool, Error> {
    let path = dbpath.join(PREVIOUS_FILE_NAME);
    match fs::remove_file(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        removed => removed.map_err(io_error("remove", &path))?,
    }
    sync_directory(dbpath)?;
    Ok(true)
}

fn sync_directory(dbpath: &Path) -> Result<(), Error> {
    File::open(dbpath)
        .and_then(|directory| directory.sync_all())
        .map_err(io_error("sync", dbpath))
}
