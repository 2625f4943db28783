//! Interop (KMIP 2.1, section 6.1.26). Of 2.0.

use kmip::operations::{InteropRequest, InteropResponse};
use kmip::registry::InteropFunction;

use crate::failure::Failure;

/// Marks where a test begins and ends. Nothing is reset: a client cannot make the server forget keys like that.
pub(super) fn interop(request: InteropRequest) -> Result<InteropResponse, Failure> {
    match request.interop_function {
        InteropFunction::Begin | InteropFunction::End | InteropFunction::Reset => {
            tracing::debug!(function = %request.interop_function, "KMIP interoperability test");
            Ok(InteropResponse {})
        }
        InteropFunction::Other(_) => Err(Failure::invalid("there is no such Interop Function")),
    }
}
