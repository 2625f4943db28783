//! Names of attributes: text in 1.x, Attribute Reference in 2.x.

use std::fmt;

use super::{standard_name, tag_of_name};
use crate::codec::{Value, take_once};
use crate::error::DecodeError;
use crate::registry::Tag;
use crate::ttlv::{Element, ItemType, Writer};
use crate::version::ProtocolVersion;

/// The name of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AttributeName {
    /// An attribute of the standard, by its tag.
    Standard(Tag),
    /// An attribute that is not in the standard.
    Vendor {
        /// Whose it is: `x` for clients' and `y` for the server's in 1.x.
        vendor: String,
        /// Its name, without the vendor.
        name: String,
    },
    /// A name of 1.x that is not in the table.
    Named(String),
}

impl From<Tag> for AttributeName {
    fn from(tag: Tag) -> Self {
        Self::Standard(tag)
    }
}

impl fmt::Display for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standard(tag) => match standard_name(*tag) {
                Some((name, _)) => f.write_str(name),
                None => write!(f, "{tag}"),
            },
            Self::Vendor { vendor, name } => f.write_str(&Self::vendor_1_x(vendor, name)),
            Self::Named(name) => f.write_str(name),
        }
    }
}

impl AttributeName {
    /// The attribute that has this name in 1.x: `Cryptographic Length`, `x-Purpose`.
    #[must_use]
    pub fn from_1_x(name: &str) -> Self {
        if let Some(tag) = tag_of_name(name) {
            return Self::Standard(tag);
        }
        for vendor in ["x", "y"] {
            if let Some(name) = name
                .strip_prefix(vendor)
                .and_then(|rest| rest.strip_prefix('-'))
            {
                return Self::Vendor {
                    vendor: vendor.to_owned(),
                    name: name.to_owned(),
                };
            }
        }
        Self::Named(name.to_owned())
    }

    pub(super) fn vendor_1_x(vendor: &str, name: &str) -> String {
        match vendor {
            "x" | "y" => format!("{vendor}-{name}"),
            _ => format!("x-{vendor}-{name}"),
        }
    }

    fn decode_reference(element: &Element<'_>) -> Result<Self, DecodeError> {
        if element.item_type() == ItemType::Enumeration {
            return element.enumeration().map(|code| Self::Standard(Tag(code)));
        }
        let (mut vendor, mut name) = (None, None);
        for field in element.structure()? {
            match field.tag() {
                Tag::VendorIdentification => take_once(&mut vendor, &field, String::decode)?,
                Tag::AttributeName => take_once(&mut name, &field, String::decode)?,
                _ => {}
            }
        }
        let within = element.tag();
        let vendor = vendor.ok_or(DecodeError::Missing {
            tag: Tag::VendorIdentification,
            within,
        })?;
        let name = name.ok_or(DecodeError::Missing {
            tag: Tag::AttributeName,
            within,
        })?;
        Ok(Self::Vendor { vendor, name })
    }

    fn write(&self, writer: &mut Writer) {
        if writer.version().has_typed_attributes() {
            match self {
                Self::Standard(tag) => {
                    // An attribute that this library does not know may still be one of the standard.
                    let since = standard_name(*tag).map_or(tag.since(), |(_, since)| Some(since));
                    let what = || format!("the attribute {tag}");
                    if writer.admits_span(since, tag.until(), what) {
                        writer.enumeration_code(Tag::AttributeReference, tag.0);
                    }
                }
                Self::Vendor { vendor, name } => {
                    writer.structure(Tag::AttributeReference, |writer| {
                        writer.text(Tag::VendorIdentification, vendor);
                        writer.text(Tag::AttributeName, name);
                    })
                }
                Self::Named(name) => {
                    writer.admits_until(ProtocolVersion::V1_4, || format!("the attribute {name}"));
                }
            }
            return;
        }
        match self {
            Self::Standard(tag) => match standard_name(*tag) {
                Some((name, since)) => {
                    let what = || format!("the attribute {name}");
                    if writer.admits_span(Some(since), tag.until(), what) {
                        writer.text(Tag::AttributeName, name);
                    }
                }
                None => {
                    writer.admits(ProtocolVersion::V2_0, || format!("the attribute {tag}"));
                }
            },
            Self::Vendor { vendor, name } => {
                writer.text(Tag::AttributeName, &Self::vendor_1_x(vendor, name))
            }
            Self::Named(name) => writer.text(Tag::AttributeName, name),
        }
    }
}

impl Value for AttributeName {
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        match element.tag() {
            Tag::AttributeName => element.text().map(Self::from_1_x),
            _ => Self::decode_reference(element),
        }
    }

    fn encode(&self, _: Tag, writer: &mut Writer) {
        self.write(writer);
    }
}

/// Several names of attributes.
pub type AttributeNames = Vec<AttributeName>;
