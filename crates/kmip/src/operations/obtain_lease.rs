//! Obtain Lease (KMIP 1.4, 4.17; 2.1, 6.1.33).

use crate::codec::{DateTime, Interval};
use crate::identifier::UniqueIdentifier;

structure! {
    /// Asks for the right to use an object for some time.
    #[derive(Default)]
    pub struct ObtainLeaseRequest {
        /// The object; the ID placeholder if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
    }
}

structure! {
    /// For how long it may be used.
    pub struct ObtainLeaseResponse {
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// For how long.
        lease_time: Interval = LeaseTime,
        /// When the object was last changed.
        last_change_date: DateTime = LastChangeDate,
    }
}
