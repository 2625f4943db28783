//! The value of an object as Get and Export return it: in the format asked for, and wrapped if that is asked for.

use kmip::codec::Value;
use kmip::objects::{
    KeyBlock, KeyMaterial, KeyWrappingData, KeyWrappingSpecification, TransparentSymmetricKey,
    WrappedOrPlain,
};
use kmip::registry::{
    BlockCipherMode, CryptographicUsageMask, EncodingOption, Enumeration, KeyCompressionType,
    KeyFormatType, KeyWrapType, ResultReason, Tag, WrappingMethod,
};
use kmip::ttlv::{self, Buffer, Newer, Writer};
use kmip::{Limits, ManagedObject, SecretBytes};
use zeroize::Zeroizing;

use super::cipher::symmetric_key;
use super::pkcs12;
use crate::batch::Context;
use crate::clock::now;
use crate::crypto::{self, PrivateKey, PublicKey, with_material};
use crate::failure::Failure;
use crate::object::Object;
use crate::usage::{self, Purpose};

/// What a client wants a value to look like.
pub(super) struct Shape {
    pub(super) format: Option<KeyFormatType>,
    pub(super) compression: Option<KeyCompressionType>,
    pub(super) wrap_type: Option<KeyWrapType>,
    pub(super) wrapping: Option<KeyWrappingSpecification>,
}

/// The value in that shape. The object has one.
pub(super) fn shaped(
    context: &Context<'_>,
    object: &Object,
    shape: &Shape,
) -> Result<ManagedObject, Failure> {
    let mut value = object
        .value
        .clone()
        .ok_or_else(|| Failure::new(ResultReason::ItemNotFound, "the object has been destroyed"))?;
    let attributes = &object.attributes;
    if attributes.extractable() == Some(&false) {
        return Err(Failure::new(
            ResultReason::NotExtractable,
            "the key is not extractable",
        ));
    }
    if attributes.sensitive() == Some(&true) && shape.wrapping.is_none() {
        return Err(Failure::new(
            ResultReason::Sensitive,
            "the key is sensitive: it is returned wrapped only",
        ));
    }
    if shape.compression.is_some() {
        return Err(Failure::new(
            ResultReason::KeyCompressionTypeNotSupported,
            "points are not compressed by this server",
        ));
    }
    let Some(block) = key_block_mut(&mut value) else {
        if shape.format.is_some() || shape.wrapping.is_some() {
            return Err(Failure::invalid("the object is not a key"));
        }
        return Ok(value);
    };
    if !block.key_format_type.exists_in(context.version) {
        block.key_format_type = for_all_uses(block.key_format_type);
    }
    if block.key_value.is_none() {
        // Metadata only: they are what there is to return.
        if shape
            .format
            .is_none_or(|format| format == block.key_format_type)
            && shape.wrapping.is_none()
        {
            return Ok(value);
        }
        return Err(Failure::new(
            ResultReason::KeyValueNotPresent,
            "the server does not have the key itself",
        ));
    }
    if block.key_wrapping_data.is_some() {
        unwrap_if_asked(context, block, shape)?;
    }
    if let Some(format) = shape.format
        && format != block.key_format_type
    {
        let converted = match format {
            KeyFormatType::PKCS_12 => pkcs12::block(context, object)?,
            _ => convert(&value, format)?,
        };
        if let Some(block) = key_block_mut(&mut value) {
            *block = converted;
        }
    }
    if let Some(specification) = &shape.wrapping
        && let Some(block) = key_block_mut(&mut value)
    {
        wrap(context, object, block, specification)?;
    }
    Ok(value)
}

/// 1.3 has the same structure for all that a curve is used for, and 2.0 no other.
fn for_all_uses(format: KeyFormatType) -> KeyFormatType {
    use KeyFormatType as F;
    match format {
        F::TransparentECDSAPrivateKey
        | F::TransparentECDHPrivateKey
        | F::TransparentECMQVPrivateKey => F::TransparentECPrivateKey,
        F::TransparentECDSAPublicKey
        | F::TransparentECDHPublicKey
        | F::TransparentECMQVPublicKey => F::TransparentECPublicKey,
        other => other,
    }
}

