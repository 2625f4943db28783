//! Destroy (KMIP 1.4, 4.21; 2.1, 6.1.16).

use crate::identifier::UniqueIdentifier;

structure! {
    /// Destroys the key material of an object.
    #[derive(Default)]
    pub struct DestroyRequest {
        /// The object; the ID placeholder if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
    }
}

structure! {
    /// It is destroyed.
    pub struct DestroyResponse {
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
    }
}
