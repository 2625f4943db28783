//! Set Attribute (KMIP 2.1, section 6.1.50). Of 2.0.

use kmip::operations::{SetAttributeRequest, SetAttributeResponse};
use kmip::registry::ResultReason;

use super::new_object::normal;
use crate::attribute_rules::{check_change, check_known, is_multi_valued};
use crate::batch::Context;
use crate::failure::Failure;

pub(super) fn set_attribute(
    context: &mut Context<'_>,
    request: SetAttributeRequest,
) -> Result<SetAttributeResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    let value = normal(request.attribute.value);
    let name = value.attribute_name();
    check_known(&value)?;
    check_change(&name)?;
    if matches!(name, kmip::AttributeName::Standard(_)) && is_multi_valued(&name) {
        return Err(Failure::new(
            ResultReason::MultiValuedAttribute,
            format!("{name} may have several values: add or modify one"),
        ));
    }
    context.change(&identifier, |object| {
        object.check_dates(&value)?;
        object.set(value.clone());
        object.follow(&value);
        object.touch();
        Ok(())
    })?;
    context.yields(&identifier);
    Ok(SetAttributeResponse {
        unique_identifier: identifier.into(),
    })
}
