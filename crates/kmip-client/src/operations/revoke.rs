//! Revoke (KMIP 1.4, section 4.20; 2.1, section 6.1.48).

use kmip::DateTime;
use kmip::operations::RevokeRequest;
use kmip::registry::{RevocationReasonCode, State};
use kmip::structures::RevocationReason;
use time::OffsetDateTime;

use crate::{ErrorKind, ObjectAttributes, Result, Session};

impl Session {
    /// Revokes a key: Compromised for the reasons that say so, as of now; Deactivated for the
    /// others. A key that is so already is left as it is and no error. `message` says why, for whoever reads the server's log.
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
        let refusal = match self.call(request).await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        // A second Revoke is refused like any other wrong state; so the state has to tell.
        if !matches!(refusal.kind(), ErrorKind::Refused { .. }) {
            return Err(refusal);
        }
        let is_revoked = match self.get_attributes(unique_identifier).await {
            Ok(ObjectAttributes { state, .. }) if is_compromise => {
                matches!(
                    state,
                    Some(State::Compromised | State::DestroyedCompromised)
                )
            }
            Ok(ObjectAttributes { state, .. }) => state == Some(State::Deactivated),
            Err(_) => false,
        };
        if is_revoked { Ok(()) } else { Err(refusal) }
    }
}
