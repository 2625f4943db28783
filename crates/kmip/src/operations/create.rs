//! Create (KMIP 1.4, 4.1; 2.1, 6.1.8).

use crate::attributes::{Attributes, Attributes1x};
use crate::identifier::UniqueIdentifier;
use crate::registry::ObjectType;

use super::ProtectionStorageMasks;

structure! {
    /// Has the server make a symmetric key.
    pub struct CreateRequest {
        /// What to make.
        object_type: ObjectType = ObjectType,
        /// The attributes it shall have.
        attributes: Attributes = TemplateAttribute | Attributes,
        /// Where the object may be stored, one of these. Of 2.0.
        protection_storage_masks: Option<ProtectionStorageMasks> = ProtectionStorageMasks,
    }
}

structure! {
    /// The key that was made.
    pub struct CreateResponse {
        /// What was made.
        object_type: ObjectType = ObjectType,
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// Attributes that the server chose. Of 1.x.
        attributes: Option<Attributes1x> = TemplateAttribute,
    }
}
