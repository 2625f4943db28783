//! A new file in the place of one that is full, or that somebody has renamed.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::directory::open_directory;
use super::error::{AuditFileError, io_error};
use super::head::with_suffix;
use super::resume::go_on;
use super::{AuditFile, State};

/// What the file that is about to take the place of a full one is called, after the log's own name.
const NEXT_SUFFIX: &str = ".next";

/// A rotation that fails is tried again when the file has grown by this part of its size.
const ROTATION_RETRIES: u64 = 16;

impl AuditFile {
    /// Goes on in a new file if the one that is open is no longer at its path.
    pub(in crate::audit) fn reopen(&self) -> Result<(), AuditFileError> {
        let mut state = self.state.lock();
        let ours = state
            .file
            .metadata()
            .map_err(io_error("look at", &self.path))?;
        match fs::metadata(&self.path) {
            Ok(there) if there.ino() == ours.ino() && there.dev() == ours.dev() => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io_error("look at", &self.path)(error)),
        }
        if let Err(source) = state.file.sync_data() {
            self.lose(state.last.seq);
            return Err(io_error("sync", &self.path)(source));
        }
        match go_on(&self.path, &self.key, Some(&state)) {
            Ok(next) => {
                *state = next;
                self.look_whether_full(&state);
            }
            Err(error) => {
                // The file that is open is somebody else's now: the next line waits for ours.
                self.broken.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
        Ok(())
    }

    /// The line that filled the file is in it: what goes wrong with the new file must not make it fail. The
    /// old file takes the next lines, and the rotation is tried again when it has grown some more.
    pub(super) fn rotate_or_go_on(&self, state: &mut State) -> Result<(), AuditFileError> {
        if let Err(source) = state.file.sync_data() {
            // That is no trouble with the rotation: the lines themselves may be lost.
            self.lose(state.last.seq);
            return Err(io_error("sync", &self.path)(source));
        }
        self.synced_seq.fetch_max(state.last.seq, Ordering::Release);
        if let Err(error) = self.rotate(state) {
            self.rotation_failures.add_one();
            if state.retry_at.is_none() {
                tracing::error!(%error, "the audit log is full and cannot be rotated; it grows until it can");
            }
            let more = (self.rotate_bytes / ROTATION_RETRIES).max(1);
            state.retry_at = Some(state.bytes.saturating_add(more));
        }
        Ok(())
    }

    /// Everything that needs a file descriptor or space comes before the first renaming.
    fn rotate(&self, state: &mut State) -> Result<(), AuditFileError> {
        let full = with_suffix(&self.path, &format!(".{:012}", state.first_seq));
        if fs::symlink_metadata(&full).is_ok() {
            let there = io::Error::from(io::ErrorKind::AlreadyExists);
            return Err(io_error("rename", &full)(there));
        }
        let next = with_suffix(&self.path, NEXT_SUFFIX);
        let file = OpenOptions::new()
            .append(true)
            .read(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&next)
            .map_err(io_error("open", &next))?;
        if file.metadata().map_err(io_error("look at", &next))?.len() > 0 {
            let there = io::Error::from(io::ErrorKind::AlreadyExists);
            return Err(io_error("make", &next)(there));
        }
        file.try_lock()
            .map_err(|error| io_error("lock", &next)(error.into()))?;
        let directory = open_directory(&self.path)?;
        fs::rename(&self.path, &full).map_err(io_error("rename", &self.path))?;
        if let Err(source) = fs::rename(&next, &self.path) {
            // The old file goes on. Where its name does not come back, the next line finds the place empty.
            if fs::rename(&full, &self.path).is_err() {
                self.broken.store(true, Ordering::Relaxed);
            }
            return Err(io_error("rename", &next)(source));
        }
        *state = State {
            file: Arc::new(file),
            first_seq: state.last.seq + 1,
            last: state.last.clone(),
            bytes: 0,
            head_seq: state.head_seq,
            retry_at: None,
        };
        if let Err(error) = directory.sync_all() {
            // The names may be lost with the power: the next line is written when they are safe.
            tracing::error!(%error, "the directory of the audit log cannot be synced");
            self.broken.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}
