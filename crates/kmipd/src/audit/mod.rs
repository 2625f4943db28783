//! The audit log: what was done, by whom, to which object, with which result. Never material, never the values of
//! attributes.

mod event;
mod file;
mod line;
mod syncer;
mod syslog;
mod verify;

pub use event::{Note, NoteKind};
pub use file::{AuditFileError, HEAD_SUFFIX};
pub use line::ChainKey;
pub use verify::{Broken, Proof, verify};

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kmip_server::{AuditError, AuditEvent, AuditSink, Counter};
use serde::Serialize;
use time::OffsetDateTime;

use crate::config::{self, Fsync, OnFailure};
use crate::secret;
use event::OperationBody;
use file::AuditFile;
use syncer::Syncer;
use syslog::Syslog;

/// Everything that an event is told to.
#[derive(Debug)]
pub struct Audit {
    /// Before the file: it ends first.
    syncer: Option<Syncer>,
    file: Option<Arc<AuditFile>>,
    syslog: Option<Syslog>,
    stdout: bool,
    fsync: Fsync,
    interval: Duration,
    on_failure: OnFailure,
    /// Whether the last attempt failed, so that the log says it once.
    failing: AtomicBool,
    stats: AuditStats,
}

/// What the audit counts.
#[derive(Debug, Default)]
pub struct AuditStats {
    /// Events taken.
    pub events: Counter,
    /// Events that the file could not take.
    pub file_failures: Counter,
    /// Events that syslog could not take.
    pub syslog_failures: Counter,
}

/// Smallest key for the HMAC, in bytes: as long as what it makes.
const MIN_HMAC_KEY_BYTES: usize = 32;

/// The key of the configuration's `audit.hmacKeyFile`; without one, hashes are plain.
///
/// # Errors
/// What is wrong with the file.
pub fn chain_key(hmac_key_file: Option<&Path>) -> Result<ChainKey, AuditFileError> {
    let Some(path) = hmac_key_file else {
        return Ok(ChainKey::none());
    };
    let key = secret::base64_key(path, MIN_HMAC_KEY_BYTES).map_err(AuditFileError::Key)?;
    Ok(ChainKey::hmac(&key))
}

impl Audit {
    /// Opens the file and the sockets. The file's chain goes on where it ended.
    ///
    /// # Errors
    /// See [`AuditFileError`].
    pub fn open(config: &config::Audit) -> Result<Self, AuditFileError> {
        let key = chain_key(config.hmac_key_file.as_deref())?;
        let file = config
            .file
            .as_deref()
            .map(|path| AuditFile::open(path, key, config.rotate_size).map(Arc::new))
            .transpose()?;
        let syncer = match (&file, config.fsync) {
            (Some(file), Fsync::Always | Fsync::Changes) => Some(
                Syncer::start(file.clone()).map_err(|source| AuditFileError::Thread { source })?,
            ),
            _ => None,
        };
        let syslog = config
            .syslog
            .as_ref()
            .map(Syslog::open)
            .transpose()
            .map_err(|problem| AuditFileError::Syslog(problem.to_string()))?;
        Ok(Self {
            syncer,
            file,
            syslog,
            stdout: config.stdout,
            fsync: config.fsync,
            interval: Duration::from_millis(config.fsync_interval_ms),
            on_failure: config.on_failure,
            failing: AtomicBool::new(false),
            stats: AuditStats::default(),
        })
    }

    /// Whether an event goes anywhere.
    pub fn is_on(&self) -> bool {
        self.file.is_some() || self.syslog.is_some() || self.stdout
    }

    /// What it counts.
    pub fn stats(&self) -> &AuditStats {
        &self.stats
    }

    /// The number of the last line of the file.
    pub fn last_seq(&self) -> Option<u64> {
        self.file.as_ref().map(|file| file.last_seq())
    }

    /// How often the file was full and could not be replaced by a new one; it goes on until it can.
    pub fn rotation_failures(&self) -> u64 {
        let file = self.file.as_ref();
        file.map_or(0, |file| file.rotation_failures().get())
    }

    /// Whether the file takes lines.
    pub fn is_healthy(&self) -> bool {
        let is_broken = self.file.as_ref().is_some_and(|file| file.is_broken());
        !is_broken && !self.failing.load(Ordering::Relaxed)
    }

    /// How often [`Audit::tick`] wants to be called.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Forces what has been written to the disk, and notes how far the chain has come.
    pub fn tick(&self) {
        if let Some(file) = &self.file {
            let done = file
                .recover()
                .and_then(|()| file.sync())
                .and_then(|()| file.write_head());
            let _ = self.outcome(done);
        }
    }

