//! Join Split Key (KMIP 1.4, 4.39; 2.1, 6.1.27). Of 1.2.

use crate::attributes::{Attributes, Attributes1x};
use crate::identifier::UniqueIdentifier;
use crate::registry::{ObjectType, SecretDataType};

use super::ProtectionStorageMasks;

structure! {
    /// Has the server put a key together from its parts.
    pub struct JoinSplitKeyRequest {
        /// What it shall be.
        object_type: ObjectType = ObjectType,
        /// The parts.
        unique_identifiers: Vec<UniqueIdentifier> = UniqueIdentifier,
        /// What kind of secret it shall be.
        secret_data_type: Option<SecretDataType> = SecretDataType,
        /// The attributes it shall have.
        attributes: Option<Attributes> = TemplateAttribute | Attributes,
        /// Where the object may be stored, one of these. Of 2.0.
        protection_storage_masks: Option<ProtectionStorageMasks> = ProtectionStorageMasks,
    }
}

structure! {
    /// The key.
    pub struct JoinSplitKeyResponse {
        /// The new object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// Attributes that the server chose. Of 1.x.
        attributes: Option<Attributes1x> = TemplateAttribute,
    }
}
