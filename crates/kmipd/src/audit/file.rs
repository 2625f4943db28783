//! The file: appended to, synced, rotated, and gone on with after a crash.
//!
//! ```text
//! audit.log              lines, each tied to the one before
//! audit.log.SEQ          a file that was full; SEQ is the number of its first line
//! audit.log.next         empty: the file that takes the place of a full one, for the moment before it does
//! audit.log.head         {"seq":…,"hash":…}: how far the chain had come when it was last forced to the disk
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use kmip_server::Counter;
use parking_lot::Mutex;
use thiserror::Error;
use time::OffsetDateTime;

use super::line::{self, ChainKey, Link, MAX_LINE_BYTES};
use super::rfc3339;

/// What the file with the end of the chain is called, after the log's own name.
pub const HEAD_SUFFIX: &str = ".head";

/// What the file that is about to take the place of a full one is called, after the log's own name.
const NEXT_SUFFIX: &str = ".next";

/// A rotation that fails is tried again when the file has grown by this part of its size.
const ROTATION_RETRIES: u64 = 16;

/// Why the audit log cannot be kept.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AuditFileError {
    /// The operating system refused.
    #[error("cannot {action} the audit log {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The end of the file is no line of ours: going on behind it would hide that.
    #[error(
        "the audit log {} is damaged at its end: {problem}; look at it with \"kmipd audit verify\", then move it away", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Another process writes it.
    #[error("the audit log {} is written by another process", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The key of the HMAC cannot be used.
    #[error("audit.hmacKeyFile: {0}")]
    Key(String),
    /// syslog cannot be reached.
    #[error("audit.syslog: {0}")]
    Syslog(String),
}

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

