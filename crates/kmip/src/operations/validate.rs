//! Validate (KMIP 1.4, 4.24; 2.1, 6.1.58).

use crate::codec::DateTime;
use crate::identifier::UniqueIdentifier;
use crate::objects::Certificate;
use crate::registry::ValidityIndicator;

structure! {
    /// Asks whether a chain of certificates is valid.
    #[derive(Default)]
    pub struct ValidateRequest {
        /// Certificates.
        certificates: Vec<Certificate> = Certificate,
        /// Certificates that the server has.
        unique_identifiers: Vec<UniqueIdentifier> = UniqueIdentifier,
        /// When it has to be valid; now if absent.
        validity_date: Option<DateTime> = ValidityDate,
    }
}

structure! {
    /// Whether it is.
    pub struct ValidateResponse {
        /// Whether it is.
        validity_indicator: ValidityIndicator = ValidityIndicator,
    }
}
