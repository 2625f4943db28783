//! How Rust types become items and back.
//!
//! [`Value`] is one item. [`Field`] is a field of a structure: required (`T`), optional (`Option<T>`) or repeated
//! (`Vec<T>`). The `structure!` macro declares a structure as a table of fields and their tags.

use crate::error::DecodeError;
use crate::registry::Tag;
use crate::secret::{SecretBytes, SecretItems, SecretText};
use crate::ttlv::{Element, Elements, Item, ItemValue, Writer};
use crate::version::ProtocolVersion;

/// A type whose values are one item each.
pub trait Value: Sized {
    /// The value of an item.
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError>;
    /// Writes the value as an item.
    fn encode(&self, tag: Tag, writer: &mut Writer);
}

/// A structure: what is inside, without the item around it.
pub trait Structure: Sized {
    /// Reads the fields, in any order. Fields that the structure does not have are skipped: peers send extra ones. (What
    /// is kept of them is said at the [crate's root](crate#what-is-unknown).)
    fn decode_fields(fields: Elements<'_>, within: Tag) -> Result<Self, DecodeError>;
    /// Writes the fields in the specification's order.
    fn encode_fields(&self, writer: &mut Writer);
}

/// A field of a structure with its cardinality.
pub trait Field: Sized {
    /// What is gathered while the structure is read.
    type Slot: Default;
    /// Takes an item of the field.
    fn take(slot: &mut Self::Slot, element: &Element<'_>) -> Result<(), DecodeError>;
    /// The field, once all items are taken.
    fn finish(slot: Self::Slot, tag: Tag, within: Tag) -> Result<Self, DecodeError>;
    /// Writes the field's items.
    fn put(&self, tag: Tag, writer: &mut Writer);
    /// Whether there is anything to write.
    fn is_set(&self) -> bool;
}

impl<T: Value> Field for T {
    type Slot = Option<T>;

    #[inline]
    fn take(slot: &mut Self::Slot, element: &Element<'_>) -> Result<(), DecodeError> {
        take_once(slot, element, T::decode)
    }

    #[inline]
    fn finish(slot: Self::Slot, tag: Tag, within: Tag) -> Result<Self, DecodeError> {
        slot.ok_or(DecodeError::Missing { tag, within })
    }

    #[inline]
    fn put(&self, tag: Tag, writer: &mut Writer) {
        writer.required(tag, |writer| self.encode(tag, writer));
    }

    fn is_set(&self) -> bool {
        true
    }
}

impl<T: Value> Field for Option<T> {
    type Slot = Self;

    #[inline]
    fn take(slot: &mut Self::Slot, element: &Element<'_>) -> Result<(), DecodeError> {
        take_once(slot, element, T::decode)
    }

    #[inline]
    fn finish(slot: Self::Slot, _: Tag, _: Tag) -> Result<Self, DecodeError> {
        Ok(slot)
    }

    #[inline]
    fn put(&self, tag: Tag, writer: &mut Writer) {
        if let Some(value) = self {
            writer.optional(|writer| value.encode(tag, writer));
        }
    }

    fn is_set(&self) -> bool {
        self.is_some()
    }
}

impl<T: Value> Field for Vec<T> {
    type Slot = Self;

    #[inline]
    fn take(slot: &mut Self::Slot, element: &Element<'_>) -> Result<(), DecodeError> {
        slot.push(T::decode(element)?);
        Ok(())
    }

    #[inline]
    fn finish(slot: Self::Slot, _: Tag, _: Tag) -> Result<Self, DecodeError> {
        Ok(slot)
    }

    #[inline]
    fn put(&self, tag: Tag, writer: &mut Writer) {
        for value in self {
            writer.optional(|writer| value.encode(tag, writer));
        }
    }

    fn is_set(&self) -> bool {
        !self.is_empty()
    }
}

/// Fills a slot that may be filled once.
pub(crate) fn take_once<'a, T>(
    slot: &mut Option<T>,
    element: &Element<'a>,
    decode: impl FnOnce(&Element<'a>) -> Result<T, DecodeError>,
) -> Result<(), DecodeError> {
    if slot.is_some() {
        return Err(DecodeError::Duplicate { tag: element.tag() });
    }
    *slot = Some(decode(element)?);
    Ok(())
}

/// For what is large and rare.
impl<T: Value> Value for Box<T> {
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        T::decode(element).map(Self::new)
    }

