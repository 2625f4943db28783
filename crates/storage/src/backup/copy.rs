//! Copying files so that they are whole, private, durable, and known by their digest.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use rustix::fs::OFlags;

use crate::error::{Error, Result};
use crate::store::sync_directory;

/// So much is read at a time, in bytes.
const CHUNK_BYTES: usize = 1 << 20;

/// The length and SHA-256 of what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) bytes: u64,
    pub(crate) sha256: [u8; 32],
}

/// Copies a regular file to a new one that only its owner can read, and syncs it. `chunk` hears how
/// many bytes were copied, and stops it with an error.
pub(crate) fn copy_file(
    from: &Path,
    to: &Path,
    chunk: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<Contents> {
    let failed = |source| Error::io(format!("writing {}", to.display()), source);
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .map_err(failed)?;
    let contents = read_file(from, &mut |bytes| {
        out.write_all(bytes).map_err(failed)?;
        chunk(bytes.len() as u64)
    })?;
    out.sync_all().map_err(failed)?;
    Ok(contents)
}

/// Reads a regular file.
pub(crate) fn digest_file(
    path: &Path,
    chunk: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<Contents> {
    read_file(path, &mut |bytes| chunk(bytes.len() as u64))
}

fn read_file(path: &Path, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<Contents> {
    let failed = |source| Error::io(format!("reading {}", path.display()), source);
    // Neither a link that leads elsewhere, nor a pipe that nobody writes to.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.cast_signed())
        .open(path)
        .map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(failed(std::io::Error::new(
            ErrorKind::InvalidInput,
            "not a regular file",
        )));
    }
    let mut digest = Context::new(&SHA256);
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut bytes = 0;
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(source) => return Err(failed(source)),
        };
        let read = buffer.get(..read).unwrap_or_default();
        digest.update(read);
        bytes += read.len() as u64;
        each(read)?;
    }
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(digest.finish().as_ref());
    Ok(Contents { bytes, sha256 })
}

/// Creates the directory and those above it below `root`, which exists, and remembers them.
pub(crate) fn create_directory(
    root: &Path,
    directory: &Path,
    made: &mut BTreeSet<PathBuf>,
) -> Result<()> {
    if directory == root || made.contains(directory) {
        return Ok(());
    }
    if let Some(parent) = directory.parent() {
        create_directory(root, parent, made)?;
    }
    match DirBuilder::new().mode(0o700).create(directory) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(source) => {
            let context = format!("creating {}", directory.display());
            return Err(Error::io(context, source));
        }
    }
    made.insert(directory.to_owned());
    Ok(())
}

/// Makes the names in `root` and in the directories that were made below it durable.
pub(crate) fn sync_directories(root: &Path, made: &BTreeSet<PathBuf>) -> Result<()> {
    for directory in made.iter().rev() {
        sync_directory(directory)?;
    }
    sync_directory(root)
}

/// Writes a file as a whole: under another name first, synced, renamed, the directory synced.
pub(super) fn write_file(directory: &Path, name: &str, contents: &[u8]) -> Result<()> {
    let temporary = directory.join(format!("{name}.new"));
    let write = || {
        let mut file: File = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(contents)?;
        file.sync_all()?;
        std::fs::rename(&temporary, directory.join(name))
    };
    write().map_err(|source| Error::io(format!("writing {}", temporary.display()), source))?;
    sync_directory(directory)
}
