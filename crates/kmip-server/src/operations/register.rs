//! Register (KMIP 1.4, section 4.3; 2.1, section 6.1.47).

use kmip::objects::{KeyBlock, WrappedOrPlain};
use kmip::operations::{RegisterRequest, RegisterResponse};
use kmip::registry::{CryptographicAlgorithm, KeyFormatType, ObjectType};
use kmip::{AttributeValue, Attributes, ManagedObject};

use super::new_object::{self, Origin};
use crate::batch::Context;
use crate::failure::Failure;
use crate::templates;

pub(super) fn register(
    context: &mut Context<'_>,
    request: RegisterRequest,
) -> Result<RegisterResponse, Failure> {
    let mut attributes = templates::resolve(context, request.attributes)?;
    check_object(request.object_type, &request.object, &mut attributes)?;
    let identifier = new_object::keep(context, &attributes, request.object, Origin::Registered)?;
    Ok(RegisterResponse {
        unique_identifier: identifier.into(),
        attributes: None,
    })
}

/// Whether the object is what the request says, and completes the attributes from it.
pub(super) fn check_object(
    object_type: ObjectType,
    object: &ManagedObject,
    attributes: &mut Attributes,
) -> Result<(), Failure> {
    if object.object_type() != object_type {
        return Err(Failure::invalid(format!(
            "the object is a {}, the Object Type says {object_type}",
            object.object_type(),
        )));
    }
    if let ManagedObject::Template(template) = object {
        for name in template.attributes.names() {
            if !attributes.names().any(|own| own == name) {
                attributes.push(AttributeValue::Name(name.clone()));
            }
        }
    }
    if let Some(block) = object.key_block() {
        if object_type == ObjectType::SymmetricKey {
            check_length(block)?;
        }
        complete(attributes, block)?;
    }
    Ok(())
}

/// A symmetric key's length must be what it says.
fn check_length(block: &KeyBlock) -> Result<(), Failure> {
    let (Some(said), Some(WrappedOrPlain::Plain(_)), Some(material)) = (
        block.cryptographic_length,
        &block.key_value,
        block.key_bytes(),
    ) else {
        return Ok(());
    };
    let is_raw = block.key_wrapping_data.is_none()
        && matches!(
            block.key_format_type,
            KeyFormatType::Raw | KeyFormatType::TransparentSymmetricKey
        );
    let bits = material.len().saturating_mul(8);
    let without_parity = matches!(
        block.cryptographic_algorithm,
        Some(CryptographicAlgorithm::DES3 | CryptographicAlgorithm::DES)
    )
    .then_some(bits / 8 * 7);
    let said_bits = usize::try_from(said).ok();
    if is_raw && said_bits != Some(bits) && (said_bits.is_none() || said_bits != without_parity) {
        return Err(Failure::invalid(format!(
            "the key has {bits} bits, its Cryptographic Length says {said}"
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
