//! Attributes: what is said about a managed object (KMIP 1.4, section 3; 2.1, section 4).
//!
//! 1.x sends an attribute as its name, an index and a value; 2.x as an item with a tag of its own. Here both are an
//! [`Attribute`]; the version of the message decides what is written, and [`Attributes`] reads either.

mod list;
mod name;
mod table;

pub use list::{Attributes, Attributes1x};
pub use name::{AttributeName, AttributeNames};
pub use table::AttributeValue;
pub(crate) use table::{standard_name, tag_of_name};

use crate::codec::{Value, take_once};
use crate::error::DecodeError;
use crate::registry::Tag;
use crate::ttlv::{Element, Elements, ItemValue, Writer};

/// One instance of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Which instance it is of an attribute that may have several; the first one is 0. Of 1.x only: 2.x does not send
    /// it.
    pub index: Option<i32>,
    /// The attribute and its value.
    pub value: AttributeValue,
}

impl From<AttributeValue> for Attribute {
    fn from(value: AttributeValue) -> Self {
        Self { index: None, value }
    }
}

impl Attribute {
    /// An attribute that is not in the standard. In 1.x it is sent as `{vendor}-{name}`, where `vendor` is `x` for
    /// attributes that clients define and `y` for those of the server.
    #[must_use]
    pub fn vendor(
        vendor: impl Into<String>,
        name: impl Into<String>,
        value: impl Into<ItemValue>,
    ) -> Self {
        AttributeValue::Vendor {
            vendor: vendor.into(),
            name: name.into(),
            value: value.into(),
        }
        .into()
    }

    /// Reads the `Attribute` structure: 1.x's, or a vendor attribute of 2.x.
    pub(crate) fn from_structure(fields: Elements<'_>) -> Result<Self, DecodeError> {
        let within = Tag::Attribute;
        let (mut vendor, mut name, mut index, mut value) = (None, None, None, None);
        for field in fields {
            match field.tag() {
                Tag::VendorIdentification => take_once(&mut vendor, &field, String::decode)?,
                Tag::AttributeName => take_once(&mut name, &field, |field| field.text())?,
                Tag::AttributeIndex => take_once(&mut index, &field, i32::decode)?,
                Tag::AttributeValue => take_once(&mut value, &field, |field| Ok(*field))?,
                _ => {}
            }
        }
        let name = name.ok_or(DecodeError::Missing {
            tag: Tag::AttributeName,
            within,
        })?;
        let value = value.ok_or(DecodeError::Missing {
            tag: Tag::AttributeValue,
            within,
        })?;
        let value = match vendor {
            Some(vendor) => AttributeValue::Vendor {
                vendor,
                name: name.to_owned(),
                value: ItemValue::from_element(&value)?,
            },
            None => AttributeValue::from_named(name, &value)?,
        };
        Ok(Self { index, value })
    }

    /// Reads a typed attribute of 2.x.
    pub(crate) fn from_typed(element: &Element<'_>) -> Result<Self, DecodeError> {
        if element.tag() == Tag::Attribute {
            return Self::from_structure(element.structure()?);
        }
        AttributeValue::from_tagged(element).map(Into::into)
    }

    /// Writes the `Attribute` structure of 1.x, or the typed attribute of 2.x.
    pub(crate) fn write(&self, writer: &mut Writer) {
        if !self.value.admitted(writer) {
            return;
        }
        // A value of which a part is newer than the message is left out as a whole.
        writer.optional(|writer| self.write_admitted(writer));
    }

    fn write_admitted(&self, writer: &mut Writer) {
        if writer.version().has_typed_attributes() {
            self.value.write_typed(writer);
            return;
        }
        let start = writer.written();
        let mut has_value = false;
        writer.structure(Tag::Attribute, |writer| {
            writer.text(Tag::AttributeName, &self.value.name_1_x());
            if let Some(index) = self.index {
                writer.integer(Tag::AttributeIndex, index);
            }
            let before = writer.written();
            self.value.write_value(Tag::AttributeValue, writer);
            has_value = writer.written() > before;
        });
        if !has_value {
            // The value itself is newer than the message.
            writer.rewind(start);
        }
    }
}
