//! Destroy (KMIP 1.4, section 4.21; 2.1, section 6.1.16).

use kmip::operations::{DestroyRequest, DestroyResponse};

use crate::batch::Context;
use crate::failure::Failure;
use crate::lifecycle::Event;

pub(super) fn destroy(
    context: &mut Context<'_>,
    request: DestroyRequest,
) -> Result<DestroyResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    context.change(&identifier, |object| object.apply(Event::Destroy))?;
    context.yields(&identifier);
    Ok(DestroyResponse {
        unique_identifier: identifier.into(),
    })
}
