//! Discover Versions (KMIP 1.4, section 4.26; 2.1, section 6.1.17). Of KMIP 1.1.

use kmip::ProtocolVersion;
use kmip::operations::DiscoverVersionsRequest;

use crate::{Result, Session};

impl Session {
    /// All versions that the server speaks, those that we do not know included, in its order of
    /// preference.
    ///
    /// # Errors
    /// `Configuration` on a session in KMIP 1.0, which lacks the operation; `Refused` by a server that does;
    /// and what can happen to a connection.
    pub async fn discover_versions(&mut self) -> Result<Vec<ProtocolVersion>> {
        let response = self.call(DiscoverVersionsRequest::default()).await?;
        Ok(response.protocol_versions)
    }
}
