//! Export (KMIP 1.4, 4.40; 2.1, 6.1.19). Of 1.4.

use crate::attributes::Attributes;
use crate::identifier::UniqueIdentifier;
use crate::objects::{KeyWrappingSpecification, ManagedObject};
use crate::registry::{KeyCompressionType, KeyFormatType, KeyWrapType, ObjectType};

structure! {
    /// Asks for an object with all its attributes, destroyed ones too.
    #[derive(Default)]
    pub struct ExportRequest {
        /// The object; the ID placeholder if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
        /// In which format.
        key_format_type: Option<KeyFormatType> = KeyFormatType,
        /// Wrapped as it was registered, or not wrapped.
        key_wrap_type: Option<KeyWrapType> = KeyWrapType,
        /// With a point compressed so.
        key_compression_type: Option<KeyCompressionType> = KeyCompressionType,
        /// Wrapped so.
        key_wrapping_specification: Option<KeyWrappingSpecification> = KeyWrappingSpecification,
    }
}

structure! {
    /// The object.
    pub struct ExportResponse {
        /// What it is.
        object_type: ObjectType = ObjectType,
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// Its attributes.
        attributes: Attributes = Attribute | Attributes,
        /// It; absent when it is destroyed.
        object: Option<ManagedObject> = SymmetricKey | Certificate | CertificateRequest | PublicKey | PrivateKey | SplitKey | Template | SecretData | OpaqueObject | PGPKey,
    }
}
