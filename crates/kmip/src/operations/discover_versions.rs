//! Discover Versions (KMIP 1.4, 4.26; 2.1, 6.1.17). Of 1.1.

use crate::version::ProtocolVersion;

structure! {
    /// Asks which versions the server speaks.
    #[derive(Default)]
    pub struct DiscoverVersionsRequest {
        /// The versions that the client speaks, best first; all if empty.
        protocol_versions: Vec<ProtocolVersion> = ProtocolVersion,
    }
}

structure! {
    /// The versions that the server speaks, of those asked for, best first.
    #[derive(Default)]
    pub struct DiscoverVersionsResponse {
        /// The versions.
        protocol_versions: Vec<ProtocolVersion> = ProtocolVersion,
    }
}