fn key_block_mut(value: &mut ManagedObject) -> Option<&mut KeyBlock> {
    match value {
        ManagedObject::SymmetricKey(key) => Some(&mut key.key_block),
        ManagedObject::PublicKey(key) => Some(&mut key.key_block),
        ManagedObject::PrivateKey(key) => Some(&mut key.key_block),
        ManagedObject::SplitKey(key) => Some(&mut key.key_block),
        ManagedObject::SecretData(secret) => Some(&mut secret.key_block),
        ManagedObject::PgpKey(key) => Some(&mut key.key_block),
        _ => None,
    }
}

/// The key in another format.
fn convert(value: &ManagedObject, format: KeyFormatType) -> Result<KeyBlock, Failure> {
    let unable = || {
        Failure::new(
            ResultReason::KeyFormatTypeNotSupported,
            format!("the object cannot be returned in the format {format}"),
        )
    };
    let block = value.key_block().ok_or_else(unable)?;
    if block.key_wrapping_data.is_some() {
        return Err(unable());
    }
    let material = match value {
        ManagedObject::SymmetricKey(_) | ManagedObject::SecretData(_) => {
            let key = block.key_bytes().ok_or_else(unable)?.clone();
            match format {
                KeyFormatType::Raw | KeyFormatType::Opaque => KeyMaterial::Bytes(key),
                KeyFormatType::TransparentSymmetricKey => {
                    KeyMaterial::TransparentSymmetricKey(TransparentSymmetricKey { key })
                }
                _ => return Err(unable()),
            }
        }
        ManagedObject::PrivateKey(_) => PrivateKey::read(block)
            .map_err(|_| unable())?
            .write(format)?,
        ManagedObject::PublicKey(_) => PublicKey::read(block)
            .map_err(|_| unable())?
            .write(format)?,
        _ => return Err(unable()),
    };
    Ok(with_material(block, format, material))
}

/// The mode of key wrapping: of the request, or of the wrapping key.
fn mode(
    parameters: Option<&kmip::structures::CryptographicParameters>,
    wrapping_key: &Object,
) -> Result<BlockCipherMode, Failure> {
    parameters
        .or(wrapping_key.attributes.cryptographic_parameters())
        .and_then(|parameters| parameters.block_cipher_mode)
        .ok_or_else(|| Failure::missing("the Block Cipher Mode of the key wrapping"))
}

/// Wraps the key (KMIP 1.4, section 2.1.6; 2.1, section 3.1.7).
fn wrap(
    context: &Context<'_>,
    object: &Object,
    block: &mut KeyBlock,
    specification: &KeyWrappingSpecification,
) -> Result<(), Failure> {
    if block.key_wrapping_data.is_some() {
        // Neither version's table of errors for Get has a row for it. 2.1's has Key Wrap Type Not Supported, 1.4's the
        // reason for all that an object cannot do.
        return Err(Failure::new(
            ResultReason::KeyWrapTypeNotSupported,
            "the key is wrapped already, as it was registered",
        )
        .in_1_x(ResultReason::IllegalOperation));
    }
    let (WrappingMethod::Encrypt, None, Some(information)) = (
        specification.wrapping_method,
        &specification.mac_signature_key_information,
        &specification.encryption_key_information,
    ) else {
        return Err(Failure::new(
            ResultReason::FeatureNotSupported,
            "keys are wrapped by encryption only",
        ));
    };
    let wrapping_id = context.identifier(Some(information.unique_identifier.clone()))?;
    let wrapping_key = wrapping_object(context, &wrapping_id)?;
    usage::check(
        &wrapping_key,
        Purpose::Protect,
        CryptographicUsageMask::WrapKey,
        now(),
    )?;
    let mode = mode(information.cryptographic_parameters.as_ref(), &wrapping_key)?;
    let clear = match specification.encoding_option {
        Some(EncodingOption::NoEncoding) => {
            if !specification.attribute_names.is_empty() {
                return Err(Failure::new(
                    ResultReason::EncodingOptionError,
                    "attributes cannot be wrapped without encoding",
                ));
            }
            let bytes = block.key_bytes().ok_or_else(|| {
                Failure::new(
                    ResultReason::EncodingOptionError,
                    "a key that is a structure cannot be wrapped without encoding",
                )
            })?;
            Zeroizing::new(bytes.expose().to_vec())
        }
        None | Some(EncodingOption::TTLVEncoding) => {
            if let Some(WrappedOrPlain::Plain(value)) = &mut block.key_value {
                let wanted = &specification.attribute_names;
                value.attributes = object
                    .current_attributes()
                    .filter(|own| wanted.contains(&own.value.attribute_name()))
                    .collect();
            }
            encoded(context, block)?
        }
        Some(other) => {
            return Err(Failure::new(
                ResultReason::EncodingOptionError,
                format!("the encoding {other} is not supported"),
            ));
        }
    };
    let (_, key) = symmetric_key(&wrapping_key)?;
    let wrapped = crypto::wrap(mode, key.expose(), &clear)?;
    block.key_value = Some(WrappedOrPlain::Wrapped(SecretBytes::from(wrapped)));
    block.key_wrapping_data = Some(Box::new(KeyWrappingData {
        wrapping_method: WrappingMethod::Encrypt,
        encryption_key_information: Some(information.clone()),
        mac_signature_key_information: None,
        mac_signature: None,
        iv_counter_nonce: None,
        encoding_option: specification.encoding_option,
    }));
    Ok(())
}