    fn encode(&self, tag: Tag, writer: &mut Writer) {
        (**self).encode(tag, writer);
    }
}

macro_rules! value {
    ($type:ty, $read:ident, $write:ident) => {
        impl Value for $type {
            #[inline]
            fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
                element.$read().map(Into::into)
            }

            #[inline]
            fn encode(&self, tag: Tag, writer: &mut Writer) {
                writer.$write(tag, (*self).into());
            }
        }
    };
}

value!(i32, integer, integer);
value!(i64, long_integer, long_integer);
value!(bool, boolean, boolean);
value!(DateTime, date_time, date_time);
value!(DateTimeExtended, date_time_extended, date_time_extended);
value!(Interval, interval, interval);

impl Value for String {
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        element.text().map(str::to_owned)
    }

    fn encode(&self, tag: Tag, writer: &mut Writer) {
        writer.text(tag, self);
    }
}

impl Value for Bytes {
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        element.bytes().map(|bytes| Self(bytes.to_vec()))
    }

    fn encode(&self, tag: Tag, writer: &mut Writer) {
        writer.bytes(tag, &self.0);
    }
}

impl Value for SecretBytes {
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        element.bytes().map(Into::into)
    }

    fn encode(&self, tag: Tag, writer: &mut Writer) {
        writer.secret_bytes(tag, self);
    }
}

impl Value for SecretText {
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        element.text().map(Into::into)
    }

    fn encode(&self, tag: Tag, writer: &mut Writer) {
        writer.secret_text(tag, self.expose());
    }
}

impl Value for BigInteger {
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        element.big_integer().map(|bytes| Self(bytes.into()))
    }

    fn encode(&self, tag: Tag, writer: &mut Writer) {
        writer.secret_big_integer(tag, &self.0);
    }
}

impl Value for ItemValue {
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        Self::from_element(element)
    }

    fn encode(&self, tag: Tag, writer: &mut Writer) {
        self.write(tag, writer);
    }
}

/// A structure that may hold anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AnyStructure(pub Vec<Item>);

impl AnyStructure {
    /// The value of the first item with this tag.
    #[must_use]
    pub fn get(&self, tag: Tag) -> Option<&ItemValue> {
        self.0
            .iter()
            .find(|item| item.tag == tag)
            .map(|item| &item.value)
    }
}

impl Value for AnyStructure {
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        Structure::decode_fields(element.structure()?, element.tag()).map(Self)
    }

    fn encode(&self, tag: Tag, writer: &mut Writer) {
        writer.structure(tag, |writer| self.0.encode_fields(writer));
    }
}

impl Value for SecretItems {
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        Vec::decode_fields(element.structure()?, element.tag()).map(Self::new)
    }

    fn encode(&self, tag: Tag, writer: &mut Writer) {
        writer.mark_secret();
        writer.structure(tag, |writer| {
            self.expose().iter().for_each(|item| item.write(writer))
        });
    }
}

/// Items of any tag, as the contents of a structure.
impl Structure for Vec<Item> {
    fn decode_fields(fields: Elements<'_>, _: Tag) -> Result<Self, DecodeError> {
        fields.map(|element| Item::from_element(&element)).collect()
    }

    fn encode_fields(&self, writer: &mut Writer) {
        for item in self {
            item.write(writer);
        }
    }
}

/// Bytes that are no secret: identifiers, nonces, certificates. For what is, see [`SecretBytes`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Bytes(pub Vec<u8>);

impl std::ops::Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl Value for ProtocolVersion {
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        let (mut major, mut minor) = (None, None);
        for field in element.structure()? {
            match field.tag() {
                Tag::ProtocolVersionMajor => take_once(&mut major, &field, i32::decode)?,
                Tag::ProtocolVersionMinor => take_once(&mut minor, &field, i32::decode)?,
                _ => {}
            }
        }
        let within = element.tag();
        Ok(Self {
            major: major.ok_or(DecodeError::Missing {
                tag: Tag::ProtocolVersionMajor,
                within,
            })?,
            minor: minor.ok_or(DecodeError::Missing {
                tag: Tag::ProtocolVersionMinor,
                within,
            })?,
        })
    }

    fn encode(&self, tag: Tag, writer: &mut Writer) {
        writer.structure(tag, |writer| {
            writer.integer(Tag::ProtocolVersionMajor, self.major);
            writer.integer(Tag::ProtocolVersionMinor, self.minor);
        });
    }
}

/// A point in time: seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime(pub i64);

