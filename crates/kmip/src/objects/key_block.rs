//! Key Block and Key Value (KMIP 1.4, sections 2.1.3 and 2.1.4; 2.1, section 3).

use super::{KeyMaterial, KeyWrappingData};
use crate::attributes::Attributes;
use crate::codec::{Field, Structure, Value, take_once};
use crate::error::DecodeError;
use crate::registry::{CryptographicAlgorithm, KeyCompressionType, KeyFormatType, Tag};
use crate::secret::SecretBytes;
use crate::ttlv::{Element, Elements, ItemType, Writer};
use crate::version::ProtocolVersion;

/// A key with what one needs to know to use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBlock {
    /// How the key is represented.
    pub key_format_type: KeyFormatType,
    /// How a point is compressed.
    pub key_compression_type: Option<KeyCompressionType>,
    /// The key; absent where the server has only its metadata (1.2).
    pub key_value: Option<WrappedOrPlain>,
    /// The key's algorithm.
    pub cryptographic_algorithm: Option<CryptographicAlgorithm>,
    /// The key's length, in bits.
    pub cryptographic_length: Option<i32>,
    /// How the key is wrapped. Apart: few are, and it is three times as large as the rest of the block.
    pub key_wrapping_data: Option<Box<KeyWrappingData>>,
}

/// The two shapes of a Key Value.
// Nearly all are plain: a box would cost an allocation to make the rare ones small.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WrappedOrPlain {
    /// The key, with its attributes.
    Plain(KeyValue),
    /// The wrapped encoding of what would stand here otherwise.
    Wrapped(SecretBytes),
}

/// A key and the attributes that travel with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValue {
    /// The key.
    pub key_material: KeyMaterial,
    /// Its attributes.
    pub attributes: Attributes,
}

impl KeyBlock {
    /// A symmetric key in the format `Raw`: `algorithm`, and the length that `material` has.
    #[must_use]
    pub fn raw(algorithm: CryptographicAlgorithm, material: impl Into<SecretBytes>) -> Self {
        let material = material.into();
        let bits = i32::try_from(material.len().saturating_mul(8)).ok();
        Self {
            key_format_type: KeyFormatType::Raw,
            key_compression_type: None,
            key_value: Some(WrappedOrPlain::Plain(KeyValue {
                key_material: KeyMaterial::Bytes(material),
                attributes: Attributes::default(),
            })),
            cryptographic_algorithm: Some(algorithm),
            cryptographic_length: bits,
            key_wrapping_data: None,
        }
    }

    /// Bytes without an algorithm, in the format `Raw`: for secret data. (Some servers want
    /// [`KeyFormatType::Opaque`].)
    #[must_use]
    pub fn secret(material: impl Into<SecretBytes>) -> Self {
        Self {
            cryptographic_algorithm: None,
            cryptographic_length: None,
            ..Self::raw(CryptographicAlgorithm::AES, material)
        }
    }

    /// The bytes of a key that is not wrapped and not transparent; of a transparent symmetric key too.
    #[must_use]
    pub fn key_bytes(&self) -> Option<&SecretBytes> {
        match &self.key_value {
            Some(WrappedOrPlain::Plain(value)) => match &value.key_material {
                KeyMaterial::Bytes(bytes) => Some(bytes),
                KeyMaterial::TransparentSymmetricKey(key) => Some(&key.key),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Structure for KeyBlock {
    fn decode_fields(fields: Elements<'_>, within: Tag) -> Result<Self, DecodeError> {
        let (mut format, mut compression, mut value) = (None, None, None);
        let (mut algorithm, mut length, mut wrapping) = (None, None, None);
        for element in fields {
            match element.tag() {
                Tag::KeyFormatType => take_once(&mut format, &element, KeyFormatType::decode)?,
                Tag::KeyCompressionType => {
                    take_once(&mut compression, &element, KeyCompressionType::decode)?
                }
                Tag::KeyValue => take_once(&mut value, &element, |element| Ok(*element))?,
                Tag::CryptographicAlgorithm => take_once(&mut algorithm, &element, Value::decode)?,
                Tag::CryptographicLength => take_once(&mut length, &element, Value::decode)?,
                Tag::KeyWrappingData => take_once(&mut wrapping, &element, Value::decode)?,
                _ => {}
            }
        }
        let key_format_type = format.ok_or(DecodeError::Missing {
            tag: Tag::KeyFormatType,
            within,
        })?;
        // What the key material is, depends on the format: so the value comes last.
        let key_value = value
            .map(|element| WrappedOrPlain::decode(&element, key_format_type))
            .transpose()?;
        Ok(Self {
            key_format_type,
            key_compression_type: compression,
            key_value,
            cryptographic_algorithm: algorithm,
            cryptographic_length: length,
            key_wrapping_data: wrapping,
        })
    }

    fn encode_fields(&self, writer: &mut Writer) {
        self.key_format_type.put(Tag::KeyFormatType, writer);
        self.key_compression_type
            .put(Tag::KeyCompressionType, writer);
        match &self.key_value {
            Some(WrappedOrPlain::Plain(value)) => writer.structure(Tag::KeyValue, |writer| {
                value.key_material.write(writer);
                if !value.attributes.is_empty() {
                    value.attributes.put(Tag::Attribute, writer);
                }
            }),
            Some(WrappedOrPlain::Wrapped(bytes)) => writer.secret_bytes(Tag::KeyValue, bytes),
            None => {
                let what = || "a Key Block without a Key Value".to_owned();
                if !writer.admits(ProtocolVersion::V1_2, what) {
                    writer.required(Tag::KeyValue, |_| {});
                }
            }
        }
        self.cryptographic_algorithm
            .put(Tag::CryptographicAlgorithm, writer);
        self.cryptographic_length
            .put(Tag::CryptographicLength, writer);
        self.key_wrapping_data.put(Tag::KeyWrappingData, writer);
    }
}

impl Value for KeyBlock {
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        Self::decode_fields(element.structure()?, element.tag())
    }

    fn encode(&self, tag: Tag, writer: &mut Writer) {
        writer.structure(tag, |writer| self.encode_fields(writer));
    }
}

impl WrappedOrPlain {
    fn decode(element: &Element<'_>, format: KeyFormatType) -> Result<Self, DecodeError> {
        if element.item_type() == ItemType::ByteString {
            return Ok(Self::Wrapped(element.bytes()?.into()));
        }
        let mut material = None;
        let mut attributes = Attributes::default();
        for field in element.structure()? {
            match field.tag() {
                Tag::KeyMaterial => take_once(&mut material, &field, |field| {
                    KeyMaterial::decode(field, format)
                })?,
                Tag::Attribute | Tag::Attributes => attributes.take_item(&field)?,
                _ => {}
            }
        }
        let key_material = material.ok_or(DecodeError::Missing {
            tag: Tag::KeyMaterial,
            within: Tag::KeyValue,
        })?;
        Ok(Self::Plain(KeyValue {
            key_material,
            attributes,
        }))
    }
}
