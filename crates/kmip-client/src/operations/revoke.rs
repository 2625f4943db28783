//! Revoke (KMIP 1.4, section 4.20; 2.1, section 6.1.48).

use kmip::DateTime;
use kmip::operations::RevokeRequest;
use kmip::registry::RevocationReasonCode;
use kmip::structures::RevocationReason;
use time::OffsetDateTime;

use crate::{Result, Session};

impl Session {
    /// Revokes a key: Compromised for the reasons that say so, as of now; Deactivated for the
    /// others. `message` says why, for whoever reads the server's log.
    ///
    /// # Errors
    /// `NotFound`, `Refused`, and what can happen to a connection.
    pub async fn revoke(
        &mut self,
        unique_identifier: &str,
        reason: RevocationReasonCode,
        message: Option<&str>,
    ) -> Result<()> {
        let is_compromise = matches!(
            reason,
            RevocationReasonCode::KeyCompromise | RevocationReasonCode::CACompromise
        );
        let request = RevokeRequest {
            unique_identifier: Some(unique_identifier.into()),
            revocation_reason: RevocationReason {
                code: reason,
                message: message.map(str::to_owned),
            },
            compromise_occurrence_date: is_compromise
                .then(|| DateTime(OffsetDateTime::now_utc().unix_timestamp())),
        };
        self.call_once(request).await.map(drop)
    }
}
