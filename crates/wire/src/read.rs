//! Taking parts off the front of a message.

use bson::RawDocument;

use crate::{Error, Result};

/// What is left of a message's body.
pub(crate) struct Reader<'a> {
    pub(crate) rest: &'a [u8],
    operation: &'static str,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(rest: &'a [u8], operation: &'static str) -> Self {
        Self { rest, operation }
    }

    pub(crate) fn take(&mut self, len: usize, what: &'static str) -> Result<&'a [u8]> {
        let (taken, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or(Error::malformed(self.operation, what))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn u8(&mut self, what: &'static str) -> Result<u8> {
        let (&byte, rest) = self
            .rest
            .split_first()
            .ok_or(Error::malformed(self.operation, what))?;
        self.rest = rest;
        Ok(byte)
    }

    pub(crate) fn i32(&mut self, what: &'static str) -> Result<i32> {
        let (bytes, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(Error::malformed(self.operation, what))?;
        self.rest = rest;
        Ok(i32::from_le_bytes(*bytes))
    }

    pub(crate) fn cstring(&mut self, what: &'static str) -> Result<&'a str> {
        let malformed = Error::malformed(self.operation, what);
        let end = self
            .rest
            .iter()
            .position(|&byte| byte == 0)
            .ok_or(malformed.clone())?;
        let text = self.take(end, what)?;
        self.u8(what)?;
        std::str::from_utf8(text).map_err(|_| malformed)
    }

    /// A document, checked in depth.
    pub(crate) fn document(&mut self, what: &'static str) -> Result<&'a RawDocument> {
        let length = self
            .rest
            .first_chunk()
            .and_then(|bytes| usize::try_from(i32::from_le_bytes(*bytes)).ok())
            .ok_or(Error::malformed(self.operation, what))?;
        let bytes = self.take(length, what)?;
        Ok(document::validate(bytes)?)
    }
}
