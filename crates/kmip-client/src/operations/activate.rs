//! Activate (KMIP 1.4, section 4.19; 2.1, section 6.1.1).

use kmip::operations::ActivateRequest;
use kmip::registry::State;

use crate::{ErrorKind, Result, Session};

impl Session {
    /// Makes a Pre-Active key Active. A key that is Active already is left as it is and no error,
    /// so this may be repeated.
    ///
    /// # Errors
    /// `NotFound`, `Refused` (a key in any other state), and what can happen to a connection.
    pub async fn activate(&mut self, unique_identifier: &str) -> Result<()> {
        let request = ActivateRequest {
            unique_identifier: Some(unique_identifier.into()),
        };
        let refusal = match self.call(request).await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        // A second Activate is refused like any other wrong state; so the state has to tell.
        if !matches!(refusal.kind(), ErrorKind::Refused { .. }) {
            return Err(refusal);
        }
        match self.get_attributes(unique_identifier).await {
            Ok(attributes) if attributes.state == Some(State::Active) => Ok(()),
            Ok(attributes) => Err(match attributes.state {
                Some(state) => refusal.with_hint(&format!("; the key is {state}")),
                None => refusal,
            }),
            Err(_) => Err(refusal),
        }
    }
}
