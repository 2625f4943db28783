//! Checking a backup against its manifest.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

use super::Progress;
use super::copy::digest_file;
use super::manifest::{MANIFEST_FILE, Manifest};
use crate::error::{Error, Result};

/// What [`verify`] found.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Verification {
    /// What the backup says of itself.
    pub manifest: Manifest,
    /// What is wrong with its files. Nothing: the backup is as it was written.
    pub problems: Vec<Problem>,
    /// Files that the manifest does not name: they are not restored.
    pub unexpected: Vec<String>,
}

/// What is wrong with a file of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The file, relative to the backup.
    pub file: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Problem {
    /// This is wrong with that file.
    pub fn new(file: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            problem: problem.into(),
        }
    }
}

/// Reads every file of the backup in `directory` and compares sizes and digests. `progress` may stop
/// it with an error. Blocks.
///
/// It finds damage, and changes that were made without care. A change with the digest made to match
/// is found when the backup is opened: every file is sealed under a data key.
///
/// # Errors
///
/// [`NotABackup`](Error::NotABackup), [`Incomplete`](Error::Incomplete), [`Io`](Error::Io).
pub fn verify(
    directory: &Path,
    progress: &mut dyn FnMut(Progress) -> Result<()>,
) -> Result<Verification> {
    let manifest = Manifest::read(directory)?;
    let mut at = Progress {
        files_total: manifest.files.len() as u64,
        bytes_total: manifest.bytes,
        ..Progress::default()
    };
    let mut problems = Vec::new();
    for file in &manifest.files {
        let mut problem = |problem: String| {
            problems.push(Problem::new(&*file.path, problem));
        };
        let read = digest_file(&directory.join(&file.path), &mut |bytes| {
            at.bytes += bytes;
            progress(at)
        });
        match read {
            Ok(read) if read.bytes != file.bytes => problem(format!(
                "it has {} bytes, and had {} when the backup was made",
                read.bytes, file.bytes
            )),
            Ok(read) if read.sha256 != file.sha256 => {
                problem("its SHA-256 is not what it was when the backup was made".to_owned());
            }
            Ok(_) => {}
            Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                problem("it is missing".to_owned());
            }
            Err(Error::Io { source, .. }) => problem(format!("it cannot be read: {source}")),
            // The caller stopped it.
            Err(error) => return Err(error),
        }
        at.files += 1;
    }
    progress(at)?;
    let named: BTreeSet<&str> = manifest.files.iter().map(|file| &*file.path).collect();
    let mut found = Vec::new();
    list(directory, "", &mut found)?;
    found.retain(|path| path != MANIFEST_FILE && !named.contains(&**path));
    found.sort();
    Ok(Verification {
        manifest,
        problems,
        unexpected: found,
    })
}

fn list(directory: &Path, below: &str, found: &mut Vec<String>) -> Result<()> {
    let context = || format!("reading {}", directory.display());
    for entry in std::fs::read_dir(directory).map_err(|source| Error::io(context(), source))? {
        let entry = entry.map_err(|source| Error::io(context(), source))?;
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        let kind = entry
            .file_type()
            .map_err(|source| Error::io(context(), source))?;
        // What a file system keeps for itself.
        if name == "lost+found" {
            continue;
        }
        if kind.is_dir() {
            list(&entry.path(), &format!("{name}/"), found)?;
        } else {
            found.push(name);
        }
    }
    Ok(())
}
