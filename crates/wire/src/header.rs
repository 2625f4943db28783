//! The 16 bytes before every message.

use document::limits::MAX_MESSAGE_BYTES;

use crate::{Error, Result};

/// The bytes of a header.
pub const HEADER_BYTES: usize = 16;

/// What a message asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpCode {
    /// The answer to [`OpCode::Query`].
    Reply,
    /// The legacy query, which drivers send once, to shake hands.
    Query,
    /// Another message, compressed.
    Compressed,
    /// A command or its answer.
    Msg,
    /// Anything else.
    Unknown(i32),
}

impl OpCode {
    /// The number on the wire.
    pub const fn code(self) -> i32 {
        match self {
            Self::Reply => 1,
            Self::Query => 2004,
            Self::Compressed => 2012,
            Self::Msg => 2013,
            Self::Unknown(code) => code,
        }
    }
}

impl From<i32> for OpCode {
    fn from(code: i32) -> Self {
        match code {
            1 => Self::Reply,
            2004 => Self::Query,
            2012 => Self::Compressed,
            2013 => Self::Msg,
            other => Self::Unknown(other),
        }
    }
}

/// A message's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The whole message in bytes, header included; between 16 and
    /// [`MAX_MESSAGE_BYTES`] once decoded.
    pub length: usize,
    /// The sender's number for this message.
    pub request_id: i32,
    /// The number of the request that this message answers.
    pub response_to: i32,
    /// What the message asks for.
    pub op_code: OpCode,
}

impl Header {
    /// Reads a header and checks its length, before anybody allocates by it.
    pub fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Self> {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *bytes;
        let got = i32::from_le_bytes([a, b, c, d]);
        let length = usize::try_from(got)
            .ok()
            .filter(|length| (HEADER_BYTES..=MAX_MESSAGE_BYTES).contains(length))
            .ok_or(Error::Length {
                got,
                min: HEADER_BYTES,
                max: MAX_MESSAGE_BYTES,
            })?;
        Ok(Self {
            length,
            request_id: i32::from_le_bytes([e, f, g, h]),
            response_to: i32::from_le_bytes([i, j, k, l]),
            op_code: i32::from_le_bytes([m, n, o, p]).into(),
        })
    }

    /// Writes a header whose length is filled in by [`finish`].
    pub(crate) fn begin(out: &mut Vec<u8>, request_id: i32, response_to: i32, op_code: OpCode) {
        out.extend_from_slice(&0_i32.to_le_bytes());
        out.extend_from_slice(&request_id.to_le_bytes());
        out.extend_from_slice(&response_to.to_le_bytes());
        out.extend_from_slice(&op_code.code().to_le_bytes());
    }
}

/// Fills in the length of the message that began at `start`.
pub fn finish(out: &mut [u8], start: usize) {
    let length = i32::try_from(out.len().saturating_sub(start)).unwrap_or(i32::MAX);
    if let Some(field) = out.get_mut(start..start + 4) {
        field.copy_from_slice(&length.to_le_bytes());
    }
}
