//! The file: appended to, synced, rotated, and gone on with after a crash.
//!
//! ```text
//! audit.log              lines, each tied to the one before
//! audit.log.SEQ          a file that was full; SEQ is the number of its first line
//! audit.log.next         empty: the file that takes the place of a full one, for the moment before it does
//! audit.log.head         {"seq":…,"hash":…}: how far the chain had come when it was last forced to the disk
//! ```

mod directory;
mod error;
mod head;
mod resume;
mod rotate;
#[cfg(test)]
mod tests;

pub use error::AuditFileError;
pub use head::HEAD_SUFFIX;
pub(super) use head::{head_path, read_head};

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kmip_server::Counter;
use parking_lot::Mutex;

use super::line::{self, ChainKey, Link, MAX_LINE_BYTES};
use error::io_error;
use head::write_head;
use resume::go_on;

/// The file, shared by all threads.
#[derive(Debug)]
pub(super) struct AuditFile {
    path: PathBuf,
    key: ChainKey,
    rotate_bytes: u64,
    state: Mutex<State>,
    /// Held while somebody syncs: whoever waits for it finds the work done.
    syncing: Mutex<()>,
    synced_seq: AtomicU64,
    /// Up to which line a sync has failed: the system may have forgotten them, and says so once only.
    lost_seq: AtomicU64,
    broken: AtomicBool,
    rotation_failures: Counter,
}

#[derive(Debug)]
struct State {
    file: Arc<File>,
    last: Link,
    /// How long the file is.
    bytes: u64,
    /// The number of its first line.
    first_seq: u64,
    /// What the head file says.
    head_seq: u64,
    /// After a rotation that failed: how long the file is when it is tried again.
    retry_at: Option<u64>,
}

impl AuditFile {
    pub(super) fn open(
        path: &Path,
        key: ChainKey,
        rotate_bytes: u64,
    ) -> Result<Self, AuditFileError> {
        if let Some(directory) = path.parent() {
            crate::files::make_directory(directory)
                .map_err(io_error("make the directory of", path))?;
        }
        let state = go_on(path, &key, None)?;
        Ok(Self {
            path: path.to_owned(),
            key,
            rotate_bytes,
            state: Mutex::new(state),
            syncing: Mutex::default(),
            synced_seq: AtomicU64::new(0),
            lost_seq: AtomicU64::new(0),
            broken: AtomicBool::new(false),
            rotation_failures: Counter::default(),
        })
    }

    pub(super) fn last_seq(&self) -> u64 {
        self.state.lock().last.seq
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// How often the file was full and could not be replaced by a new one.
    pub(super) fn rotation_failures(&self) -> &Counter {
        &self.rotation_failures
    }

    /// Writes a line, and returns it. It is not on the disk yet ([`AuditFile::sync`]).
    pub(super) fn append(&self, body: &str) -> Result<String, AuditFileError> {
        let mut state = self.state.lock();
        self.recover_locked(&mut state)?;
        let (mut text, link) = line::make(&self.key, &state.last, body);
        text.push('\n');
        if let Err(source) = (&*state.file).write_all(text.as_bytes()) {
            // A part of the line may be there.
            self.broken.store(true, Ordering::Relaxed);
            return Err(io_error("write", &self.path)(source));
        }
        state.last = link;
        state.bytes += text.len() as u64;
        if self.rotate_bytes > 0 && state.bytes >= state.retry_at.unwrap_or(self.rotate_bytes) {
            self.rotate_or_go_on(&mut state)?;
        }
        text.pop();
        Ok(text)
    }

    /// Returns when everything that has been written is on the disk. Those that come at the same time share one sync.
    /// Lines that one sync could not write stay lost for all who wait for them, whatever a later one says.
    pub(super) fn sync(&self) -> Result<(), AuditFileError> {
        let (wanted, _) = self.written();
        let _syncing = self.syncing.lock();
        if self.synced_seq.load(Ordering::Acquire) >= wanted {
            return Ok(());
        }
        let lost = self.lost_seq.load(Ordering::Acquire);
        if lost >= wanted {
            let told = io::Error::other("an earlier sync of the same lines has failed");
            return Err(io_error("sync", &self.path)(told));
        }
        let (seq, file) = self.written();
        if let Err(source) = file.sync_data() {
            self.lose(seq);
            return Err(io_error("sync", &self.path)(source));
        }
        self.synced_seq.fetch_max(seq, Ordering::Release);
        Ok(())
    }

    /// The last line that is known to be on the disk.
    #[cfg(test)]
    pub(super) fn synced_seq(&self) -> u64 {
        self.synced_seq.load(Ordering::Acquire)
    }

    /// What the system could not write it may have forgotten.
    fn lose(&self, seq: u64) {
        self.lost_seq.fetch_max(seq, Ordering::Release);
        self.broken.store(true, Ordering::Relaxed);
    }

    /// Whether the next line can be expected to be taken without waiting for the disk.
    pub(super) fn is_quick(&self) -> bool {
        if self.is_broken() {
            return false;
        }
        // Whoever holds it may be at a rotation, and that waits for the disk.
        self.state.try_lock().is_some_and(|state| {
            let full = state.retry_at.unwrap_or(self.rotate_bytes);
            self.rotate_bytes == 0 || state.bytes.saturating_add(MAX_LINE_BYTES as u64) < full
        })
    }

    /// As if the disk had been full in the middle of a line.
    #[cfg(test)]
    pub(super) fn break_off(&self, part: &[u8]) {
        let state = self.state.lock();
        (&*state.file).write_all(part).unwrap();
        self.broken.store(true, Ordering::Relaxed);
    }

    fn written(&self) -> (u64, Arc<File>) {
        let state = self.state.lock();
        (state.last.seq, state.file.clone())
    }

    /// Notes how far the chain has come on the disk.
    pub(super) fn write_head(&self) -> Result<(), AuditFileError> {
        let head = {
            let state = self.state.lock();
            if state.head_seq == state.last.seq {
                return Ok(());
            }
            state.last.clone()
        };
        self.sync()?;
        write_head(&self.path, &head)?;
        let mut state = self.state.lock();
        state.head_seq = state.head_seq.max(head.seq);
        Ok(())
    }

    /// After a failure: goes on behind what is in the file.
    pub(super) fn recover(&self) -> Result<(), AuditFileError> {
        self.recover_locked(&mut self.state.lock())
    }

    fn recover_locked(&self, state: &mut State) -> Result<(), AuditFileError> {
        if !self.is_broken() {
            return Ok(());
        }
        *state = go_on(&self.path, &self.key, Some(state))?;
        self.broken.store(false, Ordering::Relaxed);
        Ok(())
    }
}