    /// Tells of something that is no request.
    ///
    /// # Errors
    /// The file cannot take it.
    pub fn note(&self, note: &Note<'_>) -> Result<(), AuditError> {
        let place = self.tell(note, note.is_failure())?;
        self.settle(true, place)
    }

    /// After the file has been renamed by somebody else: goes on in a new one.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn reopen(&self) -> Result<(), AuditFileError> {
        self.file.as_ref().map_or(Ok(()), |file| file.reopen())
    }

    /// The number of the line in the file; 0 without a file.
    fn tell(&self, body: &impl Serialize, is_failure: bool) -> Result<u64, AuditError> {
        let Ok(body) = serde_json::to_string(body) else {
            return Err(AuditError);
        };
        self.stats.events.add_one();
        let (line, result) = match &self.file {
            None => (body, Ok(0)),
            Some(file) => match file.append(&body) {
                Ok((line, seq)) => (line, Ok(seq)),
                Err(error) => {
                    self.stats.file_failures.add_one();
                    (body, self.outcome(Err(error)).map(|()| 0))
                }
            },
        };
        // Told to the others even when the file fails: better there than nowhere.
        if let Some(syslog) = &self.syslog
            && let Err(error) = syslog.send(&line, is_failure)
        {
            self.stats.syslog_failures.add_one();
            tracing::warn!(%error, "syslog does not take audit events");
        }
        if self.stdout {
            let mut out = std::io::stdout().lock();
            let _ = writeln!(out, "{{\"target\":\"audit\",\"audit\":{line}}}");
        }
        result
    }

    /// Whether a request waits until its lines are on the disk.
    fn waits(&self, changes: bool) -> bool {
        match self.fsync {
            Fsync::Always => true,
            Fsync::Changes => changes,
            Fsync::Interval => false,
        }
    }

    /// Logs the first failure after a success, and the first success after a failure.
    fn outcome(&self, result: Result<(), AuditFileError>) -> Result<(), AuditError> {
        match result {
            Ok(()) => {
                if self.failing.swap(false, Ordering::Relaxed) {
                    tracing::info!("the audit log can be written again");
                }
                Ok(())
            }
            Err(error) => {
                if !self.failing.swap(true, Ordering::Relaxed) {
                    tracing::error!(%error, "the audit log cannot be written; operations are refused until it can");
                }
                Err(AuditError)
            }
        }
    }

    /// The failure, unless the configuration says that such an operation goes on.
    fn unless_tolerated<T: Default>(
        &self,
        changes: bool,
        result: Result<T, AuditError>,
    ) -> Result<T, AuditError> {
        match self.on_failure {
            OnFailure::RefuseChanges if !changes => Ok(result.unwrap_or_default()),
            _ => result,
        }
    }
}

impl AuditSink for Audit {
    fn ready(&self, changes: bool) -> Result<(), AuditError> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        if !self.failing.load(Ordering::Relaxed) && !file.is_broken() {
            return Ok(());
        }
        let result = self.outcome(file.recover());
        self.unless_tolerated(changes, result)
    }

    fn record(&self, event: &AuditEvent<'_>) -> Result<u64, AuditError> {
        let is_failure = event.reason.is_some();
        let changes = event.changes || event.operation.is_some_and(kmip_server::changes);
        let result = self.tell(&OperationBody::new(event), is_failure);
        self.unless_tolerated(changes, result)
    }

    fn is_quick(&self) -> bool {
        // A pipe or a datagram socket may be full.
        let is_plain = self.syslog.is_none() && !self.stdout && self.fsync != Fsync::Always;
        let file = self.file.as_ref();
        is_plain && !self.failing.load(Ordering::Relaxed) && file.is_none_or(|file| file.is_quick())
    }

    fn begin_settling(&self, changes: bool) {
        if let Some(syncer) = &self.syncer
            && self.waits(changes)
        {
            syncer.begin();
        }
    }

    fn settle(&self, changes: bool, last: u64) -> Result<(), AuditError> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        if !self.waits(changes) {
            return Ok(());
        }
        let result = self.outcome(file.sync_to(last));
        self.unless_tolerated(changes, result)
    }
}

/// The time as it is written: RFC 3339 in UTC.
fn rfc3339(time: OffsetDateTime) -> String {
    time.format(&time::format_description::well_known::Rfc3339)
        .unwrap_or_default()
}

impl Drop for Audit {
    fn drop(&mut self) {
        self.tick();
    }
}
