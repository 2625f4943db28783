//! Check (KMIP 1.4, 4.10; 2.1, 6.1.6).

use crate::codec::Interval;
use crate::identifier::UniqueIdentifier;
use crate::registry::CryptographicUsageMask;

structure! {
    /// Asks whether an object may be used so.
    #[derive(Default)]
    pub struct CheckRequest {
        /// The object; the ID placeholder if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
        /// How much is to be protected.
        usage_limits_count: Option<i64> = UsageLimitsCount,
        /// For what.
        cryptographic_usage_mask: Option<CryptographicUsageMask> = CryptographicUsageMask,
        /// For how long.
        lease_time: Option<Interval> = LeaseTime,
    }
}

structure! {
    /// What speaks against it, when something does.
    pub struct CheckResponse {
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// How much is allowed.
        usage_limits_count: Option<i64> = UsageLimitsCount,
        /// What is not allowed.
        cryptographic_usage_mask: Option<CryptographicUsageMask> = CryptographicUsageMask,
        /// For how long it is allowed.
        lease_time: Option<Interval> = LeaseTime,
    }
}
