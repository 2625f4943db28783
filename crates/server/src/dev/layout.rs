//! What lies where in the directory of a playground.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::DevError;

/// The playground's directory unless another one is given.
pub const DEFAULT_DIRECTORY: &str = "./dev-data";
/// The configuration file: also what a playground is recognised by.
const CONFIG: &str = "strongroomd.conf";

/// The directory of a playground.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// An existing playground, or a new one in a directory that is empty or not there yet (made with
    /// mode 0700).
    ///
    /// # Errors
    /// [`DevError::NotAPlayground`] for a directory with other things in it; [`DevError::Io`].
    pub fn open_or_create(directory: &Path) -> Result<Layout, DevError> {
        make_directory(directory)?;
        // Absolute, as the configuration file may be read from anywhere.
        let root = fs::canonicalize(directory).map_err(DevError::io("find", directory))?;
        let layout = Layout { root };
        if !layout.config().exists() && !is_ours(&layout.root)? {
            return Err(DevError::NotAPlayground {
                directory: layout.root,
            });
        }
        for part in [layout.dbpath(), layout.kmip_store()] {
            make_directory(&part)?;
        }
        Ok(layout)
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The database's files.
    pub fn dbpath(&self) -> PathBuf {
        self.root.join("data")
    }

    /// Certificates and their private keys.
    pub fn pki(&self) -> PathBuf {
        self.root.join("pki")
    }

    /// The KMIP server's keys, and the key that they are sealed under.
    pub fn kmip_store(&self) -> PathBuf {
        self.root.join("kmip")
    }

    /// The database's log.
    pub fn log(&self) -> PathBuf {
        self.root.join("strongroomd.log")
    }

    /// The configuration that the database runs with, written anew at each start.
    pub fn config(&self) -> PathBuf {
        self.root.join(CONFIG)
    }
}

/// Whether nothing but parts of a playground that was interrupted at its birth is there.
fn is_ours(root: &Path) -> Result<bool, DevError> {
    for entry in fs::read_dir(root).map_err(DevError::io("read", root))? {
        let name = entry.map_err(DevError::io("read", root))?.file_name();
        if !["data", "kmip", "pki", "strongroomd.log"]
            .iter()
            .any(|part| name == *part)
        {
            return Ok(false);
        }
    }
    Ok(true)
}

fn make_directory(path: &Path) -> Result<(), DevError> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        result => result.map_err(DevError::io("create the directory", path)),
    }
}
