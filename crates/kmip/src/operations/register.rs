//! Register (KMIP 1.4, 4.3; 2.1, 6.1.47).

use crate::attributes::{Attributes, Attributes1x};
use crate::identifier::UniqueIdentifier;
use crate::objects::ManagedObject;
use crate::registry::ObjectType;

use super::ProtectionStorageMasks;

structure! {
    /// Gives the server an object.
    pub struct RegisterRequest {
        /// What it is.
        object_type: ObjectType = ObjectType,
        /// The attributes it shall have.
        attributes: Attributes = TemplateAttribute | Attributes,
        /// The object.
        object: ManagedObject = SymmetricKey | Certificate | CertificateRequest | PublicKey | PrivateKey | SplitKey | Template | SecretData
            | OpaqueObject | PGPKey,
        /// Where the object may be stored, one of these. Of 2.0.
        protection_storage_masks: Option<ProtectionStorageMasks> = ProtectionStorageMasks,
    }
}

structure! {
    /// The object that was registered.
    pub struct RegisterResponse {
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// Attributes that the server chose. Of 1.x.
        attributes: Option<Attributes1x> = TemplateAttribute,
    }
}
