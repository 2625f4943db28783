//! Where lines go: standard output, or a file that can be rotated.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::config::{LogRotate, SystemLogOptions};

/// Appended to the name of a log file that is set aside, as `mongod` does.
const SUFFIX: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]-[minute]-[second]");

pub(super) enum Sink {
    Stdout,
    File {
        path: PathBuf,
        rotate: LogRotate,
        file: Mutex<File>,
    },
}

impl Sink {
    /// # Errors
    /// The file cannot be set aside or opened.
    pub(super) fn open(options: &SystemLogOptions) -> io::Result<Self> {
        let Some(path) = &options.path else {
            return Ok(Self::Stdout);
        };
        if !options.append {
            set_aside(path)?;
        }
        Ok(Self::File {
            path: path.clone(),
            rotate: options.rotate,
            file: Mutex::new(open(path)?),
        })
    }

    /// Writes whole lines. A log that cannot be written must not stop the database.
    pub(super) fn write(&self, lines: &[u8]) {
        let _ = match self {
            // Not `print!`: that panics when standard output is closed.
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(lines).and_then(|()| stdout.flush())
            }
            // One system call for a line, so that nothing is lost when the process is killed.
            Self::File { file, .. } => file.lock().write_all(lines),
        };
    }

    /// Starts a new file, or opens the path again; standard output stays as it is.
    ///
    /// # Errors
    /// The file cannot be set aside or opened; the old one stays in use.
    pub(super) fn rotate(&self) -> io::Result<()> {
        match self {
            Self::Stdout => Ok(()),
            Self::File { path, rotate, file } => {
                let mut file = file.lock();
                if *rotate == LogRotate::Rename {
                    set_aside(path)?;
                }
                *file = open(path)?;
                Ok(())
            }
        }
    }
}

/// Names of databases and addresses of clients are nobody else's business: mode 0600, as `mongod`.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}

/// Renames an existing regular file; a device or pipe is left alone.
fn set_aside(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.len() > 0 => {
            let now = OffsetDateTime::now_utc().format(SUFFIX).unwrap_or_default();
            let mut name = path.as_os_str().to_owned();
            name.push(format!(".{now}"));
            let mut target = PathBuf::from(&name);
            // Two rotations in a second must not overwrite each other.
            let mut number = 1_u32;
            while target.exists() {
                let mut numbered = name.clone();
                numbered.push(format!("-{number}"));
                target = PathBuf::from(numbered);
                number = number.saturating_add(1);
            }
            std::fs::rename(path, target)
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
