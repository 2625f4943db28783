//! Get (KMIP 1.4, section 4.11; 2.1, section 6.1.20).

use kmip::AttributeValue;
use kmip::operations::{GetRequest, GetResponse};
use kmip::registry::ResultReason;

use super::value::{self, Shape};
use crate::batch::Context;
use crate::failure::Failure;

pub(super) fn get(context: &mut Context<'_>, request: GetRequest) -> Result<GetResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    let object = context.on_line(&identifier)?;
    if object.value.is_none() {
        return Err(Failure::new(
            ResultReason::ItemNotFound,
            "the object has been destroyed",
        ));
    }
    let shape = Shape {
        format: request.key_format_type,
        compression: request.key_compression_type,
        wrap_type: request.key_wrap_type,
        wrapping: request.key_wrapping_specification,
    };
    let value = value::shaped(context, &object, &shape)?;
    // What has been handed out is not fresh any more (KMIP 1.4, section 3.34).
    if object.attributes.fresh() == Some(&true) {
        context.change_if_possible(&identifier, |object| {
            object.set(AttributeValue::Fresh(false));
            Ok(())
        });
    }
    context.yields(&identifier);
    Ok(GetResponse {
        object_type: value.object_type(),
        unique_identifier: identifier.into(),
        object: value,
    })
}
