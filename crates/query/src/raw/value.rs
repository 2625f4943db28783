//! Values apart from their document: owned ones, and single bytes ranges decoded on demand.

use bson::raw::cstr;
use bson::{RawBsonRef, RawDocument, RawDocumentBuf};
use document::number::Number;

use super::{Element, Elements, tag};

/// An owned value: its type, and its bytes ready to be copied into a document.
#[derive(Clone, PartialEq)]
pub(crate) struct Value {
    /// A document with the value as its only field, under the empty name: the one form from which
    /// the BSON library gives back a reference to a value of any type, arrays included.
    holder: RawDocumentBuf,
}

/// Length, type, and the empty name with its terminator.
const BEFORE_VALUE: usize = 4 + 1 + 1;

impl Value {
    /// A copy of `value`.
    pub(crate) fn new(value: RawBsonRef<'_>) -> Self {
        let mut holder = RawDocumentBuf::new();
        holder.append(cstr!(""), value);
        Self { holder }
    }

    /// A copy of the value with the type `tag` that `bytes` are.
    pub(crate) fn from_parts(tag: u8, bytes: &[u8]) -> Self {
        let mut holder = Vec::with_capacity(BEFORE_VALUE + bytes.len() + 1);
        let start = super::write::begin(&mut holder);
        super::write::element(&mut holder, tag, b"", bytes);
        super::write::end(&mut holder, start);
        Self {
            holder: RawDocumentBuf::from_bytes(holder).unwrap_or_default(),
        }
    }

    /// The element type.
    pub(crate) fn tag(&self) -> u8 {
        self.holder.as_bytes().get(4).copied().unwrap_or(tag::NULL)
    }

    /// The value's bytes, without type and name.
    pub(crate) fn bytes(&self) -> &[u8] {
        let whole = self.holder.as_bytes();
        whole
            .get(BEFORE_VALUE..whole.len().saturating_sub(1))
            .unwrap_or_default()
    }

    /// The value.
    pub(crate) fn get(&self) -> RawBsonRef<'_> {
        match self.holder.iter().next() {
            Some(Ok((_, value))) => value,
            _ => RawBsonRef::Null,
        }
    }
}

impl std::fmt::Debug for Value {
    /// The type only: what a client writes is not for logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<{}>", type_name(self.tag()))
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::new(match number {
            Number::Int32(value) => RawBsonRef::Int32(value),
            Number::Int64(value) => RawBsonRef::Int64(value),
            Number::Double(value) => RawBsonRef::Double(value),
            Number::Decimal(value) => RawBsonRef::Decimal128(value),
        })
    }
}

/// The value with the type `tag` that `bytes` are, for the types that can be read in place: all
/// that are common but arrays, for which [`Value::from_parts`] makes a holder.
pub(crate) fn decode(tag: u8, bytes: &[u8]) -> Option<RawBsonRef<'_>> {
    Some(match tag {
        tag::INT32 => RawBsonRef::Int32(i32::from_le_bytes(bytes.try_into().ok()?)),
        tag::INT64 => RawBsonRef::Int64(i64::from_le_bytes(bytes.try_into().ok()?)),
        tag::DOUBLE => RawBsonRef::Double(f64::from_le_bytes(bytes.try_into().ok()?)),
        tag::DECIMAL128 => {
            RawBsonRef::Decimal128(bson::Decimal128::from_bytes(bytes.try_into().ok()?))
        }
        tag::STRING => {
            let text = bytes.get(4..bytes.len().checked_sub(1)?)?;
            RawBsonRef::String(std::str::from_utf8(text).ok()?)
        }
        tag::DOCUMENT => RawBsonRef::Document(RawDocument::from_bytes(bytes).ok()?),
        tag::OBJECT_ID => {
            RawBsonRef::ObjectId(bson::oid::ObjectId::from_bytes(bytes.try_into().ok()?))
        }
        tag::BOOLEAN => RawBsonRef::Boolean(bytes.first().copied()? != 0),
        tag::DATE_TIME => RawBsonRef::DateTime(bson::DateTime::from_millis(i64::from_le_bytes(
            bytes.try_into().ok()?,
        ))),
        tag::NULL => RawBsonRef::Null,
        _ => return None,
    })
}

