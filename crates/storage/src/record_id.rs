//! The identity of a record in its collection.

use bson::RawBsonRef;
use smallvec::SmallVec;

use crate::error::Result;
use crate::keyenc;

/// A record's `_id` in its ordered encoding: the end of its key. Two `_id`s that MongoDB takes
/// for equal (`1` and `1.0`) have the same one. Sorts as the `_id`s do.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId(SmallVec<[u8; 24]>);

impl RecordId {
    /// The identity that `id` gives.
    pub fn new(id: RawBsonRef<'_>) -> Result<Self> {
        let mut bytes = SmallVec::new();
        keyenc::encode(id, false, &mut bytes)?;
        Ok(Self(bytes))
    }

    /// The identity with the bytes that [`as_bytes`](Self::as_bytes) gave: those of a cursor.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(SmallVec::from_slice(bytes))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

// The bytes hold the `_id`, which is user data.
impl std::fmt::Debug for RecordId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RecordId({} bytes)", self.0.len())
    }
}
