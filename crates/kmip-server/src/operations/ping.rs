//! Ping (KMIP 2.1, section 6.1.34). Of 2.1.

use kmip::operations::{PingRequest, PingResponse};

use crate::failure::Failure;

pub(super) fn ping(PingRequest {}: PingRequest) -> Result<PingResponse, Failure> {
    Ok(PingResponse {})
}
