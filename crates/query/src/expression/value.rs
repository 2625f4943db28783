//! What an expression evaluates to: nothing, a value borrowed from the document, or a new one.

use std::cmp::Ordering;

use bson::raw::{RawBson, RawBsonRef};
use bson::{DateTime, RawArray, RawArrayBuf, RawDocument, RawDocumentBuf};
use document::{Number, types};

/// The value of an expression.
///
/// Scalars and whatever lies in the document or in the expression itself are borrowed; only values
/// that an operator made new are owned.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// No value: a path that leads nowhere, or `$$REMOVE`. Not the same as null.
    Missing,
    /// A scalar, or a value that lies elsewhere.
    Borrowed(RawBsonRef<'a>),
    /// A value that was made.
    Owned(RawBson),
}

impl<'a> Value<'a> {
    /// `null`.
    pub const NULL: Value<'static> = Value::Borrowed(RawBsonRef::Null);

    /// The value, unless it is missing.
    pub fn as_bson(&self) -> Option<RawBsonRef<'_>> {
        match self {
            Self::Missing => None,
            Self::Borrowed(value) => Some(*value),
            Self::Owned(value) => Some(value.as_raw_bson_ref()),
        }
    }

    /// The value, with null for a missing one: what an array or `_id` of a group holds.
    pub fn as_bson_or_null(&self) -> RawBsonRef<'_> {
        self.as_bson().unwrap_or(RawBsonRef::Null)
    }

    /// The value to keep, unless it is missing.
    pub fn into_raw(self) -> Option<RawBson> {
        match self {
            Self::Missing => None,
            Self::Borrowed(value) => Some(value.into()),
            Self::Owned(value) => Some(value),
        }
    }

    /// The value to keep, with null for a missing one.
    pub fn into_raw_or_null(self) -> RawBson {
        self.into_raw().unwrap_or(RawBson::Null)
    }

    /// The value, free of what it was borrowed from. Scalars stay as they are.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Missing => Value::Missing,
            Self::Owned(value) => Value::Owned(value),
            Self::Borrowed(value) => Value::detach(value),
        }
    }

    /// A copy of `value` that borrows nothing; scalars are not allocated.
    pub fn detach(value: RawBsonRef<'_>) -> Value<'static> {
        use RawBsonRef as R;
        Value::Borrowed(match value {
            R::Double(value) => R::Double(value),
            R::Boolean(value) => R::Boolean(value),
            R::Null => R::Null,
            R::Int32(value) => R::Int32(value),
            R::Int64(value) => R::Int64(value),
            R::Timestamp(value) => R::Timestamp(value),
            R::ObjectId(value) => R::ObjectId(value),
            R::DateTime(value) => R::DateTime(value),
            R::Decimal128(value) => R::Decimal128(value),
            R::Undefined => R::Undefined,
            R::MaxKey => R::MaxKey,
            R::MinKey => R::MinKey,
            R::String(_)
            | R::Array(_)
            | R::Document(_)
            | R::RegularExpression(_)
            | R::JavaScriptCode(_)
            | R::JavaScriptCodeWithScope(_)
            | R::Binary(_)
            | R::Symbol(_)
            | R::DbPointer(_) => return Value::Owned(value.into()),
        })
    }

    /// A part of the value, chosen by `choose`: borrowed where the whole is, copied where the whole
    /// is owned.
    pub fn part(
        self,
        choose: impl for<'x> FnOnce(RawBsonRef<'x>) -> Option<RawBsonRef<'x>>,
    ) -> Value<'a> {
        match self {
            Self::Missing => Self::Missing,
            Self::Borrowed(value) => choose(value).map_or(Self::Missing, Self::Borrowed),
            Self::Owned(value) => match choose(value.as_raw_bson_ref()) {
                Some(part) => Value::detach(part),
                None => Value::Missing,
            },
        }
    }

    /// Whether the value is missing, null or undefined: what most operators pass on as null.
    pub fn is_nullish(&self) -> bool {
        matches!(
            self.as_bson(),
            None | Some(RawBsonRef::Null | RawBsonRef::Undefined)
        )
    }

    /// Whether the value is missing.
    pub const fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }

    /// The value as a condition: false, zero, null, undefined and missing are false.
    pub fn is_true(&self) -> bool {
        match self.as_bson() {
            None | Some(RawBsonRef::Null | RawBsonRef::Undefined) => false,
            Some(RawBsonRef::Boolean(value)) => value,
            Some(value) => Number::from_raw(&value).is_none_or(|number| !number.is_zero()),
        }
    }

    /// The alias of the type, as `$type` gives it; `"missing"` for no value.
    pub fn type_name(&self) -> &'static str {
        self.as_bson()
            .map_or("missing", |value| types::type_name(&value))
    }

    /// The number, if the value is one.
    pub fn as_number(&self) -> Option<Number> {
        self.as_bson().and_then(|value| Number::from_raw(&value))
    }

    /// The text, if the value is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Borrowed(RawBsonRef::String(value)) => Some(value),
            Self::Owned(RawBson::String(value)) => Some(value),
            _ => None,
        }
    }

    /// The array, if the value is one.
    pub fn as_array(&self) -> Option<&RawArray> {
        match self {
            Self::Borrowed(RawBsonRef::Array(value)) => Some(value),
            Self::Owned(RawBson::Array(value)) => Some(value),
            _ => None,
        }
    }

    /// The document, if the value is one.
    pub fn as_document(&self) -> Option<&RawDocument> {
        match self {
            Self::Borrowed(RawBsonRef::Document(value)) => Some(value),
            Self::Owned(RawBson::Document(value)) => Some(value),
            _ => None,
        }
    }

    /// MongoDB's order, a missing value being less than null and more than `MinKey`.
    pub fn compare(&self, other: &Value<'_>) -> Ordering {
        let left = self.as_bson().unwrap_or(RawBsonRef::Undefined);
        let right = other.as_bson().unwrap_or(RawBsonRef::Undefined);
        document::compare(left, right)
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Value::Borrowed(RawBsonRef::Boolean(value))
    }
}

