//! RNG Retrieve (KMIP 1.4, section 4.35; 2.1, section 6.1.45). Of 1.2.

use kmip::Data;
use kmip::operations::{RNGRetrieveRequest, RNGRetrieveResponse};

use crate::batch::Context;
use crate::crypto::random;
use crate::failure::Failure;

/// The most that is given at once, in bytes.
const MOST_BYTES: usize = 64 << 10;

pub(super) fn rng_retrieve(
    context: &mut Context<'_>,
    request: RNGRetrieveRequest,
) -> Result<RNGRetrieveResponse, Failure> {
    let length = usize::try_from(request.data_length)
        .ok()
        .filter(|length| (1..=MOST_BYTES).contains(length))
        .ok_or_else(|| {
            Failure::invalid(format!(
                "the Data Length is {}, expected 1 to {MOST_BYTES}",
                request.data_length
            ))
        })?;
    let mut data = random(length)?;
    context.yields_data(Some(&data));
    Ok(RNGRetrieveResponse {
        data: Data::from(std::mem::take(&mut *data)),
    })
}
