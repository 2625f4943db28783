//! A list of attributes, in whatever shape the version and the place want it.

use super::{Attribute, AttributeName, AttributeValue};
use crate::codec::{Field, Value};
use crate::error::DecodeError;
use crate::registry::Tag;
use crate::structures::Name;
use crate::ttlv::{Element, ItemValue, Writer};
use crate::version::ProtocolVersion;

/// Attributes: a Template-Attribute or a run of Attributes in 1.x, an Attributes structure in 2.x.
///
/// ```
/// use kmip::{AttributeValue, Attributes, Name};
/// use kmip::registry::{CryptographicAlgorithm, CryptographicUsageMask};
///
/// let attributes = Attributes::new()
///     .with(AttributeValue::CryptographicAlgorithm(CryptographicAlgorithm::AES))
///     .with(AttributeValue::CryptographicLength(256))
///     .with(AttributeValue::CryptographicUsageMask(
///         CryptographicUsageMask::Encrypt | CryptographicUsageMask::Decrypt,
///     ))
///     .with(AttributeValue::Name(Name::text("payroll")));
/// assert_eq!(attributes.cryptographic_length(), Some(&256));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attributes {
    list: Vec<Attribute>,
    templates: Vec<Name>,
}

impl Attributes {
    /// No attributes.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            list: Vec::new(),
            templates: Vec::new(),
        }
    }

    /// With one more attribute.
    #[must_use]
    pub fn with(mut self, attribute: impl Into<Attribute>) -> Self {
        self.push(attribute);
        self
    }

    /// Adds an attribute.
    pub fn push(&mut self, attribute: impl Into<Attribute>) {
        self.list.push(attribute.into());
    }

    /// With the attributes of the server's template of this name. 1.x only.
    #[must_use]
    pub fn with_template(mut self, name: Name) -> Self {
        self.templates.push(name);
        self
    }

    /// The names of the templates.
    #[must_use]
    pub fn templates(&self) -> &[Name] {
        &self.templates
    }

    /// The attributes, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Attribute> {
        self.list.iter()
    }

    /// How many attributes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are neither attributes nor templates.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty() && self.templates.is_empty()
    }

    /// All names: [`Attributes::name`] gives the first one only.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.iter().filter_map(|attribute| match &attribute.value {
            AttributeValue::Name(name) => Some(name),
            _ => None,
        })
    }

    /// The value of an attribute that is not in the standard.
    #[must_use]
    pub fn vendor(&self, vendor: &str, name: &str) -> Option<&ItemValue> {
        self.iter().find_map(|attribute| match &attribute.value {
            AttributeValue::Vendor {
                vendor: v,
                name: n,
                value,
            } if v == vendor && n == name => Some(value),
            _ => None,
        })
    }

    /// The first attribute of this name.
    #[must_use]
    pub fn get(&self, name: &AttributeName) -> Option<&Attribute> {
        self.iter()
            .find(|attribute| attribute.value.attribute_name() == *name)
    }

    /// Takes an item: a single `Attribute` of 1.x, or a structure that holds several.
    pub(crate) fn take_item(&mut self, element: &Element<'_>) -> Result<(), DecodeError> {
        match element.tag() {
            Tag::Attribute => self
                .list
                .push(Attribute::from_structure(element.structure()?)?),
            Tag::TemplateAttribute
            | Tag::CommonTemplateAttribute
            | Tag::PrivateKeyTemplateAttribute
            | Tag::PublicKeyTemplateAttribute => {
                for field in element.structure()? {
                    match field.tag() {
                        Tag::Name => self.templates.push(Name::decode(&field)?),
                        Tag::Attribute => self
                            .list
                            .push(Attribute::from_structure(field.structure()?)?),
                        _ => {}
                    }
                }
            }
            _ => {
                for field in element.structure()? {
                    self.list.push(Attribute::from_typed(&field)?);
                }
            }
        }
        Ok(())
    }

    fn write(&self, tag: Tag, writer: &mut Writer) {
        let template = || "a template's name".to_owned();
        if !self.templates.is_empty() && !writer.admits_until(ProtocolVersion::V1_4, template) {
            return;
        }
        if writer.version().has_typed_attributes() {
            let tag = match tag {
                Tag::CommonTemplateAttribute => Tag::CommonAttributes,
                Tag::PrivateKeyTemplateAttribute => Tag::PrivateKeyAttributes,
                Tag::PublicKeyTemplateAttribute => Tag::PublicKeyAttributes,
                _ => Tag::Attributes,
            };
            writer.structure(tag, |writer| {
                self.list
                    .iter()
                    .for_each(|attribute| attribute.write(writer))
            });
        } else if tag == Tag::Attribute {
            self.list
                .iter()
                .for_each(|attribute| attribute.write(writer));
        } else {
            writer.structure(tag, |writer| {
                for name in &self.templates {
                    name.encode(Tag::Name, writer);
                }
                self.list
                    .iter()
                    .for_each(|attribute| attribute.write(writer));
            });
        }
    }
}

