//! An owned tree, for what has no type of its own: vendor extensions, unknown fields.

use super::{Element, ItemType, Writer};
use crate::error::DecodeError;
use crate::registry::Tag;
use crate::secret::SecretBytes;

/// An item with its tag.
#[derive(Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub tag: Tag,
    /// Its value.
    pub value: ItemValue,
}

/// The value of an item of any type.
///
/// Nothing is known about what it means, so byte strings and big integers are treated as secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemValue {
    /// A Structure.
    Structure(Vec<Item>),
    /// An Integer.
    Integer(i32),
    /// A Long Integer.
    LongInteger(i64),
    /// A Big Integer: two's complement, big endian.
    BigInteger(SecretBytes),
    /// An Enumeration.
    Enumeration(u32),
    /// A Boolean.
    Boolean(bool),
    /// A Text String.
    TextString(String),
    /// A Byte String.
    ByteString(SecretBytes),
    /// A Date-Time: seconds since 1970.
    DateTime(i64),
    /// An Interval: seconds.
    Interval(u32),
    /// A Date-Time Extended: microseconds since 1970.
    DateTimeExtended(i64),
}

impl std::fmt::Debug for Item {
    /// Shows no password: they are texts, in the structures that are known too.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.tag, &self.value) {
            (Tag::Password | Tag::OneTimePassword, ItemValue::TextString(_)) => {
                write!(f, "{}: [secret text]", self.tag)
            }
            (tag, value) => {
                write!(f, "{tag}: ")?;
                value.fmt(f)
            }
        }
    }
}

impl Item {
    /// An item.
    #[must_use]
    pub const fn new(tag: Tag, value: ItemValue) -> Self {
        Self { tag, value }
    }

    /// The owned form of `element`.
    pub fn from_element(element: &Element<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            tag: element.tag(),
            value: ItemValue::from_element(element)?,
        })
    }

    /// Writes it.
    pub fn write(&self, writer: &mut Writer) {
        self.value.write(self.tag, writer);
    }
}

impl ItemValue {
    /// The owned form of `element`'s value.
    ///
    /// Recursion ends: the depth of an element was checked against [`Limits`](crate::Limits).
    pub fn from_element(element: &Element<'_>) -> Result<Self, DecodeError> {
        Ok(match element.item_type() {
            ItemType::Structure => Self::Structure(
                element
                    .structure()?
                    .map(|item| Item::from_element(&item))
                    .collect::<Result<_, _>>()?,
            ),
            ItemType::Integer => Self::Integer(element.integer()?),
            ItemType::LongInteger => Self::LongInteger(element.long_integer()?),
            ItemType::BigInteger => Self::BigInteger(element.big_integer()?.into()),
            ItemType::Enumeration => Self::Enumeration(element.enumeration()?),
            ItemType::Boolean => Self::Boolean(element.boolean()?),
            ItemType::TextString => Self::TextString(element.text()?.to_owned()),
            ItemType::ByteString => Self::ByteString(element.bytes()?.into()),
            ItemType::DateTime => Self::DateTime(element.date_time()?),
            ItemType::Interval => Self::Interval(element.interval()?),
            ItemType::DateTimeExtended => Self::DateTimeExtended(element.date_time_extended()?),
        })
    }

    /// Writes it under `tag`, which says of which enumeration or mask it is: what is newer than the message or gone
    /// from its version is treated as in the types. (In 1.x's Attribute only the attribute's name would say.)
    pub fn write(&self, tag: Tag, writer: &mut Writer) {
        match self {
            Self::Structure(items) => writer.structure(tag, |writer| {
                items.iter().for_each(|item| item.write(writer))
            }),
            Self::Integer(value) => writer.integer_of(tag, *value),
            Self::LongInteger(value) => writer.long_integer(tag, *value),
            Self::BigInteger(value) => writer.secret_big_integer(tag, value),
            Self::Enumeration(value) => writer.enumeration_of(tag, *value),
            Self::Boolean(value) => writer.boolean(tag, *value),
            Self::TextString(value) => writer.text(tag, value),
            Self::ByteString(value) => writer.secret_bytes(tag, value),
            Self::DateTime(value) => writer.date_time(tag, *value),
            Self::Interval(value) => writer.interval(tag, *value),
            Self::DateTimeExtended(value) => writer.date_time_extended(tag, *value),
        }
    }

    /// The text of a Text String.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::TextString(text) => Some(text),
            _ => None,
        }
    }

    /// The value of an Integer.
    #[must_use]
    pub const fn as_integer(&self) -> Option<i32> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }
}

impl From<&str> for ItemValue {
    fn from(text: &str) -> Self {
        Self::TextString(text.to_owned())
    }
}

impl From<i32> for ItemValue {
    fn from(value: i32) -> Self {
        Self::Integer(value)
    }
}

impl From<bool> for ItemValue {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}
