//! Get Attribute List (KMIP 1.4, 4.13; 2.1, 6.1.22).

use crate::attributes::AttributeNames;
use crate::identifier::UniqueIdentifier;

structure! {
    /// Asks which attributes an object has.
    #[derive(Default)]
    pub struct GetAttributeListRequest {
        /// The object; the ID placeholder if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
    }
}

structure! {
    /// The names of the object's attributes.
    pub struct GetAttributeListResponse {
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// The names.
        attribute_names: AttributeNames = AttributeName | AttributeReference,
    }
}
