//! The file that says what a dbpath is: text, in clear, without secrets.
//!
//! ```text
//! strongroom dbpath
//! format: 1
//! encrypted: yes
//! server tree: 6f1c…
//! state: ready
//! ```
//!
//! It is replaced as a whole: written beside, synced, renamed, the directory synced.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::error::{Error, Result};
use crate::keys::TreeId;

/// The version that this code writes, and the newest that it reads.
const VERSION: u32 = 1;
/// The file's name.
pub(crate) const FILE: &str = "strongroom.format";
const TEMPORARY: &str = "strongroom.format.new";
const TITLE: &str = "strongroom dbpath";
/// No format file is longer, in bytes.
const MAX_BYTES: u64 = 4096;

/// How far the creation of a dbpath came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The server tree may be there in part. Nothing was stored.
    Creating,
    /// It is whole.
    Ready,
}

/// What the file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) encrypted: bool,
    /// The tree that names the databases; never changes.
    pub(super) server_tree: TreeId,
    pub(super) state: State,
}

impl Format {
    /// The format file of a dbpath, if it has one.
    pub(super) fn read(path: &Path) -> Result<Option<Self>> {
        let file = path.join(FILE);
        let context = || format!("reading {}", file.display());
        let mut text = String::new();
        match File::open(&file) {
            Ok(opened) => opened
                .take(MAX_BYTES)
                .read_to_string(&mut text)
                .map_err(|source| Error::io(context(), source))?,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::io(context(), source)),
        };
        Self::parse(path, &text).map(Some)
    }

    fn parse(path: &Path, text: &str) -> Result<Self> {
        let damaged = |what: &str| Error::NotADbpath {
            path: path.to_owned(),
            reason: format!("{FILE} is damaged ({what}): restore it from a backup"),
        };
        let mut lines = text.lines();
        if lines.next() != Some(TITLE) {
            return Err(damaged("it does not begin as it should"));
        }
        let mut field = |name: &str| {
            let line = lines.next().and_then(|line| line.strip_prefix(name));
            line.and_then(|line| line.strip_prefix(": "))
                .ok_or_else(|| damaged(name))
        };
        let version: u32 = field("format")?.parse().map_err(|_| damaged("format"))?;
        if version > VERSION {
            return Err(Error::FormatTooNew {
                path: path.to_owned(),
                got: version,
                supported: VERSION,
            });
        }
        let encrypted = match field("encrypted")? {
            "yes" => true,
            "no" => false,
            _ => return Err(damaged("encrypted")),
        };
        let server_tree = TreeId::from_hex(field("server tree")?);
        let server_tree = server_tree.ok_or_else(|| damaged("server tree"))?;
        let state = match field("state")? {
            "ready" => State::Ready,
            "creating" => State::Creating,
            _ => return Err(damaged("state")),
        };
        Ok(Self {
            encrypted,
            server_tree,
            state,
        })
    }

    fn text(&self) -> String {
        format!(
            "{TITLE}\nformat: {VERSION}\nencrypted: {}\nserver tree: {}\nstate: {}\n",
            if self.encrypted { "yes" } else { "no" },
            self.server_tree,
            match self.state {
                State::Creating => "creating",
                State::Ready => "ready",
            }
        )
    }

    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let temporary = path.join(TEMPORARY);
        let write = || {
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&temporary)?;
            file.write_all(self.text().as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&temporary, path.join(FILE))
        };
        write().map_err(|source| Error::io(format!("writing {}", temporary.display()), source))?;
        sync_directory(path)
    }
}

/// Refuses a directory without a format file that something else uses.
pub(super) fn check_unused(path: &Path) -> Result<()> {
    let used = |reason: String| {
        Err(Error::NotADbpath {
            path: path.to_owned(),
            reason,
        })
    };
    for file in ["WiredTiger", "WiredTiger.wt", "storage.bson"] {
        if path.join(file).exists() {
            return used(format!(
                "it holds {file}, as the dbpath of a mongod does: give an empty directory, and \
                 move the data with mongodump and mongorestore"
            ));
        }
    }
    if path.join("trees").exists() {
        return used(format!(
            "it holds trees but no {FILE}: restore that file from a backup, or give an empty \
             directory"
        ));
    }
    Ok(())
}

/// Creates a directory that only its owner can enter, if it is not there.
pub(super) fn create_private_directory(path: &Path) -> Result<()> {
    match std::fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => path.parent().map_or(Ok(()), sync_directory),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(Error::io(format!("creating {}", path.display()), source)),
    }
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(|source| Error::io(format!("syncing {}", path.display()), source))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: Format = Format {
        encrypted: true,
        server_tree: TreeId([7; 16]),
        state: State::Creating,
    };

    #[test]
    fn what_is_written_is_read() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Format::read(directory.path()).unwrap(), None);
        FORMAT.write(directory.path()).unwrap();
        assert_eq!(Format::read(directory.path()).unwrap(), Some(FORMAT));
        let ready = Format {
            state: State::Ready,
            encrypted: false,
            ..FORMAT
        };
        ready.write(directory.path()).unwrap();
        assert_eq!(Format::read(directory.path()).unwrap(), Some(ready));
    }

    #[test]
    fn a_newer_format_is_refused() {
        let text = FORMAT.text().replace("format: 1", "format: 2");
        let error = Format::parse(Path::new("/data"), &text).unwrap_err();
        assert!(
            matches!(
                error,
                Error::FormatTooNew {
                    got: 2,
                    supported: 1,
                    ..
                }
            ),
            "{error:?}"
        );
    }

    #[test]
    fn damage_is_refused() {
        let text = FORMAT.text();
        for damaged in [
            String::new(),
            text[..text.len() / 2].to_owned(),
            text.replace("yes", "maybe"),
            text.replace("07", "0x"),
            text.replace("creating", "done"),
            text.replace("strongroom", "weakroom"),
        ] {
            let error = Format::parse(Path::new("/data"), &damaged).unwrap_err();
            assert!(
                matches!(error, Error::NotADbpath { .. }),
                "{damaged}: {error:?}"
            );
        }
    }
}
