//! Add Attribute (KMIP 1.4, 4.14; 2.1, 6.1.2).

use crate::attributes::Attribute;
use crate::identifier::UniqueIdentifier;

structure! {
    /// Gives an object one more attribute.
    pub struct AddAttributeRequest {
        /// The object; the ID placeholder if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
        /// The attribute.
        attribute: Attribute = NewAttribute | Attribute,
    }
}

structure! {
    /// The attribute is added.
    pub struct AddAttributeResponse {
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// The attribute. Of 1.x.
        attribute: Option<Attribute> = Attribute,
    }
}
