//! Archive (KMIP 1.4, section 4.22; 2.1, section 6.1.4).

use kmip::AttributeValue;
use kmip::operations::{ArchiveRequest, ArchiveResponse};

use crate::batch::Context;
use crate::clock::now;
use crate::failure::Failure;

/// The archive is the same store: what is in it is not used before it is recovered.
pub(super) fn archive(
    context: &mut Context<'_>,
    request: ArchiveRequest,
) -> Result<ArchiveResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    context.change(&identifier, |object| {
        if object.is_destroyed() {
            return Err(Failure::wrong_state("the object has been destroyed"));
        }
        object.touch();
        object.set(AttributeValue::ArchiveDate(now()));
        Ok(())
    })?;
    context.yields(&identifier);
    Ok(ArchiveResponse {
        unique_identifier: identifier.into(),
    })
}
