//! How large and how deep a value may become: what a client sends is bounded, what its expressions
//! build of it must be too.

use bson::raw::{RawBsonRef, RawElement};
use bson::spec::ElementType;
use bson::{RawArray, RawArrayBuf, RawDocument};
use document::{ErrorCode, limits};

use super::value::Value;
use crate::{Error, Result};

/// The most bytes of a value inside a pipeline. More than a stored document may have, because an
/// array that is too large to store may be cut down by the next operator.
pub(crate) const MAX_VALUE_BYTES: usize = 4 * limits::MAX_DOCUMENT_BYTES;

/// The most levels of nesting inside a pipeline; what it is made of has at most half as many.
pub(crate) const MAX_VALUE_NESTING: usize = 2 * limits::MAX_NESTING;

/// Each level of nesting takes this many bytes at least: a length (4), a type, an empty name and
/// the end. Shorter values need no look inside.
const MIN_BYTES_PER_LEVEL: usize = 7;

/// Refuses a value that became too large or too deep.
pub(crate) fn check_value(value: &Value<'_>) -> Result<()> {
    match value.as_bson() {
        Some(RawBsonRef::Document(document)) => {
            check_elements(document.as_bytes().len(), document.iter_elements())
        }
        Some(RawBsonRef::Array(array)) => {
            check_elements(array.as_bytes().len(), array.iter_elements())
        }
        _ => Ok(()),
    }
}

/// Refuses a document that is too large or too deep to pass from stage to stage.
pub(crate) fn check_document(document: &RawDocument) -> Result<()> {
    check_elements(document.as_bytes().len(), document.iter_elements())
}

fn check_elements<'a>(
    bytes: usize,
    elements: impl Iterator<Item = bson::error::Result<RawElement<'a>>>,
) -> Result<()> {
    if bytes > MAX_VALUE_BYTES {
        return Err(too_large());
    }
    if is_deeper(bytes, elements, MAX_VALUE_NESTING) {
        return Err(Error::new(
            ErrorCode::Overflow,
            format!("a value is nested more than {MAX_VALUE_NESTING} levels deep"),
        ));
    }
    Ok(())
}

fn is_deeper<'a>(
    bytes: usize,
    elements: impl Iterator<Item = bson::error::Result<RawElement<'a>>>,
    levels: usize,
) -> bool {
    if bytes < levels * MIN_BYTES_PER_LEVEL {
        return false;
    }
    let Some(below) = levels.checked_sub(1) else {
        return true;
    };
    elements.map_while(std::result::Result::ok).any(|element| {
        if !matches!(
            element.element_type(),
            ElementType::EmbeddedDocument | ElementType::Array
        ) {
            return false;
        }
        match element.value() {
            Ok(RawBsonRef::Document(inner)) => {
                is_deeper(inner.as_bytes().len(), inner.iter_elements(), below)
            }
            Ok(RawBsonRef::Array(inner)) => {
                is_deeper(inner.as_bytes().len(), inner.iter_elements(), below)
            }
            _ => false,
        }
    })
}

/// The refusal of a value over [`MAX_VALUE_BYTES`].
pub(crate) fn too_large() -> Error {
    Error::new(
        ErrorCode::BSONObjectTooLarge,
        format!("an expression made a value of more than {MAX_VALUE_BYTES} bytes"),
    )
}

/// The bytes that a value takes in a document, without its name.
pub(crate) fn size_of(value: RawBsonRef<'_>) -> usize {
    match value {
        RawBsonRef::String(text) | RawBsonRef::JavaScriptCode(text) | RawBsonRef::Symbol(text) => {
            text.len() + 5
        }
        RawBsonRef::Document(document) => document.as_bytes().len(),
        RawBsonRef::Array(array) => array.as_bytes().len(),
        RawBsonRef::Binary(binary) => binary.bytes.len() + 9,
        RawBsonRef::RegularExpression(regex) => regex.pattern.len() + regex.options.len() + 2,
        RawBsonRef::JavaScriptCodeWithScope(code) => {
            code.code.len() + code.scope.as_bytes().len() + 9
        }
        // A DBPointer keeps its length to itself; nothing makes them today.
        RawBsonRef::DbPointer(_) => 64,
        _ => 16,
    }
}

/// Refuses a text that became too large.
pub(crate) fn check_text(bytes: usize) -> Result<()> {
    if bytes > MAX_VALUE_BYTES {
        Err(too_large())
    } else {
        Ok(())
    }
}

/// An array under construction that cannot grow without bound.
#[derive(Debug, Default)]
pub(crate) struct ArrayBuilder {
    array: RawArrayBuf,
    len: usize,
}

impl ArrayBuilder {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn push(&mut self, value: RawBsonRef<'_>) -> Result<()> {
        if self.array.as_bytes().len() + size_of(value) > MAX_VALUE_BYTES {
            return Err(too_large());
        }
        self.array.push(value);
        self.len += 1;
        Ok(())
    }

    /// Pushes the items of `array`.
    pub(crate) fn extend(&mut self, array: &RawArray) -> Result<()> {
        super::value::items(array).try_for_each(|item| self.push(item))
    }

    pub(crate) fn finish(self) -> Value<'static> {
        self.array.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::{RawDocumentBuf, raw::cstr};

    #[test]
    fn finds_what_is_too_deep() {
        let mut document = RawDocumentBuf::new();
        for _ in 1..MAX_VALUE_NESTING {
            let mut outer = RawDocumentBuf::new();
            outer.append(cstr!("a"), &document);
            document = outer;
        }
        assert_eq!(check_document(&document), Ok(()));
        let mut outer = RawDocumentBuf::new();
        outer.append(cstr!(""), RawArrayBuf::from_iter([document]));
        assert_eq!(
            check_document(&outer).unwrap_err().code,
            ErrorCode::Overflow
        );
    }

    #[test]
    fn an_array_stops_growing() {
        let text = "x".repeat(limits::MAX_DOCUMENT_BYTES);
        let mut array = ArrayBuilder::new();
        for _ in 0..3 {
            array.push(RawBsonRef::String(&text)).unwrap();
        }
        assert_eq!(
            array.push(RawBsonRef::String(&text)).unwrap_err().code,
            ErrorCode::BSONObjectTooLarge
        );
    }
}
