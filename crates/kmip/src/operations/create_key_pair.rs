//! Create Key Pair (KMIP 1.4, 4.2; 2.1, 6.1.9).

use crate::attributes::{Attributes, Attributes1x};
use crate::identifier::UniqueIdentifier;

use super::ProtectionStorageMasks;

structure! {
    /// Has the server make a key pair.
    #[derive(Default)]
    pub struct CreateKeyPairRequest {
        /// The attributes that both keys shall have.
        common_attributes: Option<Attributes> = CommonTemplateAttribute | CommonAttributes,
        /// The private key's.
        private_key_attributes: Option<Attributes> = PrivateKeyTemplateAttribute | PrivateKeyAttributes,
        /// The public key's.
        public_key_attributes: Option<Attributes> = PublicKeyTemplateAttribute | PublicKeyAttributes,
        /// Where both may be stored, one of these. Of 2.0.
        common_protection_storage_masks: Option<ProtectionStorageMasks> = CommonProtectionStorageMasks,
        /// Where the private key may. Of 2.0.
        private_protection_storage_masks: Option<ProtectionStorageMasks> = PrivateProtectionStorageMasks,
        /// Where the public key may. Of 2.0.
        public_protection_storage_masks: Option<ProtectionStorageMasks> = PublicProtectionStorageMasks,
    }
}

structure! {
    /// The key pair that was made.
    pub struct CreateKeyPairResponse {
        /// The private key.
        private_key_unique_identifier: UniqueIdentifier = PrivateKeyUniqueIdentifier,
        /// The public key.
        public_key_unique_identifier: UniqueIdentifier = PublicKeyUniqueIdentifier,
        /// The private key's attributes that the server chose. Of 1.x.
        private_key_attributes: Option<Attributes1x> = PrivateKeyTemplateAttribute,
        /// The public key's. Of 1.x.
        public_key_attributes: Option<Attributes1x> = PublicKeyTemplateAttribute,
    }
}
