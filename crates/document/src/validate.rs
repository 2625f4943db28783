//! Checking bytes that claim to be a BSON document, in depth and before anything reads them.
//!
//! A document that passed may be read without fear: every length lies within its parent, every
//! string is UTF-8 and terminated, every type is known, and the nesting is bounded. Nothing is
//! allocated; the time is linear in the length.
//!
//! Source: the BSON specification, version 1.1 (bsonspec.org).

use bson::RawDocument;

use crate::limits::MAX_NESTING;

/// Why bytes are not a document that the server takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValidationError {
    /// The bytes break the BSON specification.
    #[error("invalid BSON at byte {offset}: {what}")]
    Malformed {
        /// Where, counted from the start of the outermost document.
        offset: usize,
        /// Which rule is broken.
        what: &'static str,
    },
    /// More levels than [`MAX_NESTING`].
    #[error("BSON document exceeds the maximum nesting of {MAX_NESTING} levels")]
    TooDeep,
}

impl ValidationError {
    /// The code that a client gets for it.
    pub const fn code(&self) -> crate::ErrorCode {
        match self {
            Self::Malformed { .. } => crate::ErrorCode::InvalidBSON,
            Self::TooDeep => crate::ErrorCode::Overflow,
        }
    }
}

/// The result of a check.
pub type Result<T> = std::result::Result<T, ValidationError>;

