//! Delete Attribute (KMIP 1.4, section 4.16; 2.1, section 6.1.14).

use kmip::operations::{DeleteAttributeRequest, DeleteAttributeResponse};
use kmip::registry::ResultReason;
use kmip::{Attribute, Attributes};

use crate::attribute_rules::check_delete;
use crate::batch::Context;
use crate::failure::Failure;

pub(super) fn delete_attribute(
    context: &mut Context<'_>,
    request: DeleteAttributeRequest,
) -> Result<DeleteAttributeResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    let current = request.current_attribute;
    let name = match (&current, request.attribute_name) {
        (Some(current), _) => current.value.attribute_name(),
        (None, Some(name)) => name,
        (None, None) => return Err(Failure::missing("the attribute to delete")),
    };
    check_delete(&name)?;
    // A reference of 2.x means all instances; a name of 1.x the one with the index, the first if there is none.
    let every = context.version.has_typed_attributes() && current.is_none();
    let wanted = request.attribute_index.unwrap_or(0);
    let mut deleted = None;
    context.change(&identifier, |object| {
        let mut instance = 0;
        let mut kept = Attributes::new();
        for own in &object.attributes {
            if own.value.attribute_name() == name {
                let is_it = match &current {
                    Some(current) => own.value == current.value,
                    None => every || instance == wanted,
                };
                let index = Some(instance).filter(|index| *index > 0);
                instance += 1;
                if is_it && (every || deleted.is_none()) {
                    deleted = Some(Attribute {
                        index,
                        value: own.value.clone(),
                    });
                    continue;
                }
            }
            kept.push(own.clone());
        }
        if deleted.is_none() {
            return Err(Failure::new(
                ResultReason::AttributeNotFound,
                format!("the object has no such {name}"),
            ));
        }
        object.attributes = kept;
        object.touch();
        Ok(())
    })?;
    context.yields(&identifier);
    Ok(DeleteAttributeResponse {
        unique_identifier: identifier.into(),
        attribute: deleted.filter(|_| !context.version.has_typed_attributes()),
    })
}