impl From<i32> for Value<'_> {
    fn from(value: i32) -> Self {
        Value::Borrowed(RawBsonRef::Int32(value))
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Value::Borrowed(RawBsonRef::Int64(value))
    }
}

impl From<f64> for Value<'_> {
    fn from(value: f64) -> Self {
        Value::Borrowed(RawBsonRef::Double(value))
    }
}

impl From<Number> for Value<'_> {
    fn from(value: Number) -> Self {
        Value::Borrowed(value.to_raw_ref())
    }
}

impl From<DateTime> for Value<'_> {
    fn from(value: DateTime) -> Self {
        Value::Borrowed(RawBsonRef::DateTime(value))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Value::Borrowed(RawBsonRef::String(value))
    }
}

impl From<String> for Value<'_> {
    fn from(value: String) -> Self {
        Value::Owned(RawBson::String(value))
    }
}

impl From<RawArrayBuf> for Value<'_> {
    fn from(value: RawArrayBuf) -> Self {
        Value::Owned(RawBson::Array(value))
    }
}

impl From<RawDocumentBuf> for Value<'_> {
    fn from(value: RawDocumentBuf) -> Self {
        Value::Owned(RawBson::Document(value))
    }
}

/// The items of an array. One that is not well-formed ends it, which nothing that was validated has.
pub(crate) fn items(array: &RawArray) -> impl Iterator<Item = RawBsonRef<'_>> {
    array.into_iter().map_while(Result::ok)
}

/// The fields of a document. One that is not well-formed ends it.
pub(crate) fn fields(
    document: &RawDocument,
) -> impl Iterator<Item = (&bson::raw::CStr, RawBsonRef<'_>)> {
    document.iter().map_while(Result::ok)
}
