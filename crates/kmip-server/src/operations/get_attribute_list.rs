//! Get Attribute List (KMIP 1.4, section 4.13; 2.1, section 6.1.22).

use kmip::AttributeNames;
use kmip::operations::{GetAttributeListRequest, GetAttributeListResponse};

use crate::batch::Context;
use crate::failure::Failure;

pub(super) fn get_attribute_list(
    context: &mut Context<'_>,
    request: GetAttributeListRequest,
) -> Result<GetAttributeListResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    let object = context.objects.get(&identifier)?;
    let mut attribute_names = AttributeNames::new();
    for attribute in object.current_attributes() {
        let name = attribute.value.attribute_name();
        if !attribute_names.contains(&name) {
            attribute_names.push(name);
        }
    }
    context.yields(&identifier);
    Ok(GetAttributeListResponse {
        unique_identifier: identifier.into(),
        attribute_names,
    })
}
