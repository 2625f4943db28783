//! Revoke (KMIP 1.4, 4.20; 2.1, 6.1.48).

use crate::codec::DateTime;
use crate::identifier::UniqueIdentifier;
use crate::structures::RevocationReason;

structure! {
    /// Deactivates an object, or declares it compromised.
    pub struct RevokeRequest {
        /// The object; the ID placeholder if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
        /// Why.
        revocation_reason: RevocationReason = RevocationReason,
        /// Since when it is thought to be compromised.
        compromise_occurrence_date: Option<DateTime> = CompromiseOccurrenceDate,
    }
}

structure! {
    /// It is revoked.
    pub struct RevokeResponse {
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
    }
}
