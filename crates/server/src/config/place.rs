//! Where an option was given: every complaint about one says so.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// How an option came to its value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// A flag on the command line.
    CommandLine,
    /// A key in the configuration file.
    File {
        /// The file as it was named on the command line.
        path: Arc<Path>,
        /// The line of the key, from 1.
        line: u32,
    },
    /// An environment variable.
    Environment,
}

/// An option by the name under which the user gave it, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `--kmipPort` on the command line, `security.kmip.port` in the file.
    pub name: String,
    /// Where it was given.
    pub origin: Origin,
}

impl Place {
    /// A flag, dashes included.
    pub(super) fn flag(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            origin: Origin::CommandLine,
        }
    }

    /// An environment variable.
    pub(super) fn variable(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            origin: Origin::Environment,
        }
    }

    /// A key of the configuration file.
    pub(super) fn key(name: impl Into<String>, path: &Arc<Path>, line: usize) -> Self {
        Self {
            name: name.into(),
            origin: Origin::File {
                path: Arc::clone(path),
                // A file that is read has fewer.
                line: u32::try_from(line).unwrap_or(u32::MAX),
            },
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::CommandLine => f.write_str(&self.name),
            Origin::Environment => write!(f, "the environment variable {}", self.name),
            Origin::File { path, line } => {
                write!(f, "{} ({}, line {line})", self.name, path.display())
            }
        }
    }
}
