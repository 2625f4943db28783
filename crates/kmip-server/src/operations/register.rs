//! Register (KMIP 1.4, section 4.3; 2.1, section 6.1.47).

use kmip::objects::KeyBlock;
use kmip::operations::{RegisterRequest, RegisterResponse};
use kmip::registry::ResultReason;
use kmip::{AttributeValue, Attributes, ManagedObject};

use super::new_object;
use crate::batch::Context;
use crate::failure::Failure;

pub(super) fn register(
    context: &mut Context<'_>,
    request: RegisterRequest,
) -> Result<RegisterResponse, Failure> {
    if request.object.object_type() != request.object_type {
        return Err(Failure::invalid(format!(
            "the object is a {}, the Object Type says {}",
            request.object.object_type(),
            request.object_type
        )));
    }
    if matches!(request.object, ManagedObject::Template(_)) {
        return Err(Failure::new(
            ResultReason::FeatureNotSupported,
            "templates are not supported",
        ));
    }
    let mut attributes = request.attributes;
    if let Some(block) = request.object.key_block() {
        check_block(block)?;
        complete(&mut attributes, block)?;
    }
    let unique_identifier = new_object::keep(context, &attributes, request.object)?;
    Ok(RegisterResponse {
        unique_identifier,
        attributes: None,
    })
}

/// A key block must have a value, and a symmetric key's length must be what it says.
fn check_block(block: &KeyBlock) -> Result<(), Failure> {
    if block.key_value.is_none() {
        return Err(Failure::missing("the Key Value"));
    }
    let is_plain = block.key_wrapping_data.is_none();
    if is_plain
        && let (Some(said), Some(material)) = (block.cryptographic_length, block.key_bytes())
        && block.key_format_type == kmip::registry::KeyFormatType::Raw
        && usize::try_from(said) != Ok(material.len().saturating_mul(8))
    {
        return Err(Failure::invalid(format!(
            "the key has {} bits, its Cryptographic Length says {said}",
            material.len().saturating_mul(8)
        )));
    }
    Ok(())
}

/// Algorithm and length belong in the key block or in the attributes; if in both, they agree.
fn complete(attributes: &mut Attributes, block: &KeyBlock) -> Result<(), Failure> {
    match (
        block.cryptographic_algorithm,
        attributes.cryptographic_algorithm(),
    ) {
        (Some(said), Some(other)) if said != *other => {
            return Err(Failure::invalid(
                "the Cryptographic Algorithm is not that of the key",
            ));
        }
        (Some(said), None) => attributes.push(AttributeValue::CryptographicAlgorithm(said)),
        _ => {}
    }
    match (
        block.cryptographic_length,
        attributes.cryptographic_length(),
    ) {
        (Some(said), Some(other)) if said != *other => {
            return Err(Failure::invalid(
                "the Cryptographic Length is not that of the key",
            ));
        }
        (Some(said), None) => attributes.push(AttributeValue::CryptographicLength(said)),
        _ => {}
    }
    Ok(())
}
