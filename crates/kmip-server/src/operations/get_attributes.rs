//! Get Attributes (KMIP 1.4, section 4.12; 2.1, section 6.1.21).

use kmip::operations::{GetAttributesRequest, GetAttributesResponse};
use kmip::registry::ResultReason;

use crate::batch::Context;
use crate::failure::Failure;

pub(super) fn get_attributes(
    context: &mut Context<'_>,
    request: GetAttributesRequest,
) -> Result<GetAttributesResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    let object = context.objects.get(&identifier)?;
    let wanted = request.attribute_names;
    for (n, name) in wanted.iter().enumerate() {
        if wanted.iter().take(n).any(|other| other == name) {
            // The published cases expect this reason (TC-171-11).
            return Err(Failure::new(
                ResultReason::InvalidMessage,
                format!("{name} is asked for more than once"),
            ));
        }
    }
    let attributes = object
        .current_attributes()
        .filter(|attribute| wanted.is_empty() || wanted.contains(&attribute.value.attribute_name()))
        .collect();
    context.yields(&identifier);
    Ok(GetAttributesResponse {
        unique_identifier: identifier.into(),
        attributes,
    })
}
