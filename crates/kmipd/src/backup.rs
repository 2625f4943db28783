//! Backups: taking them from the running server, checking them and bringing them back.

use std::io;
use std::path::{Path, PathBuf};

use storage::backup::{Progress, Verification};
use thiserror::Error;

use crate::admin::{self, Answer, Command};
use crate::config::Config;

/// Why there is no backup, or no use in it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BackupError {
    /// No server runs on the storage directory.
    #[error(
        "no kmipd is running on {}: start it, or copy that directory as it is", storage.display()
    )]
    NotRunning {
        /// The storage directory.
        storage: PathBuf,
    },
    /// The server cannot be asked.
    #[error("cannot ask the running kmipd at {}: {source}", socket.display())]
    Ask {
        /// Its socket.
        socket: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The server says why.
    #[error("{0}")]
    Failed(String),
    /// The files are not as they were written.
    #[error("the backup {} is damaged: {problems}", directory.display())]
    Damaged {
        /// The backup.
        directory: PathBuf,
        /// Which files, and what is wrong with them.
        problems: String,
    },
    /// The backup, or the directory that it is to be restored to.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

/// What was copied.
#[derive(Clone, Debug)]
pub struct Taken {
    /// How many files.
    pub files: u64,
    /// How many bytes.
    pub bytes: u64,
    /// The instant that the objects are of, RFC 3339.
    pub point_in_time: String,
}

/// Lets the running server copy its objects into a directory, which is made if it is not there.
///
/// # Errors
/// See [`BackupError`].
pub fn take(
    config: &Config,
    directory: &Path,
    mut progress: impl FnMut(u64, u64),
) -> Result<Taken, BackupError> {
    let storage = &config.storage.directory;
    let ask = |source| BackupError::Ask {
        socket: admin::socket(storage),
        source,
    };
    let directory = std::path::absolute(directory).map_err(ask)?;
    let answer = admin::ask(storage, &Command::Backup { directory }, |answer| {
        if let Answer::Progress { bytes, bytes_total } = answer {
            progress(*bytes, *bytes_total);
        }
    });
    match answer.map_err(ask)? {
        None => Err(BackupError::NotRunning {
            storage: storage.clone(),
        }),
        Some(Answer::Done {
            files,
            bytes,
            point_in_time,
            ..
        }) => Ok(Taken {
            files,
            bytes,
            point_in_time,
        }),
        Some(Answer::Failed(why)) => Err(BackupError::Failed(why)),
        Some(Answer::Progress { .. }) => Err(BackupError::Failed("no answer".to_owned())),
    }
}

/// Compares every file with what the backup says of it.
///
/// # Errors
/// [`BackupError::Damaged`], [`BackupError::Storage`].
pub fn verify(directory: &Path) -> Result<Verification, BackupError> {
    let checked = storage::backup::verify(directory, &mut |_: Progress| Ok(()))?;
    if checked.problems.is_empty() {
        return Ok(checked);
    }
    let problems = checked
        .problems
        .iter()
        .map(|problem| format!("{}: {}", problem.file, problem.problem));
    Err(BackupError::Damaged {
        directory: directory.to_owned(),
        problems: problems.collect::<Vec<_>>().join("; "),
    })
}

/// Copies a backup to the storage directory, which must be empty or not exist. Checks every file meanwhile.
///
/// # Errors
/// [`BackupError::Storage`].
pub fn restore(config: &Config, directory: &Path) -> Result<Taken, BackupError> {
    let manifest =
        storage::backup::restore(directory, &config.storage.directory, &mut |_: Progress| {
            Ok(())
        })?;
    Ok(Taken {
        files: manifest.files.len() as u64,
        bytes: manifest.bytes,
        point_in_time: manifest.point_in_time,
    })
}
