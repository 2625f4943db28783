//! Revoke (KMIP 1.4, section 4.20; 2.1, section 6.1.48).

use kmip::DateTime;
use kmip::operations::RevokeRequest;
use kmip::registry::{RevocationReasonCode, State};
use kmip::structures::RevocationReason;
use time::OffsetDateTime;

use crate::{Error, ErrorKind, ObjectAttributes, Result, Session};

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
        let now =
            is_compromise(reason).then(|| DateTime(OffsetDateTime::now_utc().unix_timestamp()));
        self.send_revoke(unique_identifier, reason, message, now)
            .await
    }

    /// As [`Session::revoke`], for a key that has been compromised since `compromised`.
    ///
    /// # Errors
    /// As for [`Session::revoke`]; `Configuration` for a reason that is no compromise.
    pub async fn revoke_compromised(
        &mut self,
        unique_identifier: &str,
        reason: RevocationReasonCode,
        message: Option<&str>,
        compromised: DateTime,
    ) -> Result<()> {
        if !is_compromise(reason) {
            let message = format!("{reason} is no compromise that could have a date");
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        self.send_revoke(unique_identifier, reason, message, Some(compromised))
            .await
    }

    async fn send_revoke(
        &mut self,
        unique_identifier: &str,
        reason: RevocationReasonCode,
        message: Option<&str>,
        compromised: Option<DateTime>,
    ) -> Result<()> {
        let request = RevokeRequest {
            unique_identifier: Some(unique_identifier.into()),
            revocation_reason: RevocationReason {
                code: reason,
                message: message.map(str::to_owned),
            },
            compromise_occurrence_date: compromised,
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
            Ok(ObjectAttributes { state, .. }) if is_compromise(reason) => {
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

fn is_compromise(reason: RevocationReasonCode) -> bool {
    matches!(
        reason,
        RevocationReasonCode::KeyCompromise | RevocationReasonCode::CACompromise
    )
}
