//! Activate (KMIP 1.4, section 4.19; 2.1, section 6.1.1).

use kmip::operations::{ActivateRequest, ActivateResponse};

use crate::batch::Context;
use crate::failure::Failure;
use crate::lifecycle::Event;

pub(super) fn activate(
    context: &mut Context<'_>,
    request: ActivateRequest,
) -> Result<ActivateResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    context.change(&identifier, |object| object.apply(Event::Activate))?;
    context.yields(&identifier);
    Ok(ActivateResponse {
        unique_identifier: identifier.into(),
    })
}
