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
use parking_lot::{Condvar, Mutex};

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
    /// Whether somebody syncs: whoever waits for it finds the work done.
    syncing: Mutex<bool>,
    synced: Condvar,
    synced_seq: AtomicU64,
    /// Up to which line a sync has failed: the system may have forgotten them, and says so once only.
    lost_seq: AtomicU64,
    broken: AtomicBool,
    /// The next line may fill the file.
    is_full: AtomicBool,
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
        let file = Self {
            path: path.to_owned(),
            key,
            rotate_bytes,
            state: Mutex::new(state),
            syncing: Mutex::default(),
            synced: Condvar::new(),
            synced_seq: AtomicU64::new(0),
            lost_seq: AtomicU64::new(0),
            broken: AtomicBool::new(false),
            is_full: AtomicBool::new(false),
            rotation_failures: Counter::default(),
        };
        file.look_whether_full(&file.state.lock());
        Ok(file)
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

    /// Writes a line, and returns it and its number. It is not on the disk yet ([`AuditFile::sync_to`]).
    pub(super) fn append(&self, body: &str) -> Result<(String, u64), AuditFileError> {
        let mut state = self.state.lock();
        self.recover_locked(&mut state)?;
        let (mut text, link) = line::make(&self.key, &state.last, body);
        text.push('\n');
        if let Err(source) = (&*state.file).write_all(text.as_bytes()) {
            // A part of the line may be there.
            self.broken.store(true, Ordering::Relaxed);
            return Err(io_error("write", &self.path)(source));
        }
        let seq = link.seq;
        state.last = link;
        state.bytes += text.len() as u64;
        if self.rotate_bytes > 0 && state.bytes >= self.full_at(&state) {
            self.rotate_or_go_on(&mut state)?;
        }
        self.look_whether_full(&state);
        text.pop();
        Ok((text, seq))
    }

    /// How long the file is, at least, when it is replaced by a new one.
    fn full_at(&self, state: &State) -> u64 {
        state.retry_at.unwrap_or(self.rotate_bytes)
    }

    /// To be called whenever the state has changed.
    fn look_whether_full(&self, state: &State) {
        let next = state.bytes.saturating_add(MAX_LINE_BYTES as u64);
        let is_full = self.rotate_bytes > 0 && next >= self.full_at(state);
        self.is_full.store(is_full, Ordering::Relaxed);
    }

    /// Returns when everything that has been written is on the disk.
    pub(super) fn sync(&self) -> Result<(), AuditFileError> {
        let (last, _) = self.written();
        self.sync_to(last)
    }

    /// Returns when the lines up to this one are on the disk. Those that come at the same time share one sync. Lines that
    /// one sync could not write stay lost for all who wait for them, whatever a later one says.
    pub(super) fn sync_to(&self, wanted: u64) -> Result<(), AuditFileError> {
        let mut syncing = self.syncing.lock();
        loop {
            if self.synced_seq.load(Ordering::Acquire) >= wanted {
                return Ok(());
            }
            if self.lost_seq.load(Ordering::Acquire) >= wanted {
                let told = io::Error::other("an earlier sync of the same lines has failed");
                return Err(io_error("sync", &self.path)(told));
            }
            if !*syncing {
                break;
            }
            self.synced.wait(&mut syncing);
        }
        *syncing = true;
        drop(syncing);
        let (seq, file) = self.written();
        let done = file.sync_data();
        match &done {
            Ok(()) => {
                self.synced_seq.fetch_max(seq, Ordering::Release);
            }
            Err(_) => self.lose(seq),
        }
        *self.syncing.lock() = false;
        self.synced.notify_all();
        done.map_err(io_error("sync", &self.path))
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

    /// Whether the next line can be expected to be taken without waiting for the disk: until a file that is full has been
    /// replaced, whoever has something to tell may have to wait for that.
    pub(super) fn is_quick(&self) -> bool {
        !self.is_broken() && !self.is_full.load(Ordering::Relaxed)
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
        self.look_whether_full(state);
        self.broken.store(false, Ordering::Relaxed);
        Ok(())
    }
}