impl<'a> Element<'a> {
    /// The items of an array (or the fields of a document): where they stand, and what they are.
    pub(crate) fn items(&self) -> impl Iterator<Item = (Element<'a>, RawBsonRef<'a>)> + use<'a> {
        let document = self.as_document();
        // Two walks in step: one has the bytes, the other decodes.
        let decoded = document.into_iter().flat_map(RawDocument::iter);
        Elements::of_bytes(self.value)
            .zip(decoded)
            .map_while(|(element, decoded)| Some((element, decoded.ok()?.1)))
    }

    /// Calls `f` with the value. Arrays and rare types are copied for it.
    pub(crate) fn with_value<R>(&self, f: impl FnOnce(RawBsonRef<'_>) -> R) -> R {
        match decode(self.tag, self.value) {
            Some(value) => f(value),
            None => f(Value::from_parts(self.tag, self.value).get()),
        }
    }

    /// The number that the value is, if it is one.
    pub(crate) fn number(&self) -> Option<Number> {
        Number::from_raw(&decode(self.tag, self.value)?)
    }
}

/// The name of an element type, as `$type` spells it.
pub(crate) const fn type_name(tag: u8) -> &'static str {
    match tag {
        tag::DOUBLE => "double",
        tag::STRING => "string",
        tag::DOCUMENT => "object",
        tag::ARRAY => "array",
        tag::BINARY => "binData",
        tag::UNDEFINED => "undefined",
        tag::OBJECT_ID => "objectId",
        tag::BOOLEAN => "bool",
        tag::DATE_TIME => "date",
        tag::NULL => "null",
        tag::REGEX => "regex",
        tag::DB_POINTER => "dbPointer",
        tag::JAVASCRIPT => "javascript",
        tag::SYMBOL => "symbol",
        tag::JAVASCRIPT_WITH_SCOPE => "javascriptWithScope",
        tag::INT32 => "int",
        tag::TIMESTAMP => "timestamp",
        tag::INT64 => "long",
        tag::DECIMAL128 => "decimal",
        tag::MIN_KEY => "minKey",
        tag::MAX_KEY => "maxKey",
        _ => "unknown",
    }
}

/// How many levels of documents and arrays a value has: 0 for a scalar, 1 for `{}`.
///
/// A validated value is within [`document::limits::MAX_NESTING`], which bounds the recursion; a
/// deeper one counts as one level more than that.
pub(crate) fn levels(tag: u8, bytes: &[u8]) -> usize {
    fn below(tag: u8, bytes: &[u8], above: usize) -> usize {
        if !matches!(tag, tag::DOCUMENT | tag::ARRAY) {
            return 0;
        }
        if above > document::limits::MAX_NESTING {
            return 1;
        }
        1 + Elements::of_bytes(bytes)
            .map(|element| below(element.tag, element.value, above + 1))
            .max()
            .unwrap_or(0)
    }
    below(tag, bytes, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::rawdoc;

    #[test]
    fn a_value_keeps_type_and_bytes() {
        let document = rawdoc! { "a": [1, { "b": "c" }], "d": 1.5, "e": "text", "f": { "g": 1 } };
        for (element, expected) in Elements::of(&document).zip(document.iter()) {
            let value = Value::from_parts(element.tag, element.value);
            assert!(element.is_identical(value.tag(), value.bytes()));
            assert_eq!(value.get(), expected.unwrap().1);
            assert_eq!(value, Value::new(value.get()));
        }
    }

    #[test]
    fn levels_are_counted() {
        let document = rawdoc! { "a": 1, "b": {}, "c": [{ "d": [1] }] };
        let levels: Vec<_> = Elements::of(&document)
            .map(|element| levels(element.tag, element.value))
            .collect();
        assert_eq!(levels, [0, 1, 3]);
    }

    #[test]
    fn debug_shows_no_data() {
        let value = Value::new(RawBsonRef::String("a secret"));
        assert_eq!(format!("{value:?}"), "<string>");
    }
}
