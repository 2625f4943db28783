//! Delete Attribute (KMIP 1.4, 4.16; 2.1, 6.1.14).

use crate::attributes::{Attribute, AttributeName};
use crate::identifier::UniqueIdentifier;

structure! {
    /// Takes an attribute from an object.
    #[derive(Default)]
    pub struct DeleteAttributeRequest {
        /// The object; the ID placeholder if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
        /// The attribute with its value, where there may be several. Of 2.0.
        current_attribute: Option<Attribute> = CurrentAttribute @ V2_0,
        /// The attribute's name.
        attribute_name: Option<AttributeName> = AttributeName | AttributeReference,
        /// Which instance of the attribute. Of 1.x.
        attribute_index: Option<i32> = AttributeIndex,
    }
}

structure! {
    /// The attribute is gone.
    pub struct DeleteAttributeResponse {
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// The attribute. Of 1.x.
        attribute: Option<Attribute> = Attribute,
    }
}
