//! Archive (KMIP 1.4, section 4.22; 2.1, section 6.1.4).

use kmip::operations::ArchiveRequest;
use kmip::registry::Operation;

use crate::{Result, Session};

impl Session {
    /// Has the server move an object to its archive, from where it has to be recovered before it is used again. Servers
    /// take their time for it: it is waited for within `operation_timeout`; for longer, see [`Session::submit`].
    ///
    /// # Errors
    /// `NotFound`, `Refused`, `Cancelled` if it took too long, and what can happen to a connection.
    pub async fn archive(&mut self, unique_identifier: &str) -> Result<()> {
        let request = ArchiveRequest {
            unique_identifier: Some(unique_identifier.into()),
        };
        let response = self.call_once(request).await?;
        self.same_object(
            &response.unique_identifier,
            unique_identifier,
            Operation::Archive,
        )
    }
}
