//! Check (KMIP 1.4, section 4.10; 2.1, section 6.1.6).

use kmip::operations::{CheckRequest, CheckResponse};
use kmip::registry::CryptographicUsageMask;

use crate::batch::Context;
use crate::failure::Failure;

/// What is asked for and not allowed is in the answer; an answer without it allows everything.
pub(super) fn check(
    context: &mut Context<'_>,
    request: CheckRequest,
) -> Result<CheckResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    let object = context.on_line(&identifier)?;
    if object.is_destroyed() {
        return Err(Failure::wrong_state("the object has been destroyed"));
    }
    let attributes = &object.attributes;
    let left = attributes
        .usage_limits()
        .map(|limits| limits.count.unwrap_or(limits.total));
    let mask = attributes
        .cryptographic_usage_mask()
        .copied()
        .unwrap_or_default();
    let lease = attributes.lease_time().copied();
    let unrestricted = mask.contains(CryptographicUsageMask::Unrestricted);
    context.yields(&identifier);
    Ok(CheckResponse {
        unique_identifier: identifier.into(),
        usage_limits_count: request
            .usage_limits_count
            .and_then(|wanted| left.filter(|left| *left < wanted)),
        cryptographic_usage_mask: request
            .cryptographic_usage_mask
            .filter(|wanted| !mask.contains(*wanted) && !unrestricted)
            .map(|_| mask),
        lease_time: request
            .lease_time
            .and_then(|wanted| lease.filter(|lease| *lease < wanted)),
    })
}
