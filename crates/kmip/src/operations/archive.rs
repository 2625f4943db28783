//! Archive (KMIP 1.4, 4.22; 2.1, 6.1.4).

use crate::identifier::UniqueIdentifier;

structure! {
    /// Moves an object to the archive.
    #[derive(Default)]
    pub struct ArchiveRequest {
        /// The object; the ID placeholder if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
    }
}

structure! {
    /// It is archived.
    pub struct ArchiveResponse {
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
    }
}
