//! Get Usage Allocation (KMIP 1.4, sections 4.18 and 11.19; 2.1, section 6.1.24).

use kmip::operations::{GetUsageAllocationRequest, GetUsageAllocationResponse};
use kmip::registry::{ResultReason, State};

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
            // 2.1, table 234; 1.4, table 345: "Object has no Usage Limits attribute".
            Failure::new(
                ResultReason::AttributeNotFound,
                "the object has no Usage Limits",
            )
            .in_1_x(ResultReason::IllegalOperation)
        })?;
        usage::take(object, limits, request.usage_limits_count)
    })?;
    context.yields(&identifier);
    Ok(GetUsageAllocationResponse {
        unique_identifier: identifier.into(),
    })
}
