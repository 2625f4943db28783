//! Agreeing on a protocol version: the first exchange on every connection.

use kmip::ProtocolVersion;
use tokio::time::Instant;

use crate::connection::{Connection, Target};
use crate::{Result, VersionPolicy};

pub(crate) async fn negotiate(
    target: Target,
    policy: VersionPolicy,
    deadline: Instant,
) -> Result<(Connection, ProtocolVersion)> {
    todo!()
}
