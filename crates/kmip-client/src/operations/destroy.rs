//! Destroy (KMIP 1.4, section 4.21; 2.1, section 6.1.16).

use kmip::operations::DestroyRequest;
use kmip::registry::State;

use crate::{ErrorKind, Result, Session};

impl Session {
    /// Destroys a key for good. An Active key must be revoked first. If the connection breaks
    /// before the answer, it is asked for again, and a key that is gone then is no error.
    ///
    /// # Errors
    /// `NotFound`, `Refused`, and what can happen to a connection.
    pub async fn destroy(&mut self, unique_identifier: &str) -> Result<()> {
        let request = DestroyRequest {
            unique_identifier: Some(unique_identifier.into()),
        };
        match self.call_once(request.clone()).await {
            Ok(_) => return Ok(()),
            Err(error) if *error.kind() == ErrorKind::ConnectionLost => {}
            Err(error) => return Err(error),
        }
        let error = match self.call_once(request).await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        let is_destroyed = match error.kind() {
            ErrorKind::NotFound => true,
            ErrorKind::Refused { .. } => matches!(
                self.get_attributes(unique_identifier)
                    .await
                    .map(|attributes| attributes.state),
                Ok(Some(State::Destroyed | State::DestroyedCompromised))
            ),
            _ => false,
        };
        if is_destroyed { Ok(()) } else { Err(error) }
    }
}
