//! The socket by which commands reach the running server: of the Unix domain, in the storage directory, which only the
//! server's own user can enter.
//!
//! ```text
//! STORAGE/admin.sock
//! command: {"backup":{"directory":"/backup/2026-11-29"}}
//! answers: {"progress":{"bytes":65536,"bytesTotal":1048576}} …, and at last
//!          {"done":{"files":12,"bytes":1048576,"pointInTime":"…","commitsHeldMillis":3}} or {"failed":"…"}
//! ```
//!
//! A line each. One command for each connection.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kmip_server::ServerHandle;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::audit::{Audit, Note, NoteKind};

/// The socket's name in the storage directory.
const FILE: &str = "admin.sock";
/// No line is longer, in bytes.
const MAX_LINE: u64 = 64 * 1024;
/// For a command to arrive once somebody has connected.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two answers that only tell of progress.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// What is asked of the server.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Command {
    /// Copies all objects into a directory.
    Backup {
        /// An absolute path.
        directory: PathBuf,
    },
}

/// What the server answers.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Answer {
    /// How far it came.
    #[serde(rename_all = "camelCase")]
    Progress { bytes: u64, bytes_total: u64 },
    /// It is done.
    #[serde(rename_all = "camelCase")]
    Done {
        files: u64,
        bytes: u64,
        point_in_time: String,
        commits_held_millis: u64,
    },
    /// It is not done.
    Failed(String),
}

/// The path of the socket.
pub(crate) fn socket(storage: &Path) -> PathBuf {
    storage.join(FILE)
}

/// Listens, while the storage directory is this process's own.
pub(crate) fn listen(storage: &Path) -> io::Result<UnixListener> {
    let path = socket(storage);
    // What a crash has left: no other process has the directory.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    UnixListener::bind(path)
}

/// Serves, one command after the other, until it is dropped.
pub(crate) async fn serve(listener: UnixListener, server: ServerHandle, audit: Arc<Audit>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                if let Err(error) = answer(stream, &server, &audit).await {
                    warn!(%error, "a command on the admin socket was not answered");
                }
            }
            Err(error) => {
                warn!(%error, "cannot accept on the admin socket");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn answer(stream: UnixStream, server: &ServerHandle, audit: &Audit) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(reader.take(MAX_LINE));
    tokio::time::timeout(PATIENCE, reader.read_line(&mut line))
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    let Command::Backup { directory } = match serde_json::from_str(&line) {
        Ok(command) => command,
        Err(error) => return send(&mut writer, &Answer::Failed(error.to_string())).await,
    };
    let (tell, mut told) = mpsc::unbounded_channel();
    let last = Mutex::new(Instant::now());
    let progress: kmip_server::OnProgress = Arc::new(move |at| {
        let mut last = last.lock();
        if last.elapsed() >= PROGRESS_EVERY {
            *last = Instant::now();
            let _ = tell.send(Answer::Progress {
                bytes: at.bytes,
                bytes_total: at.bytes_total,
            });
        }
    });
    let backup = server.backup(&directory, Some(progress));
    tokio::pin!(backup);
    let done = loop {
        tokio::select! {
            done = &mut backup => break done,
            // Whoever asked and went away ends the backup: this returns, and drops it.
            Some(answer) = told.recv() => send(&mut writer, &answer).await?,
        }
    };
    let answer = match done {
        Ok(report) => {
            let point_in_time = OffsetDateTime::from(report.point_in_time)
                .format(&Rfc3339)
                .unwrap_or_default();
            info!(
                directory = %directory.display(), files = report.files, bytes = report.bytes, "a backup was made"
            );
            let detail = format!("into {}, as of {point_in_time}", directory.display());
            // The copy is there; whether it is told is the audit's own trouble, which shows elsewhere.
            let _ = audit.note(&Note::new(NoteKind::Backup, &detail));
            Answer::Done {
                files: report.files,
                bytes: report.bytes,
                point_in_time,
                commits_held_millis: u64::try_from(report.commits_held.as_millis())
                    .unwrap_or(u64::MAX),
            }
        }
        Err(error) => {
            warn!(%error, "a backup failed");
            Answer::Failed(error.to_string())
        }
    };
    send(&mut writer, &answer).await
}

async fn send(writer: &mut (impl AsyncWriteExt + Unpin), answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    writer.write_all(&line).await
}

/// Asks a running server, and hears its answers until it is done. `None` if no server runs there.
pub(crate) fn ask(
    storage: &Path,
    command: &Command,
    mut hear: impl FnMut(&Answer),
) -> io::Result<Option<Answer>> {
    use std::io::{BufRead, Read, Write};
    use std::os::unix::net::UnixStream;
    let mut stream = match UnixStream::connect(socket(storage)) {
        Ok(stream) => stream,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let mut line = serde_json::to_vec(command)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut reader = io::BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.by_ref().take(MAX_LINE).read_line(&mut line)? == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the server has gone away",
            ));
        }
        match serde_json::from_str(&line)? {
            progress @ Answer::Progress { .. } => hear(&progress),
            last => return Ok(Some(last)),
        }
    }
}
