//! A document that is copied with changes, in one pass.
//!
//! What stays between two changes is copied in one go, when the second one comes; without a change
//! nothing is copied.

use bson::RawDocumentBuf;
use document::ErrorCode;
use document::limits::MAX_DOCUMENT_BYTES;

use crate::raw::{Element, write};
use crate::{Error, Result};

/// A source, and what has become of it up to a point.
#[derive(Debug)]
pub(super) struct Rewriter<'d> {
    source: &'d [u8],
    /// Up to here the source is accounted for in `out`; from here on it is as yet unchanged.
    done: usize,
    out: Vec<u8>,
    changed: bool,
}

/// Room for the new fields of a common update.
const HEADROOM: usize = 64;

impl<'d> Rewriter<'d> {
    pub(super) const fn new(source: &'d [u8]) -> Self {
        Self {
            source,
            done: 0,
            out: Vec::new(),
            changed: false,
        }
    }

    /// The document that is copied.
    pub(super) const fn source(&self) -> &'d [u8] {
        self.source
    }

    /// Where the byte at `at` of the source, not yet passed, stands in the copy as it is so far.
    pub(super) fn position(&self, at: usize) -> usize {
        self.out.len() + at.saturating_sub(self.done)
    }

    fn copy_until(&mut self, at: usize) {
        if self.out.capacity() == 0 {
            self.out.reserve(self.source.len() + HEADROOM);
        }
        let unchanged = self.source.get(self.done..at).unwrap_or_default();
        self.out.extend_from_slice(unchanged);
        self.done = self.done.max(at);
    }

    /// Gives an element another value.
    pub(super) fn put(&mut self, element: &Element<'_>, tag: u8, value: &[u8]) -> Result<()> {
        if element.is_identical(tag, value) {
            return Ok(());
        }
        if tag == element.tag {
            self.copy_until(element.value_start);
        } else {
            self.copy_until(element.start);
            write::header(&mut self.out, tag, element.name);
        }
        self.out.extend_from_slice(value);
        self.done = element.end;
        self.changed = true;
        self.check_size()
    }

    /// Leaves an element out.
    pub(super) fn remove(&mut self, element: &Element<'_>) {
        self.copy_until(element.start);
        self.done = element.end;
        self.changed = true;
    }

    /// Hands out the copy so far, to be written to: what is written comes to stand before the byte
    /// at `at` of the source. [`Rewriter::give_back`] returns it.
    pub(super) fn take_at(&mut self, at: usize) -> Vec<u8> {
        self.copy_until(at);
        std::mem::take(&mut self.out)
    }

    /// The counterpart of [`Rewriter::take_at`].
    pub(super) fn give_back(&mut self, out: Vec<u8>, changed: bool) -> Result<()> {
        self.out = out;
        self.changed |= changed;
        self.check_size()
    }

    /// Corrects the length of the document at `start..end` of the source, whose copy starts at
    /// `position`.
    pub(super) fn close(&mut self, position: usize, start: usize, end: usize) {
        let length = self.position(end).saturating_sub(position);
        // Another length means that something within was written, and its start before it.
        if length != end - start {
            write::patch_length(&mut self.out, position, length);
        }
    }

    /// The copy; `None` if it is the same as the source.
    pub(super) fn finish(mut self) -> Result<Option<RawDocumentBuf>> {
        if !self.changed {
            return Ok(None);
        }
        self.copy_until(self.source.len());
        self.check_size()?;
        RawDocumentBuf::from_bytes(self.out)
            .map(Some)
            .map_err(|_| Error::new(ErrorCode::InvalidBSON, "the stored document is not BSON"))
    }

    fn check_size(&self) -> Result<()> {
        check_size(self.out.len())
    }
}

/// Refuses what is too long to be stored.
pub(super) fn check_size(bytes: usize) -> Result<()> {
    if bytes <= MAX_DOCUMENT_BYTES {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::BSONObjectTooLarge,
        format!("Resulting document after update is larger than {MAX_DOCUMENT_BYTES}"),
    ))
}