impl From<i64> for DateTime {
    fn from(seconds: i64) -> Self {
        Self(seconds)
    }
}

impl From<DateTime> for i64 {
    fn from(time: DateTime) -> Self {
        time.0
    }
}

/// A point in time: microseconds since 1970-01-01T00:00:00Z. Of KMIP 2.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTimeExtended(pub i64);

impl From<i64> for DateTimeExtended {
    fn from(microseconds: i64) -> Self {
        Self(microseconds)
    }
}

impl From<DateTimeExtended> for i64 {
    fn from(time: DateTimeExtended) -> Self {
        time.0
    }
}

/// A span of time in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval(pub u32);

impl From<u32> for Interval {
    fn from(seconds: u32) -> Self {
        Self(seconds)
    }
}

impl From<Interval> for u32 {
    fn from(interval: Interval) -> Self {
        interval.0
    }
}

/// A number of any size: two's complement, big endian. Treated as a secret: most are parts of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BigInteger(pub SecretBytes);

/// Keeps an item of a structure if its tag is not known: a vendor's, or one of a newer version.
#[inline]
pub(crate) fn keep_unknown(kept: &mut Vec<Item>, element: &Element<'_>) -> Result<(), DecodeError> {
    if !element.tag().is_known() {
        kept.push(Item::from_element(element)?);
    }
    Ok(())
}

/// Declares a structure as a table: `field: Type = Tag`, optionally `@ version` when the field came to this structure
/// later than its tag, and `| Tag` for the tag that 2.x uses instead. After the table, `; field` is for items of unknown
/// tags, which `encode_fields` leaves to its caller.
macro_rules! structure {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $(
                $(#[$field_meta:meta])*
                $field:ident : $type:ty = $tag:ident $(| $other:ident)* $(@ $since:ident)?
            ),* $(,)?
            $( ; $(#[$rest_meta:meta])* $rest:ident )?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            $( $(#[$field_meta])* pub $field: $type, )*
            $( $(#[$rest_meta])* pub $rest: Vec<$crate::ttlv::Item>, )?
        }

        impl $crate::codec::Structure for $name {
            #[allow(unused_mut, unused_variables)]
            fn decode_fields(
                fields: $crate::ttlv::Elements<'_>,
                within: $crate::registry::Tag,
            ) -> Result<Self, $crate::DecodeError> {
                $( let mut $field = <<$type as $crate::codec::Field>::Slot as Default>::default(); )*
                $( let mut $rest = Vec::new(); )?
                for element in fields {
                    match element.tag() {
                        $(
                            $crate::registry::Tag::$tag $(| $crate::registry::Tag::$other)* =>
                                <$type as $crate::codec::Field>::take(&mut $field, &element)?,
                        )*
                        _ => { $( $crate::codec::keep_unknown(&mut $rest, &element)?; )? }
                    }
                }
                Ok(Self {
                    $( $rest, )?
                    $( $field: <$type as $crate::codec::Field>::finish(
                        $field,
                        $crate::registry::Tag::$tag,
                        within,
                    )?, )*
                })
            }

            #[allow(unused_variables)]
            fn encode_fields(&self, writer: &mut $crate::ttlv::Writer) {
                $( structure!(@put self, writer, $field, $tag, $type $(, $since)?); )*
            }
        }

        impl $crate::codec::Value for $name {
            fn decode(element: &$crate::ttlv::Element<'_>) -> Result<Self, $crate::DecodeError> {
                <Self as $crate::codec::Structure>::decode_fields(element.structure()?, element.tag())
            }

            fn encode(&self, tag: $crate::registry::Tag, writer: &mut $crate::ttlv::Writer) {
                writer.structure(tag, |writer| {
                    $crate::codec::Structure::encode_fields(self, writer);
                    $( self.$rest.iter().for_each(|item| item.write(writer)); )?
                });
            }
        }
    };
    (@put $self:ident, $writer:ident, $field:ident, $tag:ident, $type:ty) => {
        <$type as $crate::codec::Field>::put(&$self.$field, $crate::registry::Tag::$tag, $writer);
    };
    (@put $self:ident, $writer:ident, $field:ident, $tag:ident, $type:ty, $since:ident) => {
        if <$type as $crate::codec::Field>::is_set(&$self.$field)
            && $writer.admits($crate::version::ProtocolVersion::$since, || stringify!($tag).to_owned())
        {
            <$type as $crate::codec::Field>::put(&$self.$field, $crate::registry::Tag::$tag, $writer);
        }
    };
}
