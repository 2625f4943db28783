//! Get Attributes (KMIP 1.4, 4.12; 2.1, 6.1.21).

use crate::attributes::{AttributeNames, Attributes};
use crate::identifier::UniqueIdentifier;

structure! {
    /// Asks for attributes of an object.
    #[derive(Default)]
    pub struct GetAttributesRequest {
        /// The object; the ID placeholder if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
        /// Which attributes; all if empty.
        attribute_names: AttributeNames = AttributeName | AttributeReference,
    }
}

structure! {
    /// The attributes that the object has of those asked for.
    pub struct GetAttributesResponse {
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// The attributes.
        attributes: Attributes = Attribute | Attributes,
    }
}
