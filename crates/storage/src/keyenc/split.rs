//! Where an encoding ends.

use document::limits::MAX_NESTING;

use super::number::MAX_GROUPS;
use super::{ESCAPED, NUL, tag};

/// The length of the encoding that `bytes` begins with, which is inverted if `descending`. `None`
/// if there is none: the bytes are not a key, or end early.
pub fn value_len(bytes: &[u8], descending: bool) -> Option<usize> {
    let mut reader = Reader {
        bytes,
        at: 0,
        mask: if descending { 0xFF } else { 0 },
    };
    reader.value(0)?;
    Some(reader.at)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// What every byte is exclusive-ored with: all ones for what is inverted.
    mask: u8,
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)? ^ self.mask;
        self.at += 1;
        Some(byte)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        let at = self.at.checked_add(count)?;
        (at <= self.bytes.len()).then(|| self.at = at)
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        if depth > MAX_NESTING {
            return None;
        }
        match self.byte()? {
            tag::MIN_KEY
            | tag::UNDEFINED
            | tag::NULL
            | tag::NAN
            | tag::NEGATIVE_INFINITY
            | tag::ZERO
            | tag::POSITIVE_INFINITY
            | tag::FALSE
            | tag::TRUE
            | tag::MAX_KEY => Some(()),
            tag::POSITIVE => self.magnitude(),
            tag::NEGATIVE => {
                self.mask = !self.mask;
                let read = self.magnitude();
                self.mask = !self.mask;
                read
            }
            tag::STRING | tag::CODE => self.string(),
            tag::OBJECT => self.fields(depth),
            tag::ARRAY => loop {
                if self.peek_end()? {
                    return Some(());
                }
                self.value(depth + 1)?;
            },
            tag::BINARY => {
                let length = self.length()?;
                self.skip(length.checked_add(1)?)
            }
            tag::OBJECT_ID => self.skip(12),
            tag::DATE | tag::TIMESTAMP => self.skip(8),
            tag::REGEX => {
                self.name()?;
                self.name()
            }
            tag::DB_POINTER => {
                let length = self.length()?;
                self.skip(length)
            }
            tag::CODE_WITH_SCOPE => {
                self.string()?;
                self.fields(depth)
            }
            _ => None,
        }
    }

    /// Whether the composite ends here; then past its end.
    fn peek_end(&mut self) -> Option<bool> {
        let end = *self.bytes.get(self.at)? ^ self.mask == tag::END;
        if end {
            self.at += 1;
        }
        Some(end)
    }

    fn fields(&mut self, depth: usize) -> Option<()> {
        loop {
            if self.peek_end()? {
                return Some(());
            }
            self.skip(1)?;
            self.name()?;
            self.value(depth + 1)?;
        }
    }

    fn name(&mut self) -> Option<()> {
        let end = NUL ^ self.mask;
        let length = self
            .bytes
            .get(self.at..)?
            .iter()
            .position(|&byte| byte == end)?;
        self.skip(length + 1)
    }

    fn string(&mut self) -> Option<()> {
        loop {
            self.name()?;
            match self.byte()? {
                NUL => return Some(()),
                ESCAPED => {}
                _ => return None,
            }
        }
    }

    fn length(&mut self) -> Option<usize> {
        let mut length = 0;
        for _ in 0..4 {
            length = length << 8 | usize::from(self.byte()?);
        }
        Some(length)
    }

    fn magnitude(&mut self) -> Option<()> {
        for _ in 1..MAX_GROUPS {
            if self.byte()? & 1 == 0 {
                return Some(());
            }
        }
        // The tenth group holds the bit that says that a tail follows, and is there only for it.
        self.byte()?;
        self.skip(2)?;
        self.name()
    }
}
