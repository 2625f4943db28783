//! Discover Versions (KMIP 1.4, section 4.26; 2.1, section 6.1.17).

use kmip::ProtocolVersion;
use kmip::operations::{DiscoverVersionsRequest, DiscoverVersionsResponse};

use crate::failure::Failure;

pub(super) fn discover_versions(
    request: DiscoverVersionsRequest,
) -> Result<DiscoverVersionsResponse, Failure> {
    let theirs = request.protocol_versions;
    let protocol_versions = ProtocolVersion::SUPPORTED
        .into_iter()
        .filter(|version| theirs.is_empty() || theirs.contains(version))
        .collect();
    Ok(DiscoverVersionsResponse { protocol_versions })
}
