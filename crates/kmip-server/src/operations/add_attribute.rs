//! Add Attribute (KMIP 1.4, sections 4.14 and 11.15; 2.1, section 6.1.2).

use kmip::Attribute;
use kmip::operations::{AddAttributeRequest, AddAttributeResponse};
use kmip::registry::ResultReason;

use super::new_object::normal;
use crate::attribute_rules::{check_change, check_known, is_multi_valued};
use crate::batch::Context;
use crate::failure::Failure;

pub(super) fn add_attribute(
    context: &mut Context<'_>,
    request: AddAttributeRequest,
) -> Result<AddAttributeResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    let value = normal(request.attribute.value);
    let name = value.attribute_name();
    check_known(&value)?;
    check_change(&name)?;
    let mut index = 0;
    context.change(&identifier, |object| {
        object.check_dates(&value)?;
        let there = object
            .attributes
            .iter()
            .filter(|own| own.value.attribute_name() == name);
        index = there.count();
        if index > 0 && !is_multi_valued(&name) {
            // 2.1, table 169; 1.4, table 341: "The specified attribute already exists".
            return Err(Failure::new(
                ResultReason::AttributeSingleValued,
                format!("the object has the attribute {name} already"),
            )
            .in_1_x(ResultReason::IllegalOperation));
        }
        if object.attributes.iter().any(|own| own.value == value) {
            // The value would not tell the two apart, and 2.x has no index either. 1.4: the same row of its table; 2.1's
            // names no reason for it, so the one that fits every request.
            return Err(
                Failure::invalid(format!("the object has this {name} already"))
                    .in_1_x(ResultReason::IllegalOperation),
            );
        }
        object.attributes.push(value.clone());
        object.follow(&value);
        object.touch();
        Ok(())
    })?;
    context.yields(&identifier);
    let index = i32::try_from(index).ok().filter(|index| *index > 0);
    Ok(AddAttributeResponse {
        unique_identifier: identifier.into(),
        attribute: (!context.version.has_typed_attributes()).then_some(Attribute { index, value }),
    })
}
