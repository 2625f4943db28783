//! Where a backup goes.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use document::ErrorCode;

use crate::backup::{Incomplete, KEYSTORE_FILE, MANIFEST_FILE};
use crate::error::{Error, Result};
use crate::store::{FORMAT_FILE, sync_directory};

/// A directory that is being filled. Unless it is [`kept`](Self::keep), what was put there is
/// removed when it is dropped.
pub(super) struct Destination {
    path: PathBuf,
    was_created: bool,
    is_kept: bool,
}

impl Destination {
    /// Checks `wanted`, creates it if it is not there, and marks it as incomplete. Blocks.
    pub(super) fn prepare(wanted: &Path, dbpath: &Path) -> Result<Self> {
        let path = resolve(wanted)?;
        let dbpath = dbpath
            .canonicalize()
            .map_err(|source| Error::io(format!("resolving {}", dbpath.display()), source))?;
        if path.starts_with(&dbpath) || dbpath.starts_with(&path) {
            return Err(invalid(format!(
                "{} lies inside the dbpath or contains it: give a directory elsewhere, best on \
                 another disk",
                wanted.display()
            )));
        }
        let was_created = match fs::read_dir(&path) {
            Ok(entries) => {
                check_empty(&path, entries)?;
                false
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::DirBuilder::new()
                    .mode(0o700)
                    .create(&path)
                    .map_err(|source| Error::io(format!("creating {}", path.display()), source))?;
                path.parent().map_or(Ok(()), sync_directory)?;
                true
            }
            Err(error) if error.kind() == ErrorKind::NotADirectory => {
                return Err(invalid(format!("{} is not a directory", path.display())));
            }
            Err(source) => return Err(Error::io(format!("reading {}", path.display()), source)),
        };
        let destination = Self {
            path,
            was_created,
            is_kept: false,
        };
        Incomplete::Backup.set(&destination.path)?;
        Ok(destination)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// It is complete.
    pub(super) fn keep(mut self) -> Result<()> {
        // Whatever happens from here on: the files are all there.
        self.is_kept = true;
        Incomplete::clear(&self.path)
    }
}

impl Drop for Destination {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        // As far as it goes: what stays is marked.
        let temporary = format!("{MANIFEST_FILE}.new");
        let _ = fs::remove_dir_all(self.path.join("trees"));
        for file in [KEYSTORE_FILE, FORMAT_FILE, MANIFEST_FILE, &temporary] {
            let _ = fs::remove_file(self.path.join(file));
        }
        let is_empty = fs::read_dir(&self.path).is_ok_and(|entries| {
            let mut others = entries.map_while(std::result::Result::ok);
            others.all(|entry| Incomplete::is_marker(&entry.file_name()))
        });
        if is_empty {
            let _ = Incomplete::clear(&self.path);
            if self.was_created {
                let _ = fs::remove_dir(&self.path);
            }
        }
    }
}

fn invalid(message: String) -> Error {
    Error::refused(ErrorCode::InvalidPath, message)
}

/// The path without links and `..`, whether or not its last part exists.
fn resolve(wanted: &Path) -> Result<PathBuf> {
    if !wanted.is_absolute() {
        return Err(invalid("Destination path must be absolute".to_owned()));
    }
    match wanted.canonicalize() {
        Ok(path) => return Ok(path),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(source) => {
            return Err(invalid(format!("{}: {source}", wanted.display())));
        }
    }
    let (Some(parent), Some(name)) = (wanted.parent(), wanted.file_name()) else {
        return Err(invalid(format!("{} has no last part", wanted.display())));
    };
    let parent = parent.canonicalize().map_err(|source| {
        Error::refused(
            ErrorCode::NonExistentPath,
            format!(
                "{}: {source}: create the directory that is to hold the backup's",
                parent.display()
            ),
        )
    })?;
    Ok(parent.join(name))
}

fn check_empty(path: &Path, entries: fs::ReadDir) -> Result<()> {
    if Incomplete::read(path)?.is_some() {
        return Err(invalid(format!(
            "{} holds a backup or a restore that did not finish: remove it, or give another \
             directory",
            path.display()
        )));
    }
    for entry in entries {
        let entry =
            entry.map_err(|source| Error::io(format!("reading {}", path.display()), source))?;
        // What a file system keeps for itself.
        if entry.file_name() != "lost+found" {
            return Err(invalid(format!(
                "{} is not empty: each backup goes to a directory of its own",
                path.display()
            )));
        }
    }
    Ok(())
}
