//! Import (KMIP 1.4, 4.41; 2.1, 6.1.26). Of 1.4.

use crate::attributes::Attributes;
use crate::identifier::UniqueIdentifier;
use crate::objects::ManagedObject;
use crate::registry::{KeyWrapType, ObjectType};

structure! {
    /// Gives the server an object with its identifier and all its attributes.
    pub struct ImportRequest {
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// What it is.
        object_type: ObjectType = ObjectType,
        /// Whether it may replace an object of this identifier.
        replace_existing: Option<bool> = ReplaceExisting,
        /// Whether a wrapped key is to be unwrapped.
        key_wrap_type: Option<KeyWrapType> = KeyWrapType,
        /// Its attributes.
        attributes: Attributes = Attribute | Attributes,
        /// It.
        object: ManagedObject = SymmetricKey | Certificate | CertificateRequest | PublicKey | PrivateKey | SplitKey | Template | SecretData | OpaqueObject | PGPKey,
    }
}

structure! {
    /// The object that was imported.
    pub struct ImportResponse {
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
    }
}
