//! Forces the file to the disk while the request that needs it waits for the objects' sync: two syncs at the same
//! time take less than one after the other.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex};

use super::file::AuditFile;

/// A thread that syncs when it is asked to.
#[derive(Debug)]
pub(super) struct Syncer {
    asked: Arc<Asked>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Asked {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_wanted: bool,
    has_ended: bool,
}

impl Syncer {
    pub(super) fn start(file: Arc<AuditFile>) -> io::Result<Self> {
        let asked = Arc::new(Asked::default());
        let own = asked.clone();
        let thread = std::thread::Builder::new()
            .name("audit-sync".to_owned())
            .spawn(move || {
                while own.wait() {
                    // Who waits for it asks again, and is told what went wrong.
                    let _ = file.sync();
                }
            })?;
        Ok(Self {
            asked,
            thread: Some(thread),
        })
    }

    /// Begins to force what has been written so far to the disk. Does not wait: [`AuditFile::sync_to`] does, and finds the
    /// work done or under way.
    pub(super) fn begin(&self) {
        self.asked.state.lock().is_wanted = true;
        self.asked.changed.notify_one();
    }
}

impl Asked {
    /// Whether there is something to do; false at the end.
    fn wait(&self) -> bool {
        let mut state = self.state.lock();
        while !state.is_wanted && !state.has_ended {
            self.changed.wait(&mut state);
        }
        std::mem::take(&mut state.is_wanted)
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.asked.state.lock().has_ended = true;
        self.asked.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::ChainKey;
    use super::*;

    #[test]
    fn syncs_when_it_is_asked_to_and_ends() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.log");
        let file = Arc::new(AuditFile::open(&path, ChainKey::none(), 0).unwrap());
        let syncer = Syncer::start(file.clone()).unwrap();
        for seq in 1..=20 {
            file.append(r#"{"time":"t","event":"operation"}"#).unwrap();
            syncer.begin();
            while file.synced_seq() < seq {
                std::thread::yield_now();
            }
        }
        drop(syncer);
        // The thread has given up the file.
        assert_eq!(Arc::strong_count(&file), 1);
    }
}
