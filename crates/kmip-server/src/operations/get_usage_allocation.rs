//! Get Usage Allocation (KMIP 1.4, section 4.18; 2.1, section 6.1.24).

use kmip::operations::{GetUsageAllocationRequest, GetUsageAllocationResponse};
use kmip::registry::State;

use crate::batch::Context;
use crate::failure::Failure;
use crate::usage;

pub(super) fn get_usage_allocation(
    context: &mut Context<'_>,
    request: GetUsageAllocationRequest,
) -> Result<GetUsageAllocationResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    context.change(&identifier, |object| {
        let state = object.state();
        if state != State::Active {
            return Err(Failure::wrong_state(format!("the object is {state}")));
        }
        let limits = object.attributes.usage_limits().cloned();
        let limits = limits.ok_or_else(|| {
            Failure::new(
                kmip::registry::ResultReason::IllegalOperation,
                "the object has no Usage Limits",
            )
        })?;
        usage::take(object, limits, request.usage_limits_count)
    })?;
    context.yields(&identifier);
    Ok(GetUsageAllocationResponse {
        unique_identifier: identifier.into(),
    })
}
