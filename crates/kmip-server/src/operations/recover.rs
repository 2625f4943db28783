//! Recover (KMIP 1.4, section 4.23; 2.1, section 6.1.41).

use kmip::operations::{RecoverRequest, RecoverResponse};
use kmip::registry::Tag;

use crate::batch::Context;
use crate::failure::Failure;

pub(super) fn recover(
    context: &mut Context<'_>,
    request: RecoverRequest,
) -> Result<RecoverResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    context.transact(|transaction| {
        transaction.change(&identifier, |object| {
            object.remove(&Tag::ArchiveDate.into());
            object.touch();
            Ok(())
        })
    })?;
    context.yields(&identifier);
    Ok(RecoverResponse {
        unique_identifier: identifier.into(),
    })
}
