//! Going on behind what is in the file: at a start, and after a failure.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use time::OffsetDateTime;

use super::super::line::{self, ChainKey, Link, MAX_LINE_BYTES};
use super::super::rfc3339;
use super::State;
use super::directory::{directory_of, sync_directory};
use super::error::{AuditFileError, io_error};
use super::head::read_head;

/// How a file ends.
struct End {
    /// Its last whole line.
    last: Option<Link>,
    /// What is behind it: the beginning of a line that a crash, or a full disk, cut off.
    torn: Vec<u8>,
}

/// Opens the file behind its last line, and says so in it if it was cut off, or if lines are missing. `before`: what
/// this process has written last.
pub(super) fn go_on(
    path: &Path,
    key: &ChainKey,
    before: Option<&State>,
) -> Result<State, AuditFileError> {
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
    let mut full: Vec<(u64, PathBuf)> = fs::read_dir(directory_of(path))
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
