//! What a peer may ask of our memory.

use crate::error::DecodeError;

/// Bounds that are checked before anything is allocated for a message.
///
/// The defaults fit every known client and server; a field set to its type's maximum switches it off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest message, in bytes, header of the outer item included. Default: 1 MiB.
    pub message_bytes: usize,
    /// How deep structures may nest, the message itself being 1. Default: 32; never more than
    /// [`Limits::MAX_DEPTH`].
    pub depth: usize,
    /// How many items, structures included, one message may hold. Default: 10,000.
    pub items: usize,
    /// How many batch items one message may hold. Default: 1,000.
    pub batch_items: usize,
}

impl Limits {
    /// The depth beyond which no configuration goes: decoding recurses, and the stack is finite.
    pub const MAX_DEPTH: usize = 64;

    /// How many bytes of XML or JSON may stand for one byte of TTLV. The names of tags and types are up to 37 and 16
    /// characters, those of all bits of a mask some 250, where TTLV has 16 bytes; blanks and line ends come on top.
    pub const TEXT_FACTOR: usize = 64;

    /// The default limits.
    pub const DEFAULT: Self = Self {
        message_bytes: 1 << 20,
        depth: 32,
        items: 10_000,
        batch_items: 1_000,
    };

    /// Whether a text may be translated at all: before it is read.
    pub(crate) fn check_text(&self, text: &str) -> Result<(), DecodeError> {
        let max = self.message_bytes.saturating_mul(Self::TEXT_FACTOR);
        if text.len() > max {
            let what = "bytes of text";
            return Err(DecodeError::Limit { what, max });
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
