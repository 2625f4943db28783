//! Notify (KMIP 1.4, 5.1; 2.1, 6.2.3). From the server to the client.

use crate::attributes::{AttributeNames, Attributes};
use crate::identifier::UniqueIdentifier;

structure! {
    /// Tells that attributes of an object have changed.
    pub struct NotifyRequest {
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// The attributes as they are now.
        attributes: Attributes = Attribute | Attributes,
        /// The attributes that are gone. Of 2.0.
        attribute_names: AttributeNames = AttributeReference @ V2_0,
    }
}

structure! {
    /// Nothing.
    #[derive(Default)]
    pub struct NotifyResponse {
    }
}
