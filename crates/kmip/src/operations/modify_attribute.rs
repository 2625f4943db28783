//! Modify Attribute (KMIP 1.4, 4.15; 2.1, 6.1.32).

use crate::attributes::Attribute;
use crate::identifier::UniqueIdentifier;

structure! {
    /// Changes an attribute of an object.
    pub struct ModifyAttributeRequest {
        /// The object; the ID placeholder if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
        /// The attribute as it is, where there may be several. Of 2.0; 1.x says which one by the index.
        current_attribute: Option<Attribute> = CurrentAttribute @ V2_0,
        /// The attribute as it shall be.
        attribute: Attribute = NewAttribute | Attribute,
    }
}

structure! {
    /// The attribute is changed.
    pub struct ModifyAttributeResponse {
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// The attribute. Of 1.x.
        attribute: Option<Attribute> = Attribute,
    }
}
