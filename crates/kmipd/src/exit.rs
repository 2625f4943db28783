//! Exit statuses. A cause keeps its number.

use std::process::ExitCode;

/// Why the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum ExitStatus {
    /// It did what was asked.
    Success = 0,
    /// Something that has no status of its own.
    Failure = 1,
    /// The command line or a value of the configuration makes no sense.
    Usage = 2,
    /// The configuration file cannot be read, or is not what it should be.
    ConfigFile = 3,
    /// A certificate, a key or a revocation list cannot be used.
    Certificates = 4,
    /// There is no key-encryption key.
    KeyEncryptionKey = 5,
    /// The objects cannot be opened.
    Store = 6,
    /// The audit log cannot be written.
    Audit = 7,
    /// `kmipd audit verify`: the log is not whole.
    AuditBroken = 8,
    /// The address cannot be listened on.
    CannotListen = 48,
}

impl ExitStatus {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Success,
        Self::Failure,
        Self::Usage,
        Self::ConfigFile,
        Self::Certificates,
        Self::KeyEncryptionKey,
        Self::Store,
        Self::Audit,
        Self::AuditBroken,
        Self::CannotListen,
    ];

    /// The number.
    pub fn number(self) -> u8 {
        self as u8
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.number())
    }
}
