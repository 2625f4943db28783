//! What is wrong with a query, with the MongoDB code that a client expects for it.

use document::ErrorCode;

/// A refusal: the caller's input is wrong, or asks for what is not supported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// MongoDB's code, for the client to act on.
    pub code: ErrorCode,
    /// What was wrong, where, and what to do. May name fields and operators; never stored data.
    pub message: String,
}

impl Error {
    /// A refusal with `code`.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// `BadValue` (2): an operator's argument has the wrong type or range.
    pub fn bad_value(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadValue, message)
    }

    /// `FailedToParse` (9): the shape of the input is wrong.
    pub fn failed_to_parse(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::FailedToParse, message)
    }

    /// `TypeMismatch` (14): a field has a type that the operation cannot take.
    pub fn type_mismatch(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::TypeMismatch, message)
    }
}

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, Error>;
