//! Destroy (KMIP 1.4, section 4.21; 2.1, section 6.1.16).

use kmip::operations::DestroyRequest;

use crate::{Result, Session};

impl Session {
    /// Destroys a key for good. An Active key must be revoked first.
    ///
    /// # Errors
    /// `NotFound`, `Refused`, and what can happen to a connection.
    pub async fn destroy(&mut self, unique_identifier: &str) -> Result<()> {
        let request = DestroyRequest {
            unique_identifier: Some(unique_identifier.into()),
        };
        self.call_once(request).await.map(drop)
    }
}
