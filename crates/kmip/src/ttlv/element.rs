//! An item that borrows from the message.

use super::{ItemType, check};
use crate::error::DecodeError;
use crate::registry::Tag;

/// One item of a message that [`check`](super::check()) has accepted. Copies are free: it is a tag, a type and a slice.
#[derive(Clone, Copy)]
pub struct Element<'a> {
    tag: Tag,
    item_type: ItemType,
    value: &'a [u8],
}

impl<'a> Element<'a> {
    pub(super) const fn new(tag: Tag, item_type: ItemType, value: &'a [u8]) -> Self {
        Self {
            tag,
            item_type,
            value,
        }
    }

    /// What the item is.
    #[must_use]
    pub const fn tag(&self) -> Tag {
        self.tag
    }

    /// How its value is encoded.
    #[must_use]
    pub const fn item_type(&self) -> ItemType {
        self.item_type
    }

    /// The value as it is on the wire, without padding.
    #[must_use]
    pub const fn raw(&self) -> &'a [u8] {
        self.value
    }

    fn expect(&self, expected: ItemType) -> Result<(), DecodeError> {
        if self.item_type == expected {
            Ok(())
        } else {
            Err(DecodeError::WrongType {
                tag: self.tag,
                got: self.item_type,
                expected,
            })
        }
    }

    fn four(&self, expected: ItemType) -> Result<[u8; 4], DecodeError> {
        self.expect(expected)?;
        self.value.try_into().map_err(|_| self.wrong_length())
    }

    fn eight(&self, expected: ItemType) -> Result<[u8; 8], DecodeError> {
        self.expect(expected)?;
        self.value.try_into().map_err(|_| self.wrong_length())
    }

    fn wrong_length(&self) -> DecodeError {
        DecodeError::WrongLength {
            tag: self.tag,
            item_type: self.item_type,
            got: self.value.len(),
        }
    }

    /// The value of an Integer. This and the like fail when the item is of another type.
    pub fn integer(&self) -> Result<i32, DecodeError> {
        self.four(ItemType::Integer).map(i32::from_be_bytes)
    }

    /// The value of a Long Integer.
    pub fn long_integer(&self) -> Result<i64, DecodeError> {
        self.eight(ItemType::LongInteger).map(i64::from_be_bytes)
    }

    /// The value of a Big Integer: two's complement, big endian.
    pub fn big_integer(&self) -> Result<&'a [u8], DecodeError> {
        self.expect(ItemType::BigInteger)?;
        Ok(self.value)
    }

    /// The value of an Enumeration.
    pub fn enumeration(&self) -> Result<u32, DecodeError> {
        self.four(ItemType::Enumeration).map(u32::from_be_bytes)
    }

    /// The value of a Boolean.
    pub fn boolean(&self) -> Result<bool, DecodeError> {
        match u64::from_be_bytes(self.eight(ItemType::Boolean)?) {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError::InvalidValue {
                tag: self.tag,
                reason: "a Boolean is 0 or 1",
            }),
        }
    }

    /// The value of a Text String.
    pub fn text(&self) -> Result<&'a str, DecodeError> {
        self.expect(ItemType::TextString)?;
        std::str::from_utf8(self.value).map_err(|_| DecodeError::NotUtf8 { tag: self.tag })
    }

    /// The value of a Byte String.
    pub fn bytes(&self) -> Result<&'a [u8], DecodeError> {
        self.expect(ItemType::ByteString)?;
        Ok(self.value)
    }

    /// The value of a Date-Time: seconds since 1970.
    pub fn date_time(&self) -> Result<i64, DecodeError> {
        self.eight(ItemType::DateTime).map(i64::from_be_bytes)
    }

    /// The value of an Interval: seconds.
    pub fn interval(&self) -> Result<u32, DecodeError> {
        self.four(ItemType::Interval).map(u32::from_be_bytes)
    }

    /// The value of a Date-Time Extended: microseconds since 1970.
    pub fn date_time_extended(&self) -> Result<i64, DecodeError> {
        self.eight(ItemType::DateTimeExtended)
            .map(i64::from_be_bytes)
    }

    /// The items of a Structure.
    pub fn structure(&self) -> Result<Elements<'a>, DecodeError> {
        self.expect(ItemType::Structure)?;
        Ok(Elements { rest: self.value })
    }

    /// Fails unless the tag is this one.
    pub fn expect_tag(&self, expected: Tag) -> Result<(), DecodeError> {
        if self.tag == expected {
            Ok(())
        } else {
            Err(DecodeError::WrongTag {
                got: self.tag,
                expected,
            })
        }
    }
}

impl std::fmt::Debug for Element<'_> {
    /// Shows no value: it may be a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} ({}, {} bytes)",
            self.tag,
            self.item_type,
            self.value.len()
        )
    }
}

/// The items of a structure, in order.
#[derive(Clone, Copy)]
pub struct Elements<'a> {
    rest: &'a [u8],
}

impl<'a> Elements<'a> {
    /// The first item with this tag.
    #[must_use]
    pub fn find_tag(mut self, tag: Tag) -> Option<Element<'a>> {
        self.find(|element| element.tag() == tag)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        // Cannot fail: an element comes from `check` only, which has walked through all of it.
        let (element, rest) = check::split(self.rest).ok()?;
        self.rest = rest;
        Some(element)
    }
}
