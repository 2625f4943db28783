//! Re-key (KMIP 1.4, 4.4; 2.1, 6.1.42).

use crate::attributes::{Attributes, Attributes1x};
use crate::codec::Interval;
use crate::identifier::UniqueIdentifier;

use super::ProtectionStorageMasks;

structure! {
    /// Has the server make a key that replaces another.
    #[derive(Default)]
    pub struct ReKeyRequest {
        /// The object; the ID placeholder if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
        /// How long after its making the new key becomes active.
        offset: Option<Interval> = Offset,
        /// The attributes it shall have.
        attributes: Option<Attributes> = TemplateAttribute | Attributes,
        /// Where the object may be stored, one of these. Of 2.0.
        protection_storage_masks: Option<ProtectionStorageMasks> = ProtectionStorageMasks,
    }
}

structure! {
    /// The new key.
    pub struct ReKeyResponse {
        /// The new object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// Attributes that the server chose. Of 1.x.
        attributes: Option<Attributes1x> = TemplateAttribute,
    }
}
