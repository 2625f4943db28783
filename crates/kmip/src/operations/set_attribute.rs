//! Set Attribute (KMIP 2.1, 6.1.50). Of 2.0.

use crate::attributes::Attribute;
use crate::identifier::UniqueIdentifier;

structure! {
    /// Gives an attribute of an object a value, whether it had one or not.
    pub struct SetAttributeRequest {
        /// The object; the ID placeholder if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
        /// The attribute.
        attribute: Attribute = NewAttribute,
    }
}

structure! {
    /// It has that value.
    pub struct SetAttributeResponse {
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
    }
}
