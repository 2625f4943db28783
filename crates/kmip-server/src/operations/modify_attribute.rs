//! Modify Attribute (KMIP 1.4, section 4.15; 2.1, section 6.1.32).

use kmip::operations::{ModifyAttributeRequest, ModifyAttributeResponse};
use kmip::registry::ResultReason;
use kmip::{Attribute, Attributes};

use super::new_object::normal;
use crate::attribute_rules::{check_change, check_known};
use crate::batch::Context;
use crate::failure::Failure;

pub(super) fn modify_attribute(
    context: &mut Context<'_>,
    request: ModifyAttributeRequest,
) -> Result<ModifyAttributeResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    let Attribute { index, value } = request.attribute;
    let value = normal(value);
    let name = value.attribute_name();
    check_known(&value)?;
    check_change(&name)?;
    let current = request.current_attribute;
    if current
        .as_ref()
        .is_some_and(|current| current.value.attribute_name() != name)
    {
        return Err(Failure::invalid(
            "the current and the new attribute are two attributes",
        ));
    }
    let wanted = index.unwrap_or(0);
    context.change(&identifier, |object| {
        object.check_dates(&value)?;
        let mut instance = 0;
        let mut done = false;
        let attributes: Attributes = object
            .attributes
            .iter()
            .map(|own| {
                if own.value.attribute_name() != name {
                    return own.clone();
                }
                let is_it = match &current {
                    Some(current) => own.value == current.value,
                    None => instance == wanted,
                };
                instance += 1;
                if is_it && !done {
                    done = true;
                    return value.clone().into();
                }
                own.clone()
            })
            .collect();
        if !done {
            return Err(Failure::new(
                ResultReason::ItemNotFound,
                format!("the object has no such {name}"),
            ));
        }
        object.attributes = attributes;
        object.follow(&value);
        object.touch();
        Ok(())
    })?;
    context.yields(&identifier);
    Ok(ModifyAttributeResponse {
        unique_identifier: identifier.into(),
        attribute: (!context.version.has_typed_attributes()).then_some(Attribute { index, value }),
    })
}