/// How a file ends.
struct End {
    /// Its last whole line.
    last: Option<Link>,
    /// What is behind it: the beginning of a line that a crash, or a full disk, cut off.
    torn: Vec<u8>,
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
    pub(super) fn sync(&self) -> Result<(), AuditFileError> {
        let (wanted, _) = self.written();
        let _syncing = self.syncing.lock();
        if self.synced_seq.load(Ordering::Acquire) >= wanted {
            return Ok(());
        }
        let (seq, file) = self.written();
        if let Err(source) = file.sync_data() {
            // What the system could not write it may have forgotten.
            self.broken.store(true, Ordering::Relaxed);
            return Err(io_error("sync", &self.path)(source));
        }
        self.synced_seq.fetch_max(seq, Ordering::Release);
        Ok(())
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

    /// Goes on in a new file if the one that is open is no longer at its path.
    pub(super) fn reopen(&self) -> Result<(), AuditFileError> {
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
        state
            .file
            .sync_data()
            .map_err(io_error("sync", &self.path))?;
        match go_on(&self.path, &self.key, Some(&state)) {
            Ok(next) => *state = next,
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
    fn rotate_or_go_on(&self, state: &mut State) -> Result<(), AuditFileError> {
        if let Err(source) = state.file.sync_data() {
            // That is no trouble with the rotation: the lines themselves may be lost.
            self.broken.store(true, Ordering::Relaxed);
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

/// Opens the file behind its last line, and says so in it if it was cut off, or if lines are missing. `before`: what
/// this process has written last.
fn go_on(path: &Path, key: &ChainKey, before: Option<&State>) -> Result<State, AuditFileError> {
    let mut file = OpenOptions::new()
        .append(true)
        .read(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map_err(io_error("open", path))?;
    match file.try_lock() {
        Ok(()) => {}
        // Ours, still open: a recovery opens the file a second time.
        Err(fs::TryLockError::WouldBlock) if is_same_file(&file, before) => {}
        Err(fs::TryLockError::WouldBlock) => {
            return Err(AuditFileError::InUse {
                path: path.to_owned(),
            });
        }
        Err(fs::TryLockError::Error(source)) => return Err(io_error("lock", path)(source)),
    }
    let End { last, torn } = end_of(&mut file, path)?;
    let in_file = last.clone();
    let head = read_head(path);
    // Where the chain was: this process knows best, then the files, then the note.
    let known = match before {
        Some(state) => Some(state.last.clone()),
        None => newest(path, head.clone()),
    };
    let last = match (last, known) {
        // Unless the file itself ends elsewhere: the end of a line may be missing, or lines.
        (Some(last), Some(known)) if last.seq >= known.seq => last,
        (Some(last), Some(known)) => {
            let file = append_raw(&mut file, path, key, &last, &torn, Some(&known))?;
            return finish(file, path, in_file.as_ref(), &head);
        }
        (Some(last), None) => last,
        (None, known) => known.unwrap_or_else(Link::genesis),
    };
    let appended = append_raw(&mut file, path, key, &last, &torn, None)?;
    finish(appended, path, in_file.as_ref(), &head)
}

type Appended = (File, Link);

fn finish(
    (file, last): Appended,
    path: &Path,
    in_file: Option<&Link>,
    head: &Option<Link>,
) -> Result<State, AuditFileError> {
    let bytes = file.metadata().map_err(io_error("look at", path))?.len();
    let first_seq = match in_file {
        Some(_) => first_seq(path).unwrap_or(last.seq),
        None => last.seq + 1,
    };
    sync_directory(path)?;
    Ok(State {
        file: Arc::new(file),
        last,
        bytes,
        first_seq,
        head_seq: head.as_ref().map_or(0, |head| head.seq),
        retry_at: None,
    })
}

/// Says what is wrong with the end, if something is.
fn append_raw(
    file: &mut File,
    path: &Path,
    key: &ChainKey,
    last: &Link,
    torn: &[u8],
    expected: Option<&Link>,
) -> Result<Appended, AuditFileError> {
    let mut text = String::new();
    let mut last = last.clone();
    let time = rfc3339(OffsetDateTime::now_utc());
    if !torn.is_empty() {
        let hash = hex::encode(digest(&SHA256, torn));
        let body = format!(
            r#"{{"time":"{time}","event":"torn","bytes":{},"sha256":"{hash}"}}"#,
            torn.len()
        );
        let (line, link) = line::make(key, &last, &body);
        text = format!("\n{line}\n");
        last = link;
        tracing::warn!(
            bytes = torn.len(),
            "the last line of the audit log was cut off; it goes on behind it"
        );
    }
    if let Some(expected) = expected
        && expected.seq > last.seq
    {
        let body = format!(
            r#"{{"time":"{time}","event":"gap","expectedSeq":{},"expectedHash":"{}"}}"#,
            expected.seq, expected.hash
        );
        let (line, link) = line::make_numbered(key, &last, expected.seq + 1, &body);
        tracing::error!(
            last = last.seq,
            expected = expected.seq,
            "lines are missing at the end of the audit log"
        );
        text.push_str(&line);
        text.push('\n');
        last = link;
    }
    if !text.is_empty() {
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_data())
            .map_err(io_error("write", path))?;
    }
    let file = file.try_clone().map_err(io_error("open", path))?;
    Ok((file, last))
}

fn is_same_file(file: &File, before: Option<&State>) -> bool {
    let identity = |file: &File| {
        file.metadata()
            .map(|metadata| (metadata.dev(), metadata.ino()))
            .ok()
    };
    before.is_some_and(|state| identity(file).is_some() && identity(file) == identity(&state.file))
}

fn end_of(file: &mut File, path: &Path) -> Result<End, AuditFileError> {
    let unreadable = io_error("read", path);
    let bytes = file.metadata().map_err(&unreadable)?.len();
    // A whole line, and the beginning of one behind it.
    let window = bytes.min(2 * MAX_LINE_BYTES as u64);
    file.seek(SeekFrom::Start(bytes - window))
        .map_err(&unreadable)?;
    let mut tail = Vec::new();
    Read::by_ref(file)
        .take(window)
        .read_to_end(&mut tail)
        .map_err(&unreadable)?;
    let (whole, torn) = match tail.iter().rposition(|byte| *byte == b'\n') {
        Some(end) => (tail.get(..end).unwrap_or_default(), tail.get(end + 1..)),
        None => (&[][..], Some(tail.as_slice())),
    };
    let torn = torn.unwrap_or_default();
    let damaged = |problem: &str| AuditFileError::Damaged {
        path: path.to_owned(),
        problem: problem.to_owned(),
    };
    if torn.len() > MAX_LINE_BYTES {
        return Err(damaged("its last line has no end"));
    }
    let line = match whole.iter().rposition(|byte| *byte == b'\n') {
        Some(start) => whole.get(start + 1..).unwrap_or_default(),
        None => whole,
    };
    let last = if line.is_empty() {
        None
    } else {
        let parsed = line::parse(line).map_err(|problem| damaged(&problem))?;
        Some(Link {
            seq: parsed.seq,
            hash: parsed.hash,
        })
    };
    Ok(End {
        last,
        torn: torn.to_vec(),
    })
}

/// The end of the chain in the newest of the files that were full, and in the note.
fn newest(path: &Path, head: Option<Link>) -> Option<Link> {
    let name = path.file_name()?.to_str()?;
    let directory = path
        .parent()
        .filter(|directory| !directory.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    let mut full: Vec<(u64, PathBuf)> = fs::read_dir(directory)
        .ok()?
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let seq = path
                .file_name()?
                .to_str()?
                .strip_prefix(name)?
                .strip_prefix('.')?
                .parse()
                .ok()?;
            Some((seq, path))
        })
        .collect();
    full.sort();
    let in_files = full.last().and_then(|(_, path)| {
        let mut file = File::open(path).ok()?;
        end_of(&mut file, path).ok()?.last
    });
    in_files.into_iter().chain(head).max_by_key(|link| link.seq)
}

fn first_seq(path: &Path) -> Option<u64> {
    let mut start = Vec::new();
    File::open(path)
        .ok()?
        .take(MAX_LINE_BYTES as u64)
        .read_to_end(&mut start)
        .ok()?;
    let line = start.split(|byte| *byte == b'\n').next()?;
    Some(line::parse(line).ok()?.seq)
}

/// The file with the end of the chain.
pub(super) fn head_path(path: &Path) -> PathBuf {
    with_suffix(path, HEAD_SUFFIX)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut longer = path.as_os_str().to_owned();
    longer.push(suffix);
    longer.into()
}

/// What it says; `None` if there is none, or none that can be read.
pub(super) fn read_head(path: &Path) -> Option<Link> {
    serde_json::from_slice(&fs::read(head_path(path)).ok()?).ok()
}

fn write_head(path: &Path, head: &Link) -> Result<(), AuditFileError> {
    let path = head_path(path);
    let failed = io_error("write the head of", &path);
    let text = serde_json::to_vec(head).map_err(|error| failed(error.into()))?;
    tls::write_private(&path, &text).map_err(|error| failed(io::Error::other(error)))
}

fn sync_directory(path: &Path) -> Result<(), AuditFileError> {
    open_directory(path)?
        .sync_all()
        .map_err(io_error("sync the directory of", path))
}

fn open_directory(path: &Path) -> Result<File, AuditFileError> {
    let directory = path
        .parent()
        .filter(|directory| !directory.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    File::open(directory).map_err(io_error("open the directory of", path))
}

fn io_error<'a>(action: &'static str, path: &'a Path) -> impl Fn(io::Error) -> AuditFileError + 'a {
    move |source| AuditFileError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::super::verify;
    use super::*;

    const BODY: &str = r#"{"time":"t","event":"operation"}"#;

    /// A line that is in the file is told as such, whatever becomes of the rotation behind it; which happens later.
    fn goes_on_until_it_can_rotate(obstacle: &str) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.log");
        let obstacle = directory.path().join(obstacle);
        let file = AuditFile::open(&path, ChainKey::none(), 400).unwrap();
        fs::create_dir(&obstacle).unwrap();
        for _ in 0..20 {
            file.append(BODY).unwrap();
            assert!(!file.is_broken());
        }
        file.sync().unwrap();
        assert!(file.rotation_failures().get() > 1);
        assert!(fs::metadata(&path).unwrap().len() > 400);
        fs::remove_dir(&obstacle).unwrap();
        for _ in 0..20 {
            file.append(BODY).unwrap();
        }
        let full = directory.path().join("audit.log.000000000001");
        let mut files = vec![path];
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end != "log") {
                files.push(path);
            }
        }
        assert!(files.contains(&full), "{files:?}");
        let proof = verify(&files, &ChainKey::none()).unwrap();
        assert_eq!(proof.lines, 40);
    }

    #[test]
    fn the_old_file_cannot_be_renamed() {
        goes_on_until_it_can_rotate("audit.log.000000000001");
    }

    #[test]
    fn the_new_file_cannot_be_made() {
        goes_on_until_it_can_rotate("audit.log.next");
    }

    #[test]
    fn a_file_that_is_renamed_and_cannot_be_replaced_takes_no_more() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.log");
        let file = AuditFile::open(&path, ChainKey::none(), 0).unwrap();
        file.append(BODY).unwrap();
        let moved = directory.path().join("audit.log.1");
        fs::rename(&path, &moved).unwrap();
        fs::create_dir(&path).unwrap();
        file.reopen().unwrap_err();
        assert!(file.is_broken());
        file.append(BODY).unwrap_err();
        fs::remove_dir(&path).unwrap();
        file.append(BODY).unwrap();
        let proof = verify(&[moved, path], &ChainKey::none()).unwrap();
        assert_eq!(proof.lines, 2);
    }
}
