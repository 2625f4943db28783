//! Get Usage Allocation (KMIP 1.4, 4.18; 2.1, 6.1.24).

use crate::identifier::UniqueIdentifier;

structure! {
    /// Reserves a part of what an object may still be used for.
    pub struct GetUsageAllocationRequest {
        /// The object; the ID placeholder if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
        /// How much.
        usage_limits_count: i64 = UsageLimitsCount,
    }
}

structure! {
    /// It is reserved.
    pub struct GetUsageAllocationResponse {
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
    }
}
