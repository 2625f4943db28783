//! Revoke (KMIP 1.4, section 4.20; 2.1, section 6.1.48).

use kmip::operations::{RevokeRequest, RevokeResponse};

use crate::batch::Context;
use crate::failure::Failure;

pub(super) fn revoke(
    context: &mut Context<'_>,
    request: RevokeRequest,
) -> Result<RevokeResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    let (reason, occurred) = (
        request.revocation_reason,
        request.compromise_occurrence_date,
    );
    context.change(&identifier, |object| object.revoke(reason, occurred))?;
    context.yields(&identifier);
    Ok(RevokeResponse {
        unique_identifier: identifier.into(),
    })
}
