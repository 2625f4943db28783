//! Revoke (KMIP 1.4, section 4.20; 2.1, section 6.1.46).

use kmip::registry::RevocationReasonCode;

use crate::{Result, Session};

impl Session {
    /// Revokes a key: Compromised for the reasons that say so, Deactivated for the others. `message` says why, for
    /// whoever reads the server's log.
    ///
    /// # Errors
    /// `NotFound`, `Refused`, and what can happen to a connection.
    pub async fn revoke(
        &mut self,
        unique_identifier: &str,
        reason: RevocationReasonCode,
        message: Option<&str>,
    ) -> Result<()> {
        todo!()
    }
}
