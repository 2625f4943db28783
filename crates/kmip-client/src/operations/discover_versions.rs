//! Discover Versions (KMIP 1.4, section 4.26; 2.1, section 6.1.16).

use kmip::ProtocolVersion;

use crate::{Result, Session};

impl Session {
    /// All versions that the server speaks, those that we do not know included, in its order of preference.
    ///
    /// # Errors
    /// `Refused` with Operation Not Supported by a server of KMIP 1.0, and what can happen to a connection.
    pub async fn discover_versions(&mut self) -> Result<Vec<ProtocolVersion>> {
        todo!()
    }
}
