//! BSON values as bytes that sort as the values do.

use bson::RawBsonRef;

use crate::error::Result;

/// What encodings are appended to.
pub trait Sink {
    /// Appends `bytes`.
    fn put(&mut self, bytes: &[u8]);
}

impl<A: smallvec::Array<Item = u8>> Sink for smallvec::SmallVec<A> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Appends the encoding of `value` to `out`: bytes compare as values do in MongoDB's order, or
/// the other way round if `descending`.
pub fn encode(value: RawBsonRef<'_>, descending: bool, out: &mut impl Sink) -> Result<()> {
    let _ = (value, descending, out);
    todo!()
}
