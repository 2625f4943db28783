//! Records: `kind u16, length u32, value`, and the cursor that everything is read with.

use super::FormatError;

/// Kinds from here on may be skipped by who does not know them.
const FIRST_OPTIONAL: u16 = 0x8000;

/// A record that is not known here and is kept as it is: kind and value.
pub(crate) type Unknown = (u16, Vec<u8>);

/// A cursor over untrusted bytes.
pub(crate) struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Input<'a> {
        Input { rest: bytes }
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], FormatError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or(FormatError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let (taken, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(FormatError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, FormatError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, FormatError> {
        self.array().map(u32::from_be_bytes)
    }

    /// The next record, or `None` at the end.
    pub(crate) fn record(&mut self) -> Result<Option<Record<'a>>, FormatError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let kind = self.u16()?;
        let len = self.u32()? as usize;
        let value = self.take(len)?;
        Ok(Some(Record { kind, value }))
    }

    pub(crate) fn end(&self) -> Result<(), FormatError> {
        match self.rest.len() {
            0 => Ok(()),
            more => Err(FormatError::TrailingBytes(more)),
        }
    }
}

pub(crate) struct Record<'a> {
    pub(crate) kind: u16,
    pub(crate) value: &'a [u8],
}

impl<'a> Record<'a> {
    /// The value as exactly `N` bytes.
    pub(crate) fn array<const N: usize>(
        &self,
        field: &'static str,
    ) -> Result<[u8; N], FormatError> {
        self.value
            .try_into()
            .map_err(|_| FormatError::Value { field })
    }

    /// The value as UTF-8 of 1 to `limit` bytes.
    pub(crate) fn text(&self, field: &'static str, limit: usize) -> Result<String, FormatError> {
        match std::str::from_utf8(self.value) {
            Ok(text) if (1..=limit).contains(&text.len()) => Ok(text.to_owned()),
            _ => Err(FormatError::Value { field }),
        }
    }

    /// A record that this version does not know: kept if it is optional, an error if not.
    pub(crate) fn unknown(
        &self,
        place: &'static str,
        kept: &mut Vec<Unknown>,
    ) -> Result<(), FormatError> {
        if self.kind < FIRST_OPTIONAL {
            return Err(FormatError::UnknownRecord {
                place,
                kind: self.kind,
            });
        }
        kept.push((self.kind, self.value.to_vec()));
        Ok(())
    }
}

/// Fills `slot`, once.
pub(crate) fn set<T>(
    slot: &mut Option<T>,
    field: &'static str,
    value: T,
) -> Result<(), FormatError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(FormatError::Duplicate { field }),
    }
}

/// Appends a record.
pub(crate) fn put(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    out.extend_from_slice(&kind.to_be_bytes());
    // Values are parts of a file of at most 64 MiB.
    out.extend_from_slice(&(value.len() as u32).to_be_bytes());
    out.extend_from_slice(value);
}

/// Appends the records that were kept.
pub(crate) fn put_unknown(out: &mut Vec<u8>, kept: &[Unknown]) {
    for (kind, value) in kept {
        put(out, *kind, value);
    }
}
