//! Activate (KMIP 1.4, 4.19; 2.1, 6.1.1).

use crate::identifier::UniqueIdentifier;

structure! {
    /// Makes an object active.
    #[derive(Default)]
    pub struct ActivateRequest {
        /// The object; the ID placeholder if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
    }
}

structure! {
    /// It is active.
    pub struct ActivateResponse {
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
    }
}
