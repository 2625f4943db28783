//! Field paths: `$a.b`, with MongoDB's way through arrays.
//!
//! Source: the manual's page "Field Paths". A path that meets an array goes through each of its
//! items and collects what it finds there; unlike in a filter, a number in a path is a field's
//! name and never a position.

use bson::raw::RawBsonRef;
use bson::{RawArray, RawArrayBuf, RawDocument};
use document::ErrorCode;
use smallvec::SmallVec;

use super::value::{Value, items};
use crate::raw::{Elements, decode};
use crate::{Error, Result};

/// The most names in a path: more cannot lead anywhere in a document.
const MAX_PATH_LENGTH: usize = 200;

/// A path of one or more field names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPath {
    names: SmallVec<[Box<str>; 2]>,
}

impl FieldPath {
    /// Parses `a.b.c`, without the leading `$`.
    ///
    /// # Errors
    /// 40352 for an empty path, 40353 for one that ends with a dot, 15998 for an empty name, 16410
    /// for one that starts with `$`, 16411 for a null byte, `Overflow` for more than 200 names.
    pub fn parse(path: &str) -> Result<Self> {
        if path.is_empty() {
            return Err(location(
                40352,
                "a field path must name a field, but it is empty",
            ));
        }
        if path.ends_with('.') {
            return Err(location(40353, "FieldPath must not end with a '.'."));
        }
        let mut names = SmallVec::new();
        for name in path.split('.') {
            validate_field_name(name)?;
            if names.len() == MAX_PATH_LENGTH {
                return Err(Error::new(
                    ErrorCode::Overflow,
                    format!("a field path may have at most {MAX_PATH_LENGTH} names"),
                ));
            }
            names.push(name.into());
        }
        Ok(Self { names })
    }

    /// The names on the path, one or more.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// The path with dots.
    pub fn dotted(&self) -> String {
        self.names.join(".")
    }

    /// The value at the path in a document.
    pub fn get<'a>(&self, document: &'a RawDocument) -> Value<'a> {
        in_document(&self.names, document)
    }

    /// The value at the path from any value: documents and arrays have one.
    pub(crate) fn get_in<'a>(&self, value: RawBsonRef<'a>) -> Value<'a> {
        match value {
            RawBsonRef::Document(document) => in_document(&self.names, document),
            RawBsonRef::Array(array) => in_array(&self.names, array),
            _ => Value::Missing,
        }
    }
}

/// Refuses what cannot be one name of a path.
pub(crate) fn validate_field_name(name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(location(
            15998,
            "FieldPath field names may not be empty strings.",
        ));
    }
    if name.starts_with('$') {
        return Err(location(
            16410,
            "FieldPath field names may not start with '$'. Consider using $getField or $setField.",
        ));
    }
    if name.contains('\0') {
        return Err(location(
            16411,
            "FieldPath field names may not contain '\\0'.",
        ));
    }
    Ok(())
}

fn in_document<'a>(names: &[Box<str>], document: &'a RawDocument) -> Value<'a> {
    let Some((first, rest)) = names.split_first() else {
        return Value::Missing;
    };
    let Some(value) = field(document, first) else {
        return Value::Missing;
    };
    if rest.is_empty() {
        return Value::Borrowed(value);
    }
    match value {
        RawBsonRef::Document(inner) => in_document(rest, inner),
        RawBsonRef::Array(array) => in_array(rest, array),
        _ => Value::Missing,
    }
}

/// A field's value. Most are read in place, without a look at the names before it but for their
/// bytes; the library reads the rest.
pub(crate) fn field<'a>(document: &'a RawDocument, name: &str) -> Option<RawBsonRef<'a>> {
    let element = Elements::of(document).find_name(name.as_bytes())?;
    decode(element.tag, element.value).or_else(|| document.get(name).ok().flatten())
}

fn in_array(names: &[Box<str>], array: &RawArray) -> Value<'static> {
    let mut found = RawArrayBuf::new();
    for item in items(array) {
        match item {
            RawBsonRef::Document(document) => {
                if let Some(value) = in_document(names, document).as_bson() {
                    found.push(value);
                }
            }
            RawBsonRef::Array(inner) => {
                let nested = in_array(names, inner);
                if let Some(array) = nested.as_array().filter(|array| !array.is_empty()) {
                    found.push(array);
                }
            }
            _ => {}
        }
    }
    found.into()
}

fn location(code: i32, message: &str) -> Error {
    Error::new(ErrorCode::Location(code), message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::rawdoc;

    #[test]
    fn goes_through_arrays() {
        let document = rawdoc! {
            "a": { "b": 1 },
            "c": [{ "d": 1 }, { "e": 2 }, 3, { "d": [4] }, [{ "d": 5 }], [6]],
        };
        let at = |path: &str| FieldPath::parse(path).unwrap().get(&document).into_raw();
        assert_eq!(at("a.b"), Some(1.into()));
        assert_eq!(at("a.x"), None);
        assert_eq!(at("a.b.c"), None);
        let expected = rawdoc! { "x": [1, [4], [5]] };
        assert_eq!(
            at("c.d").unwrap().as_raw_bson_ref(),
            expected.get("x").unwrap().unwrap()
        );
        assert_eq!(at("c.0"), Some(RawArrayBuf::new().into()));
    }

    #[test]
    fn refuses_what_is_not_a_path() {
        let code = |path: &str| FieldPath::parse(path).unwrap_err().code.code();
        assert_eq!(code(""), 40352);
        assert_eq!(code("a."), 40353);
        assert_eq!(code("a..b"), 15998);
        assert_eq!(code("a.$b"), 16410);
        assert_eq!(code("a\0"), 16411);
        assert_eq!(code(&"a.".repeat(300)[..599]), 15);
    }
}
