//! The files of a checkpoint, gathered in the dbpath before they are copied away.
//!
//! Tables never change: they are hard links, so that gathering them takes neither time nor space,
//! and they stay whatever the engine merges and removes meanwhile. What does change is copied.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::engine::Tree;
use crate::error::{Error, Result};
use crate::keys::TreeId;
use crate::store::{format, tree_path};

/// Where it is, in the dbpath.
const DIRECTORY: &str = "checkpoint";

/// A staging area. Removed when dropped.
pub(super) struct Staging {
    directory: PathBuf,
}

impl Staging {
    /// An empty one. What an interrupted checkpoint left is removed. Blocks.
    pub(super) fn create(dbpath: &Path) -> Result<Self> {
        remove_staging(dbpath)?;
        let directory = dbpath.join(DIRECTORY);
        format::create_private_directory(&directory)?;
        Ok(Self { directory })
    }

    /// Where the files of `tree` are.
    fn tree(&self, tree: TreeId) -> PathBuf {
        self.directory.join(tree.to_string())
    }

    /// Gathers a tree as it is now, in place of what was gathered of it before. Blocks.
    pub(super) fn stage_open(&self, id: TreeId, tree: &dyn Tree) -> Result<()> {
        self.remove(id)?;
        tree.checkpoint(&self.tree(id))
    }

    /// Gathers a tree that is closed, and that nobody opens meanwhile. Blocks.
    pub(super) fn stage_closed(&self, id: TreeId, dbpath: &Path) -> Result<()> {
        self.remove(id)?;
        gather(&tree_path(dbpath, id), &self.tree(id))
    }

    /// Takes a tree out again. Blocks.
    pub(super) fn remove(&self, tree: TreeId) -> Result<()> {
        remove_directory(&self.tree(tree))
    }

    /// The files of all trees: where they are, and what they are to be called. Blocks.
    pub(super) fn files(&self) -> Result<Vec<StagedFile>> {
        let mut files = Vec::new();
        list(&self.directory, "trees", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if let Err(error) = remove_directory(&self.directory) {
            tracing::warn!(%error, "left for the next start to remove");
        }
    }
}

/// A file of a checkpoint.
pub(super) struct StagedFile {
    pub(super) source: PathBuf,
    /// Relative to the backup.
    pub(super) path: String,
    pub(super) bytes: u64,
}

/// Removes the staging area of a checkpoint that was interrupted. Blocks.
pub(in crate::store) fn remove_staging(dbpath: &Path) -> Result<()> {
    remove_directory(&dbpath.join(DIRECTORY))
}

fn remove_directory(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io(
            format!("removing {}", directory.display()),
            error,
        )),
        _ => Ok(()),
    }
}

/// The files of the closed tree in `from`: tables linked, the log and the list of tables copied.
fn gather(from: &Path, to: &Path) -> Result<()> {
    let context = || format!("reading {}", from.display());
    format::create_private_directory(to)?;
    let are_tables = from.file_name().is_some_and(|name| name == "sstables");
    for entry in fs::read_dir(from).map_err(|source| Error::io(context(), source))? {
        let entry = entry.map_err(|source| Error::io(context(), source))?;
        let kind = entry
            .file_type()
            .map_err(|source| Error::io(context(), source))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if kind.is_dir() {
            gather(&source, &target)?;
        } else if entry.file_name() != "LOCK" {
            if are_tables && fs::hard_link(&source, &target).is_ok() {
                continue;
            }
            fs::copy(&source, &target)
                .map_err(|error| Error::io(format!("copying {}", source.display()), error))?;
        }
    }
    Ok(())
}

fn list(directory: &Path, below: &str, files: &mut Vec<StagedFile>) -> Result<()> {
    let context = || format!("reading {}", directory.display());
    for entry in fs::read_dir(directory).map_err(|source| Error::io(context(), source))? {
        let entry = entry.map_err(|source| Error::io(context(), source))?;
        let metadata = entry
            .metadata()
            .map_err(|source| Error::io(context(), source))?;
        let path = format!("{below}/{}", entry.file_name().to_string_lossy());
        if metadata.is_dir() {
            list(&entry.path(), &path, files)?;
        } else {
            files.push(StagedFile {
                source: entry.path(),
                path,
                bytes: metadata.len(),
            });
        }
    }
    Ok(())
}
