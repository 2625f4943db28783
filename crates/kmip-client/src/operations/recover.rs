//! Recover (KMIP 1.4, section 4.23; 2.1, section 6.1.39).

use kmip::operations::RecoverRequest;
use kmip::registry::Operation;

use crate::{Result, Session};

impl Session {
    /// Has the server get an object back from its archive, as [`Session::archive`] put it there.
    ///
    /// # Errors
    /// As for [`Session::archive`].
    pub async fn recover(&mut self, unique_identifier: &str) -> Result<()> {
        let request = RecoverRequest {
            unique_identifier: Some(unique_identifier.into()),
        };
        let response = self.call_once(request).await?;
        self.same_object(
            &response.unique_identifier,
            unique_identifier,
            Operation::Recover,
        )
    }
}
