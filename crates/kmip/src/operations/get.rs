//! Get (KMIP 1.4, 4.11; 2.1, 6.1.20).

use crate::identifier::UniqueIdentifier;
use crate::objects::{KeyWrappingSpecification, ManagedObject};
use crate::registry::{KeyCompressionType, KeyFormatType, KeyWrapType, ObjectType};

structure! {
    /// Asks for an object.
    #[derive(Default)]
    pub struct GetRequest {
        /// The object; the ID placeholder if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
        /// In which format.
        key_format_type: Option<KeyFormatType> = KeyFormatType,
        /// Wrapped as it was registered, or not wrapped. Of 1.4.
        key_wrap_type: Option<KeyWrapType> = KeyWrapType,
        /// With a point compressed so.
        key_compression_type: Option<KeyCompressionType> = KeyCompressionType,
        /// Wrapped so.
        key_wrapping_specification: Option<KeyWrappingSpecification> = KeyWrappingSpecification,
    }
}

structure! {
    /// The object.
    pub struct GetResponse {
        /// What it is.
        object_type: ObjectType = ObjectType,
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// The object itself.
        object: ManagedObject = SymmetricKey | Certificate | CertificateRequest | PublicKey | PrivateKey | SplitKey | Template | SecretData
            | OpaqueObject | PGPKey,
    }
}
