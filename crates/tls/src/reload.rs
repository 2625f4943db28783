//! Files that are read again when they change: client certificates may live for a day only.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;

use crate::{Error, Result};

/// A value made of files, made again when one of them has another modification time or size.
pub struct Reloading<T> {
    paths: Vec<PathBuf>,
    load: Box<dyn Fn() -> Result<T> + Send + Sync>,
    state: Mutex<State<T>>,
}

struct State<T> {
    stamps: Vec<Stamp>,
    value: Arc<T>,
}

/// What tells a changed file from an unchanged one; `None` when there is none to look at.
type Stamp = Option<(SystemTime, u64, u64)>;

/// The value as of now.
pub struct Current<T> {
    /// Made of the newest files that could be used.
    pub value: Arc<T>,
    /// The files have changed, but the new ones cannot be used: `value` is the one before.
    pub stale: Option<Error>,
}

impl<T> Reloading<T> {
    /// Loads the value. `paths` are the files that `load` reads.
    ///
    /// # Errors
    /// What `load` says: there is nothing to fall back on yet.
    pub fn new(
        paths: Vec<PathBuf>,
        load: impl Fn() -> Result<T> + Send + Sync + 'static,
    ) -> Result<Self> {
        // Stamps first: a file that changes between the two is read again, not missed.
        let stamps = stamps(&paths);
        let value = Arc::new(load()?);
        Ok(Self {
            paths,
            load: Box::new(load),
            state: Mutex::new(State { stamps, value }),
        })
    }

    /// Loads the value again, whether a file has changed or not.
    ///
    /// # Errors
    /// What the files are; the last good value stays.
    pub fn reload(&self) -> Result<Arc<T>> {
        let stamps = stamps(&self.paths);
        let value = Arc::new((self.load)()?);
        *self.state.lock() = State {
            stamps,
            value: value.clone(),
        };
        Ok(value)
    }

    /// The value, loaded again if a file has changed. Costs a `stat` for each file; reads them
    /// only after a change. If the new files cannot be used (key and certificate are replaced
    /// one after the other, say), the last good value stays, and the next call tries again.
    pub fn current(&self) -> Current<T> {
        let stamps = stamps(&self.paths);
        let mut state = self.state.lock();
        if state.stamps == stamps {
            return Current {
                value: state.value.clone(),
                stale: None,
            };
        }
        match (self.load)() {
            Ok(value) => {
                *state = State {
                    stamps,
                    value: Arc::new(value),
                };
                Current {
                    value: state.value.clone(),
                    stale: None,
                }
            }
            Err(error) => Current {
                value: state.value.clone(),
                stale: Some(error),
            },
        }
    }
}

impl<T> fmt::Debug for Reloading<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloading")
            .field("paths", &self.paths)
            .finish_non_exhaustive()
    }
}

fn stamps(paths: &[PathBuf]) -> Vec<Stamp> {
    paths
        .iter()
        .map(|path| {
            let metadata = std::fs::metadata(path).ok()?;
            #[cfg(unix)]
            let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
            #[cfg(not(unix))]
            let inode = 0;
            Some((metadata.modified().ok()?, metadata.len(), inode))
        })
        .collect()
}
