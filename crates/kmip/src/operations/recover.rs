//! Recover (KMIP 1.4, 4.23; 2.1, 6.1.39).

use crate::identifier::UniqueIdentifier;

structure! {
    /// Gets an object back from the archive.
    #[derive(Default)]
    pub struct RecoverRequest {
        /// The object; the ID placeholder if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
    }
}

structure! {
    /// It is back.
    pub struct RecoverResponse {
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
    }
}
