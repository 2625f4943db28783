//! Copying a backup to where a server is to run on it.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use super::copy::{copy_file, create_directory, sync_directories};
use super::manifest::{KEYSTORE_FILE, Manifest};
use super::{Incomplete, Progress};
use crate::error::{Error, Result};
use crate::store::{FORMAT_FILE, LOCK_FILE, sync_directory, take_lock};

/// Copies the backup in `from` to `dbpath`, which must not exist, be empty, or hold a restore that
/// was interrupted: that one is begun anew. Every file is checked against its digest while it is
/// copied, and synced. Until the last one is there, the dbpath is marked and no server starts on
/// it; so it stays after an error. `progress` may stop it with an error. Blocks.
///
/// # Errors
///
/// [`NotABackup`](Error::NotABackup), [`Incomplete`](Error::Incomplete) for the backup;
/// [`NotEmpty`](Error::NotEmpty), [`InUse`](Error::InUse) for the dbpath;
/// [`BackupDamaged`](Error::BackupDamaged) for a file that is not what was written;
/// [`Io`](Error::Io).
pub fn restore(
    from: &Path,
    dbpath: &Path,
    progress: &mut dyn FnMut(Progress) -> Result<()>,
) -> Result<Manifest> {
    let manifest = Manifest::read(from)?;
    prepare(dbpath)?;
    let _lock = take_lock(dbpath)?;
    // Once more, now that nobody else can be at it.
    prepare(dbpath)?;
    clear_interrupted(dbpath)?;
    Incomplete::Restore.set(dbpath)?;
    let mut at = Progress {
        files_total: manifest.files.len() as u64,
        bytes_total: manifest.bytes,
        ..Progress::default()
    };
    let mut made = BTreeSet::new();
    for file in &manifest.files {
        let (source, target) = (from.join(&file.path), dbpath.join(&file.path));
        if let Some(directory) = target.parent() {
            create_directory(dbpath, directory, &mut made)?;
        }
        let damaged = |problem: String| Error::BackupDamaged {
            path: from.to_owned(),
            file: file.path.clone(),
            problem,
        };
        let copied = copy_file(&source, &target, &mut |bytes| {
            at.bytes += bytes;
            progress(at)
        });
        let copied = match copied {
            Ok(copied) => copied,
            Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                return Err(damaged("it is missing".to_owned()));
            }
            Err(error) => return Err(error),
        };
        if copied.bytes != file.bytes {
            return Err(damaged(format!(
                "it has {} bytes, and had {} when the backup was made",
                copied.bytes, file.bytes
            )));
        }
        if copied.sha256 != file.sha256 {
            return Err(damaged(
                "its SHA-256 is not what it was when the backup was made".to_owned(),
            ));
        }
        at.files += 1;
    }
    progress(at)?;
    sync_directories(dbpath, &made)?;
    Incomplete::clear(dbpath)?;
    Ok(manifest)
}

/// Refuses a directory that is in use for something, and creates one that is not there.
fn prepare(dbpath: &Path) -> Result<()> {
    let not_empty = |found: &str| {
        Err(Error::NotEmpty {
            path: dbpath.to_owned(),
            found: found.to_owned(),
        })
    };
    let context = || format!("reading {}", dbpath.display());
    let entries = match fs::read_dir(dbpath) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs::DirBuilder::new()
                .mode(0o700)
                .create(dbpath)
                .map_err(|source| Error::io(format!("creating {}", dbpath.display()), source))?;
            return match dbpath.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => sync_directory(parent),
                _ => Ok(()),
            };
        }
        Err(source) => return Err(Error::io(context(), source)),
    };
    match Incomplete::read(dbpath)? {
        Some(Incomplete::Backup) => return not_empty("an interrupted backup"),
        Some(Incomplete::Restore) => return Ok(()),
        None => {}
    }
    for entry in entries {
        let name = entry
            .map_err(|source| Error::io(context(), source))?
            .file_name();
        // What a file system keeps for itself, and what a start that was refused left.
        if name != "lost+found" && name != LOCK_FILE {
            return not_empty(&name.to_string_lossy());
        }
    }
    Ok(())
}

/// Removes what an interrupted restore left, and nothing else.
fn clear_interrupted(dbpath: &Path) -> Result<()> {
    let removed = |what: &str, result: std::io::Result<()>| match result {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io(
            format!("removing {}", dbpath.join(what).display()),
            error,
        )),
        _ => Ok(()),
    };
    if Incomplete::read(dbpath)?.is_none() {
        return Ok(());
    }
    removed("trees", fs::remove_dir_all(dbpath.join("trees")))?;
    removed(KEYSTORE_FILE, fs::remove_file(dbpath.join(KEYSTORE_FILE)))?;
    removed(FORMAT_FILE, fs::remove_file(dbpath.join(FORMAT_FILE)))
}
