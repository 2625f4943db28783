//! Export (KMIP 1.4, section 4.40; 2.1, section 6.1.19). Of 1.4.

use kmip::operations::{ExportRequest, ExportResponse};
use kmip::registry::ObjectType;

use super::value::{self, Shape};
use crate::batch::Context;
use crate::failure::Failure;

pub(super) fn export(
    context: &mut Context<'_>,
    request: ExportRequest,
) -> Result<ExportResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    let object = context.on_line(&identifier)?;
    let shape = Shape {
        format: request.key_format_type,
        compression: request.key_compression_type,
        wrap_type: request.key_wrap_type,
        wrapping: request.key_wrapping_specification,
    };
    let value = match &object.value {
        Some(_) => Some(value::shaped(context, &object, &shape)?),
        None => None,
    };
    context.yields(&identifier);
    Ok(ExportResponse {
        object_type: object
            .attributes
            .object_type()
            .copied()
            .unwrap_or(ObjectType::OpaqueObject),
        unique_identifier: identifier.into(),
        attributes: object.current_attributes().collect(),
        object: value,
    })
}
