//! Identifiers of objects, and data, that 2.x lets a batch refer to instead of spelling out.

use std::fmt;

use crate::codec::Value;
use crate::error::DecodeError;
use crate::registry::{DataPlaceholder, Enumeration, Tag, UniqueIdentifierPlaceholder};
use crate::secret::SecretBytes;
use crate::ttlv::{Element, ItemType, Writer};
use crate::version::ProtocolVersion;

/// The identifier of a managed object (KMIP 2.1, section 4.66): chosen by the server; in a batch of 2.x also a stand-in
/// for the identifier that an earlier item yields.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum UniqueIdentifier {
    /// The identifier.
    Text(String),
    /// The last identifier that such an operation of this batch yielded. Of 2.0.
    Placeholder(UniqueIdentifierPlaceholder),
    /// The identifier with this place, counted from 0, among those that the batch has yielded; negative ones count
    /// back from this item. Of 2.0.
    BatchItem(i32),
}

impl UniqueIdentifier {
    /// The identifier's text; `None` for a stand-in.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl fmt::Display for UniqueIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Placeholder(operation) => write!(f, "${operation}"),
            Self::BatchItem(index) => write!(f, "#{index}"),
        }
    }
}

impl From<&str> for UniqueIdentifier {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for UniqueIdentifier {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Value for UniqueIdentifier {
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        match element.item_type() {
            ItemType::Enumeration => element
                .enumeration()
                .map(|code| Self::Placeholder(UniqueIdentifierPlaceholder::from_code(code))),
            ItemType::Integer => element.integer().map(Self::BatchItem),
            _ => element.text().map(|text| Self::Text(text.to_owned())),
        }
    }

    fn encode(&self, tag: Tag, writer: &mut Writer) {
        match self {
            Self::Text(text) => writer.text(tag, text),
            Self::Placeholder(operation) => write_placeholder(tag, *operation, writer),
            Self::BatchItem(index) => write_place(tag, *index, writer),
        }
    }
}

/// The data of a cryptographic operation (KMIP 2.1, section 9.12): treated as a secret; in a batch of 2.x also a
/// stand-in for what an earlier item yields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// The data.
    Bytes(SecretBytes),
    /// What such an operation of this batch yielded last. Of 2.0.
    Placeholder(DataPlaceholder),
    /// The data with this place, counted from 0, among what the batch has yielded; negative ones count back from this
    /// item. Of 2.0.
    BatchItem(i32),
}

impl Data {
    /// The data; `None` for a stand-in.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes.expose()),
            _ => None,
        }
    }
}

impl From<Vec<u8>> for Data {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<&[u8]> for Data {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl Value for Data {
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        match element.item_type() {
            ItemType::Enumeration => element
                .enumeration()
                .map(|code| Self::Placeholder(DataPlaceholder::from_code(code))),
            ItemType::Integer => element.integer().map(Self::BatchItem),
            _ => element.bytes().map(|bytes| Self::Bytes(bytes.into())),
        }
    }

    fn encode(&self, tag: Tag, writer: &mut Writer) {
        match self {
            Self::Bytes(bytes) => writer.secret_bytes(tag, bytes),
            Self::Placeholder(operation) => write_placeholder(tag, *operation, writer),
            Self::BatchItem(index) => write_place(tag, *index, writer),
        }
    }
}

fn write_placeholder(tag: Tag, operation: impl Enumeration, writer: &mut Writer) {
    if writer.admits(ProtocolVersion::V2_0, || format!("{tag} as an enumeration")) {
        writer.enumeration(tag, operation);
    }
}

fn write_place(tag: Tag, index: i32, writer: &mut Writer) {
    if writer.admits(ProtocolVersion::V2_0, || format!("{tag} as an integer")) {
        writer.integer(tag, index);
    }
}
