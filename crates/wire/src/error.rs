//! Why a message cannot be taken.

use document::{ErrorCode, ValidationError};

/// A message that breaks the protocol. The peer is at fault; where the framing still holds, it is
/// answered with [`Error::code`], and the connection is closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The header's length is not one that a message can have.
    #[error("message length {got} is not between {min} and {max} bytes")]
    Length {
        /// What the header says.
        got: i32,
        /// A header alone.
        min: usize,
        /// [`document::limits::MAX_MESSAGE_BYTES`].
        max: usize,
    },
    /// An operation that the server does not take. The legacy ones left MongoDB with 5.1.
    #[error("operation code {0} is not supported: use OP_MSG")]
    OpCode(i32),
    /// The message ends before its parts do, or has a part that none should have.
    #[error("malformed {operation}: {what}")]
    Malformed {
        /// The operation's name, such as `OP_MSG`.
        operation: &'static str,
        /// Which rule is broken.
        what: &'static str,
    },
    /// Flag bits that must be understood and are not.
    #[error("OP_MSG has unknown required flag bits {0:#06x}")]
    RequiredFlags(u32),
    /// The CRC-32C at the end is wrong.
    #[error("OP_MSG checksum mismatch: the message was damaged on its way")]
    Checksum,
    /// A document in the message is not one.
    #[error(transparent)]
    Document(#[from] ValidationError),
    /// A compressor that was not agreed on, or data that it cannot read.
    #[error("OP_COMPRESSED: {0}")]
    Compression(&'static str),
}

impl Error {
    pub(crate) const fn malformed(operation: &'static str, what: &'static str) -> Self {
        Self::Malformed { operation, what }
    }

    /// The code that a client gets for it.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Document(error) => error.code(),
            Self::OpCode(_) => ErrorCode::IllegalOperation,
            Self::Length { .. } => ErrorCode::InvalidLength,
            _ => ErrorCode::ProtocolError,
        }
    }
}

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, Error>;