/// Key Value in TTLV, as it is in messages of the request's version.
fn encoded(context: &Context<'_>, block: &KeyBlock) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let failed = || Failure::new(ResultReason::GeneralFailure, "the key cannot be encoded");
    let mut writer = Writer::new(Buffer::new(), context.version, Newer::Omit);
    block.encode(Tag::KeyBlock, &mut writer);
    let buffer = writer.finish().map_err(|_| failed())?;
    let root = ttlv::check(buffer.as_slice(), &Limits::DEFAULT).map_err(|_| failed())?;
    let value = root
        .structure()
        .ok()
        .and_then(|fields| fields.find_tag(Tag::KeyValue))
        .ok_or_else(failed)?;
    let length = u32::try_from(value.raw().len()).map_err(|_| failed())?;
    let tag = Tag::KeyValue.0.to_be_bytes();
    let mut bytes = Zeroizing::new(Vec::with_capacity(value.raw().len() + 8));
    bytes.extend_from_slice(tag.get(1..).unwrap_or_default());
    bytes.push(ttlv::ItemType::Structure as u8);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(value.raw());
    Ok(bytes)
}

/// A key that was registered wrapped is returned so, unless the client asks for it in clear and the server has the
/// wrapping key.
fn unwrap_if_asked(
    context: &Context<'_>,
    block: &mut KeyBlock,
    shape: &Shape,
) -> Result<(), Failure> {
    if shape.wrap_type != Some(KeyWrapType::NotWrapped) {
        return Ok(());
    }
    let unable = |why: &str| Failure::new(ResultReason::KeyWrapTypeNotSupported, why);
    let data = block.key_wrapping_data.as_ref();
    let (Some(data), Some(WrappedOrPlain::Wrapped(bytes))) = (data, &block.key_value) else {
        return Err(unable("the key is not wrapped as a whole"));
    };
    let information = data
        .encryption_key_information
        .as_ref()
        .filter(|_| data.wrapping_method == WrappingMethod::Encrypt)
        .ok_or_else(|| unable("the key is not wrapped by encryption"))?;
    if data.encoding_option != Some(EncodingOption::NoEncoding) {
        return Err(unable("the key was encoded before it was wrapped"));
    }
    let wrapping_id = context.identifier(Some(information.unique_identifier.clone()))?;
    let wrapping_key = wrapping_object(context, &wrapping_id)?;
    usage::check(
        &wrapping_key,
        Purpose::Process,
        CryptographicUsageMask::UnwrapKey,
        now(),
    )?;
    let mode = mode(information.cryptographic_parameters.as_ref(), &wrapping_key)?;
    let (_, key) = symmetric_key(&wrapping_key)?;
    let mut clear = crypto::unwrap(mode, key.expose(), bytes.expose())?;
    let material = KeyMaterial::Bytes(std::mem::take(&mut *clear).into());
    let format = block.key_format_type;
    *block = KeyBlock {
        key_wrapping_data: None,
        ..with_material(block, format, material)
    };
    Ok(())
}

fn wrapping_object(
    context: &Context<'_>,
    identifier: &str,
) -> Result<std::sync::Arc<Object>, Failure> {
    let object = context
        .objects
        .get(identifier)
        .map_err(|failure| Failure::new(ResultReason::WrappingObjectNotFound, failure.message))?;
    if object.is_archived() {
        return Err(Failure::new(
            ResultReason::WrappingObjectArchived,
            "the wrapping key is in the archive",
        ));
    }
    if object.is_destroyed() {
        return Err(Failure::new(
            ResultReason::WrappingObjectDestroyed,
            "the wrapping key has been destroyed",
        ));
    }
    Ok(object)
}
