//! Get (KMIP 1.4, section 4.11; 2.1, section 6.1.20).

use kmip::objects::{KeyBlock, KeyValue, TransparentSymmetricKey, WrappedOrPlain};
use kmip::operations::{GetRequest, GetResponse};
use kmip::registry::{KeyFormatType, ResultReason};
use kmip::{KeyMaterial, ManagedObject};

use crate::batch::Context;
use crate::failure::Failure;

pub(super) fn get(context: &mut Context<'_>, request: GetRequest) -> Result<GetResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    let object = context.objects.get(context.owner, &identifier)?;
    let Some(mut value) = object.value.clone() else {
        return Err(Failure::new(
            ResultReason::ItemNotFound,
            "the object has been destroyed",
        ));
    };
    if request.key_wrapping_specification.is_some() {
        return Err(Failure::new(
            ResultReason::FeatureNotSupported,
            "keys are not wrapped by this server",
        ));
    }
    if request.key_compression_type.is_some() {
        return Err(Failure::new(
            ResultReason::KeyCompressionTypeNotSupported,
            "points are not compressed by this server",
        ));
    }
    if let Some(format) = request.key_format_type {
        convert(&mut value, format)?;
    }
    context.yields(&identifier);
    Ok(GetResponse {
        object_type: value.object_type(),
        unique_identifier: identifier.into(),
        object: value,
    })
}

/// Brings a key into the format asked for: a symmetric key into Raw or Transparent Symmetric Key.
fn convert(value: &mut ManagedObject, format: KeyFormatType) -> Result<(), Failure> {
    let unable = || {
        Failure::new(
            ResultReason::KeyFormatTypeNotSupported,
            format!("the object cannot be returned in the format {format}"),
        )
    };
    if value
        .key_block()
        .is_some_and(|block| block.key_format_type == format)
    {
        return Ok(());
    }
    let ManagedObject::SymmetricKey(key) = value else {
        return Err(unable());
    };
    let material = key.key_block.key_bytes().ok_or_else(unable)?.clone();
    let key_material = match format {
        KeyFormatType::Raw => KeyMaterial::Bytes(material),
        KeyFormatType::TransparentSymmetricKey => {
            KeyMaterial::TransparentSymmetricKey(TransparentSymmetricKey { key: material })
        }
        _ => return Err(unable()),
    };
    key.key_block = KeyBlock {
        key_format_type: format,
        key_value: Some(WrappedOrPlain::Plain(KeyValue {
            key_material,
            attributes: kmip::Attributes::new(),
        })),
        ..key.key_block.clone()
    };
    Ok(())
}
