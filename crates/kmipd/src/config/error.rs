//! What can be wrong with the configuration.

use std::path::PathBuf;

use thiserror::Error;

/// What is wrong with the configuration. Each message names the file, and the key or the line.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is not what it should be: not YAML, an unknown or repeated key, a value of the wrong kind.
    #[error("{}: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        problem: String,
    },
    /// A value is not possible, or contradicts another one.
    #[error("{}: {key}: {problem}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The key, from the top.
        key: String,
        /// What is wrong and what to do.
        problem: String,
    },
}

impl ConfigError {
    /// Whether the file could not be read at all, or is not YAML of ours.
    pub fn is_about_the_file(&self) -> bool {
        !matches!(self, Self::Invalid { .. })
    }
}
