//! What can go wrong with the file.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

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
    /// The thread that syncs cannot be started.
    #[error("the audit log needs a thread, and gets none: {source}")]
    Thread {
        /// What the operating system said.
        source: io::Error,
    },
    /// The key of the HMAC cannot be used.
    #[error("audit.hmacKeyFile: {0}")]
    Key(String),
    /// syslog cannot be reached.
    #[error("audit.syslog: {0}")]
    Syslog(String),
}

pub(super) fn io_error<'a>(
    action: &'static str,
    path: &'a Path,
) -> impl Fn(io::Error) -> AuditFileError + 'a {
    move |source| AuditFileError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}