impl FromIterator<AttributeValue> for Attributes {
    fn from_iter<I: IntoIterator<Item = AttributeValue>>(values: I) -> Self {
        Self {
            list: values.into_iter().map(Into::into).collect(),
            templates: Vec::new(),
        }
    }
}

impl FromIterator<Attribute> for Attributes {
    fn from_iter<I: IntoIterator<Item = Attribute>>(attributes: I) -> Self {
        Self {
            list: attributes.into_iter().collect(),
            templates: Vec::new(),
        }
    }
}

impl<'a> IntoIterator for &'a Attributes {
    type Item = &'a Attribute;
    type IntoIter = std::slice::Iter<'a, Attribute>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

/// As a field that is always written, except where it is a run of items anyway; absent reads as empty.
///
/// The tag of the field is 1.x's: `Attribute` for a run of them, or one of the Template-Attributes.
impl Field for Attributes {
    type Slot = Self;

    fn take(slot: &mut Self::Slot, element: &Element<'_>) -> Result<(), DecodeError> {
        slot.take_item(element)
    }

    fn finish(slot: Self::Slot, _: Tag, _: Tag) -> Result<Self, DecodeError> {
        Ok(slot)
    }

    fn put(&self, tag: Tag, writer: &mut Writer) {
        self.write(tag, writer);
    }

    fn is_set(&self) -> bool {
        !self.is_empty()
    }
}

impl Field for Option<Attributes> {
    type Slot = Self;

    fn take(slot: &mut Self::Slot, element: &Element<'_>) -> Result<(), DecodeError> {
        slot.get_or_insert_default().take_item(element)
    }

    fn finish(slot: Self::Slot, _: Tag, _: Tag) -> Result<Self, DecodeError> {
        Ok(slot)
    }

    fn put(&self, tag: Tag, writer: &mut Writer) {
        if let Some(attributes) = self {
            attributes.write(tag, writer);
        }
    }

    fn is_set(&self) -> bool {
        self.is_some()
    }
}

/// A single attribute: `Attribute` in 1.x, a structure with one typed attribute in it (`New Attribute`,
/// `Current Attribute`) in 2.x. The tag of the field is 2.x's.
impl Value for Attribute {
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        let mut fields = element.structure()?;
        if element.tag() == Tag::Attribute {
            return Self::from_structure(fields);
        }
        let field = fields.next().ok_or(DecodeError::Missing {
            tag: Tag::Attribute,
            within: element.tag(),
        })?;
        Self::from_typed(&field)
    }

    fn encode(&self, tag: Tag, writer: &mut Writer) {
        if writer.version().has_typed_attributes() {
            // As `Attribute`, it is a field that only 1.x has: 2.x's responses do not repeat the attribute.
            if tag != Tag::Attribute {
                writer.structure(tag, |writer| self.write(writer));
            }
        } else {
            self.write(writer);
        }
    }
}

/// The Template-Attribute of 1.x's responses, in which the server reports the attributes that it chose: 2.x has
/// nothing in its place, so there it is left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attributes1x(pub Attributes);

impl Value for Attributes1x {
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        let mut attributes = Attributes::new();
        attributes.take_item(element)?;
        Ok(Self(attributes))
    }

    fn encode(&self, tag: Tag, writer: &mut Writer) {
        if !writer.version().has_typed_attributes() {
            self.0.write(tag, writer);
        }
    }
}