/// Checks that `bytes` are exactly one well-formed document of at most [`MAX_NESTING`] levels.
pub fn validate(bytes: &[u8]) -> Result<&RawDocument> {
    let mut cursor = Cursor { bytes, at: 0 };
    cursor.document(bytes.len(), 1)?;
    if cursor.at != bytes.len() {
        return Err(cursor.malformed("bytes follow the end of the document"));
    }
    RawDocument::from_bytes(bytes).map_err(|_| cursor.malformed("not a document"))
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn malformed(&self, what: &'static str) -> ValidationError {
        ValidationError::Malformed {
            offset: self.at,
            what,
        }
    }

    /// The next `len` bytes, which must end before `end`.
    fn take(&mut self, len: usize, end: usize) -> Result<&'a [u8]> {
        let stop = self.at.checked_add(len).filter(|&stop| stop <= end);
        let slice = stop.and_then(|stop| self.bytes.get(self.at..stop));
        match (slice, stop) {
            (Some(slice), Some(stop)) => {
                self.at = stop;
                Ok(slice)
            }
            _ => Err(self.malformed("a value reaches beyond the end of its document")),
        }
    }

    fn byte(&mut self, end: usize) -> Result<u8> {
        self.take(1, end)?
            .first()
            .copied()
            .ok_or_else(|| self.malformed("a byte is missing"))
    }

    fn length(&mut self, end: usize) -> Result<usize> {
        let bytes = self.take(4, end)?;
        let bytes =
            <[u8; 4]>::try_from(bytes).map_err(|_| self.malformed("a length is missing"))?;
        usize::try_from(i32::from_le_bytes(bytes)).map_err(|_| self.malformed("a negative length"))
    }

    /// A document or array that must end at or before `end`.
    fn document(&mut self, end: usize, level: usize) -> Result<()> {
        if level > MAX_NESTING {
            return Err(ValidationError::TooDeep);
        }
        let start = self.at;
        let length = self.length(end)?;
        let stop = start
            .checked_add(length)
            .filter(|&stop| length >= 5 && stop <= end)
            .ok_or_else(|| self.malformed("a document's length does not fit where it stands"))?;
        loop {
            let element_type = self.byte(stop)?;
            if element_type == 0 {
                break;
            }
            self.cstring(stop)?;
            self.value(element_type, stop, level)?;
        }
        if self.at != stop {
            return Err(self.malformed("a document ends before its length says so"));
        }
        Ok(())
    }

    fn value(&mut self, element_type: u8, end: usize, level: usize) -> Result<()> {
        match element_type {
            0x01 | 0x09 | 0x11 | 0x12 => self.skip(8, end),
            0x02 | 0x0D | 0x0E => self.string(end),
            0x03 | 0x04 => self.document(end, level + 1),
            0x05 => self.binary(end),
            0x06 | 0x0A | 0x7F | 0xFF => Ok(()),
            0x07 => self.skip(12, end),
            0x08 => match self.byte(end)? {
                0 | 1 => Ok(()),
                _ => Err(self.malformed("a boolean is neither 0 nor 1")),
            },
            0x0B => {
                self.cstring(end)?;
                self.cstring(end)
            }
            0x0C => {
                self.string(end)?;
                self.skip(12, end)
            }
            0x0F => self.code_with_scope(end, level),
            0x10 => self.skip(4, end),
            0x13 => self.skip(16, end),
            _ => Err(self.malformed("an unknown element type")),
        }
    }

    fn skip(&mut self, len: usize, end: usize) -> Result<()> {
        self.take(len, end).map(|_| ())
    }

    fn utf8(&self, bytes: &[u8]) -> Result<()> {
        std::str::from_utf8(bytes)
            .map(|_| ())
            .map_err(|_| self.malformed("text is not UTF-8"))
    }

    fn cstring(&mut self, end: usize) -> Result<()> {
        let rest = self.bytes.get(self.at..end).unwrap_or_default();
        let length = rest
            .iter()
            .position(|&byte| byte == 0)
            .ok_or_else(|| self.malformed("a name is not terminated"))?;
        let text = self.take(length, end)?;
        self.utf8(text)?;
        self.skip(1, end)
    }

    fn string(&mut self, end: usize) -> Result<()> {
        let length = self.length(end)?;
        match self.take(length, end)? {
            [text @ .., 0] => self.utf8(text),
            _ => Err(self.malformed("a string is not terminated")),
        }
    }

    fn binary(&mut self, end: usize) -> Result<()> {
        let length = self.length(end)?;
        let subtype = self.byte(end)?;
        let data = self.take(length, end)?;
        // Subtype 2, the old form, repeats the length inside.
        if subtype == 2 {
            let inner = data
                .first_chunk::<4>()
                .map(|bytes| i32::from_le_bytes(*bytes));
            if inner.and_then(|inner| usize::try_from(inner).ok()) != length.checked_sub(4) {
                return Err(self.malformed("an old binary's inner length is wrong"));
            }
        }
        Ok(())
    }

    fn code_with_scope(&mut self, end: usize, level: usize) -> Result<()> {
        let start = self.at;
        let length = self.length(end)?;
        let stop = start
            .checked_add(length)
            .filter(|&stop| stop <= end)
            .ok_or_else(|| self.malformed("code with scope reaches beyond its document"))?;
        self.string(stop)?;
        self.document(stop, level + 1)?;
        if self.at != stop {
            return Err(self.malformed("code with scope has a wrong length"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::{Bson, doc, rawdoc};

    #[test]
    fn takes_every_type_that_the_driver_writes() {
        let document = bson::RawDocumentBuf::try_from(&doc! {
            "double": 1.5, "string": "text", "document": { "a": [1, { "b": 2 }] }, "true": true,
            "null": Bson::Null, "undefined": Bson::Undefined, "min": Bson::MinKey,
            "max": Bson::MaxKey, "int": 1_i32, "long": 1_i64,
            "date": bson::DateTime::from_millis(0), "oid": bson::oid::ObjectId::new(),
            "binary": bson::Binary { subtype: bson::spec::BinarySubtype::Generic, bytes: vec![1] },
            "old": bson::Binary { subtype: bson::spec::BinarySubtype::BinaryOld, bytes: vec![1] },
            "timestamp": bson::Timestamp { time: 1, increment: 2 },
            "decimal": "1.5".parse::<bson::Decimal128>().unwrap(),
            "code": Bson::JavaScriptCode("x".into()), "symbol": Bson::Symbol("s".into()),
            "scope": bson::JavaScriptCodeWithScope { code: "x".into(), scope: doc! { "a": 1 } },
        })
        .unwrap();
        assert_eq!(validate(document.as_bytes()).unwrap(), &*document);
        // Every prefix and every single extra byte is refused.
        for len in 0..document.as_bytes().len() {
            assert!(validate(&document.as_bytes()[..len]).is_err());
        }
    }

    #[test]
    fn bounds_the_nesting() {
        let nested = |levels: usize| {
            let mut document = rawdoc! {};
            for _ in 1..levels {
                let mut outer = rawdoc! {};
                outer.append(bson::raw::cstr!("a"), document);
                document = outer;
            }
            document
        };
        assert!(validate(nested(MAX_NESTING).as_bytes()).is_ok());
        assert_eq!(
            validate(nested(MAX_NESTING + 1).as_bytes()),
            Err(ValidationError::TooDeep)
        );
    }

    #[test]
    fn whatever_passes_reads_without_an_error() {
        fn read(document: &RawDocument) {
            for element in document.iter_elements() {
                match element.unwrap().value().unwrap() {
                    bson::RawBsonRef::Document(inner) => read(inner),
                    bson::RawBsonRef::Array(inner) => {
                        assert!(inner.into_iter().all(|value| value.is_ok()));
                    }
                    _ => {}
                }
            }
        }
        bolero::check!()
            .with_iterations(20_000)
            .for_each(|bytes: &[u8]| {
                if let Ok(document) = validate(bytes) {
                    read(document);
                }
                // Arbitrary bytes rarely have the right length: give them one.
                let mut framed = Vec::with_capacity(bytes.len() + 5);
                framed.extend_from_slice(&(bytes.len() as i32 + 5).to_le_bytes());
                framed.extend_from_slice(bytes);
                framed.push(0);
                if let Ok(document) = validate(&framed) {
                    read(document);
                }
            });
    }
}
