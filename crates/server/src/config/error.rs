//! What can be wrong with the options. No variant ever carries the value of a secret option.

use std::io;
use std::path::PathBuf;

use super::place::Place;

/// A reason why the options do not let the server start.
///
/// Each message names the option, where it was given (flag, or key with file and line) and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A flag or key that neither we nor `mongod` know.
    #[error("unknown option {place}{}", hint(.suggestion.as_deref()))]
    UnknownOption {
        /// The option as given.
        place: Place,
        /// A known option that looks like it.
        suggestion: Option<String>,
    },

    /// An option that `mongod` has and we have not, or a value of it that we cannot honour.
    #[error("{place} is not supported{}{}", .value.as_ref().map(|v| format!(" with the value `{v}`")).unwrap_or_default(), because(.reason))]
    UnsupportedOption {
        /// The option as given.
        place: Place,
        /// The value, where only some are refused.
        value: Option<String>,
        /// Why, and what to do instead.
        reason: &'static str,
    },

    /// A value of the wrong type or outside its limits.
    #[error("{place}: expected {expected}{}", .got.as_ref().map(|v| format!(", got `{v}`")).unwrap_or_default())]
    InvalidValue {
        /// The option as given.
        place: Place,
        /// The values that are accepted.
        expected: String,
        /// What was given; never filled in for a secret option.
        got: Option<String>,
    },

    /// An option given more than once in one source.
    #[error("{place} is given more than once{}: keep one", .first_line.map(|l| format!(", first in line {l}")).unwrap_or_default())]
    Repeated {
        /// The second occurrence.
        place: Place,
        /// The line of the first one, in a file.
        first_line: Option<usize>,
    },

    /// An option that needs another one.
    #[error("{place} needs {needed}: {advice}")]
    Needs {
        /// The option as given.
        place: Place,
        /// The option that is missing, by both its names.
        needed: String,
        /// What to do.
        advice: &'static str,
    },

    /// Two options that exclude each other.
    #[error("{place} and {other} exclude each other: {advice}")]
    Conflict {
        /// One of them.
        place: Place,
        /// The other.
        other: Place,
        /// What to do.
        advice: &'static str,
    },

    /// The file with the password cannot be used.
    #[error("{place}: the file {path} {problem}", path = .path.display())]
    PasswordFile {
        /// The option as given.
        place: Place,
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do; never its content.
        problem: String,
    },

    /// Something on the command line that is not an option. Its text is not repeated: it may be half
    /// of a password that was not quoted.
    #[error(
        "the command line has a word that belongs to no option (its text is not shown: it may be part of a secret); every option starts with --, and a value with spaces needs quotes"
    )]
    StrayArgument,

    /// The configuration file cannot be read.
    #[error("cannot read the configuration file {path}: {source}", path = .path.display())]
    FileUnreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// The configuration file is not the YAML that we read.
    #[error("the configuration file {path} is not valid YAML at line {line}, column {column}: {problem}", path = .path.display())]
    FileSyntax {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong; never text from the file.
        problem: String,
    },
}

/// Errors grouped by what the user has to mend: one exit status each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An unknown option or YAML key, or a stray word.
    UnknownOption,
    /// An option or value that `mongod` has and we have not.
    UnsupportedOption,
    /// A value of the wrong type or outside its limits, or given twice.
    InvalidValue,
    /// Options that need or exclude each other.
    Inconsistent,
    /// The configuration file is missing, unreadable or not YAML.
    ConfigFile,
    /// A file with a password is missing, unreadable, readable by others, or has no password in it.
    PasswordFile,
}

impl Error {
    /// The group that the error belongs to.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownOption { .. } | Self::StrayArgument => ErrorKind::UnknownOption,
            Self::UnsupportedOption { .. } => ErrorKind::UnsupportedOption,
            Self::InvalidValue { .. } | Self::Repeated { .. } => ErrorKind::InvalidValue,
            Self::Needs { .. } | Self::Conflict { .. } => ErrorKind::Inconsistent,
            Self::PasswordFile { .. } => ErrorKind::PasswordFile,
            Self::FileUnreadable { .. } | Self::FileSyntax { .. } => ErrorKind::ConfigFile,
        }
    }
}

fn hint(suggestion: Option<&str>) -> String {
    match suggestion {
        Some(known) => format!("; did you mean {known}?"),
        None => ": remove it, or correct its spelling".to_owned(),
    }
}

fn because(reason: &str) -> String {
    if reason.is_empty() {
        " yet: remove it".to_owned()
    } else {
        format!(": {reason}")
    }
}
