//! Obtain Lease (KMIP 1.4, section 4.17; 2.1, section 6.1.33).

use kmip::Interval;
use kmip::operations::{ObtainLeaseRequest, ObtainLeaseResponse};
use kmip::registry::State;

use super::new_object::LEASE_SECONDS;
use crate::batch::Context;
use crate::clock::now;
use crate::failure::Failure;

pub(super) fn obtain_lease(
    context: &mut Context<'_>,
    request: ObtainLeaseRequest,
) -> Result<ObtainLeaseResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    let object = context.on_line(&identifier)?;
    let state = object.state();
    if matches!(
        state,
        State::Compromised | State::Destroyed | State::DestroyedCompromised
    ) {
        return Err(Failure::wrong_state(format!(
            "the object is {state}: there is no lease"
        )));
    }
    context.yields(&identifier);
    Ok(ObtainLeaseResponse {
        unique_identifier: identifier.into(),
        lease_time: object
            .attributes
            .lease_time()
            .copied()
            .unwrap_or(Interval(LEASE_SECONDS)),
        last_change_date: object
            .attributes
            .last_change_date()
            .copied()
            .unwrap_or_else(now),
    })
}
