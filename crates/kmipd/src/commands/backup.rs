//! `kmipd backup`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use clap::Subcommand;

use super::say;
use crate::{Error, backup, config};

#[derive(Subcommand)]
pub(super) enum Backup {
    /// Copy all objects, as they are at one instant, while the server works; they stay encrypted
    Create {
        /// The configuration of the running server
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Where to: a directory that is empty or does not exist yet, which the server's user can write
        dir: PathBuf,
    },
    /// Look whether a backup is as it was written
    Verify {
        /// The backup
        dir: PathBuf,
    },
    /// Copy a backup to the storage directory of a configuration, which must be empty
    Restore {
        /// The configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The backup
        dir: PathBuf,
    },
}

impl Backup {
    pub(super) fn run(&self) -> Result<(), Error> {
        match self {
            Self::Create { config, dir } => {
                let config = config::load(config)?;
                let is_seen = std::io::stderr().is_terminal();
                let taken = backup::take(&config, dir, |bytes, total| {
                    if is_seen {
                        let _ = write!(std::io::stderr(), "\r{bytes} of {total} bytes");
                    }
                })?;
                if is_seen {
                    let _ = write!(std::io::stderr(), "\r");
                }
                say(&format!(
                    "{}: {} files, {} bytes, as of {}. It is encrypted: keep the key-encryption key apart from it.",
                    dir.display(),
                    taken.files,
                    taken.bytes,
                    taken.point_in_time
                ));
            }
            Self::Verify { dir } => {
                let checked = backup::verify(dir)?;
                say(&format!(
                    "{} is whole: {} files, {} bytes, as of {}.",
                    dir.display(),
                    checked.manifest.files.len(),
                    checked.manifest.bytes,
                    checked.manifest.point_in_time
                ));
            }
            Self::Restore { config, dir } => {
                let config = config::load(config)?;
                let restored = backup::restore(&config, dir)?;
                say(&format!(
                    "{}: restored {} files, {} bytes, as of {}. The key-encryption key is the one of that time.",
                    config.storage.directory.display(),
                    restored.files,
                    restored.bytes,
                    restored.point_in_time
                ));
            }
        }
        Ok(())
    }
}
