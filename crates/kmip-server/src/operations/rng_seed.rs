//! RNG Seed (KMIP 1.4, section 4.36; 2.1, section 6.1.46). Of 1.2.

use kmip::operations::{RNGSeedRequest, RNGSeedResponse};

use crate::batch::Context;
use crate::failure::Failure;

/// The generator is the operating system's, which seeds itself: of the client's seed 0 bytes are used.
pub(super) fn rng_seed(
    context: &mut Context<'_>,
    request: RNGSeedRequest,
) -> Result<RNGSeedResponse, Failure> {
    context.data(Some(request.data))?;
    Ok(RNGSeedResponse { data_length: 0 })
}
