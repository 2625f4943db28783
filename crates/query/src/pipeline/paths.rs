//! Reading and replacing one value in a document, by a path that goes through documents only.

use bson::raw::{CString, RawBsonRef};
use bson::{RawDocument, RawDocumentBuf};
use document::ErrorCode;

use crate::expression::{FieldPath, fields};
use crate::{Error, Result};

/// A path ready for writing: its names can be written to a document.
#[derive(Debug, Clone)]
pub(crate) struct DocumentPath {
    names: Vec<CString>,
}

impl DocumentPath {
    /// Parses a dotted path, without `$`.
    pub(crate) fn parse(path: &str) -> Result<Self> {
        let path = FieldPath::parse(path)?;
        let names = path
            .names()
            .map(|name| {
                CString::try_from(name).map_err(|_| {
                    Error::new(
                        ErrorCode::Location(16411),
                        "FieldPath field names may not contain '\\0'.",
                    )
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self { names })
    }

    /// The first name.
    pub(crate) fn root(&self) -> &str {
        self.names.first().map_or("", |name| name.as_str())
    }

    /// The value, if the path leads to one through documents only.
    pub(crate) fn get<'a>(&self, document: &'a RawDocument) -> Option<RawBsonRef<'a>> {
        let (last, inner) = self.names.split_last()?;
        let mut document = document;
        for name in inner {
            document = document.get(name.as_str()).ok()??.as_document()?;
        }
        document.get(last.as_str()).ok()?
    }

    /// The document with `value` at the path; what is in the way and no document is replaced by
    /// one. Without a value the field is taken away.
    pub(crate) fn set(
        &self,
        document: &RawDocument,
        value: Option<RawBsonRef<'_>>,
    ) -> RawDocumentBuf {
        set(&self.names, Some(document), value)
    }
}

fn set(
    names: &[CString],
    document: Option<&RawDocument>,
    value: Option<RawBsonRef<'_>>,
) -> RawDocumentBuf {
    let mut result = RawDocumentBuf::new();
    let Some((first, rest)) = names.split_first() else {
        return result;
    };
    let write = |result: &mut RawDocumentBuf, old: Option<RawBsonRef<'_>>| {
        if rest.is_empty() {
            if let Some(value) = value {
                result.append(first, value);
            }
        } else if value.is_some() || old.is_some() {
            let inner = old.and_then(RawBsonRef::as_document);
            match (inner, old, value) {
                // Nothing to take away in what is no document.
                (None, Some(old), None) => result.append(first, old),
                _ => result.append(first, set(rest, inner, value)),
            }
        }
    };
    let mut is_written = false;
    for (name, old) in document.into_iter().flat_map(fields) {
        if !is_written && name.as_str() == first.as_str() {
            write(&mut result, Some(old));
            is_written = true;
        } else {
            result.append(name, old);
        }
    }
    if !is_written {
        write(&mut result, None);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::rawdoc;

    #[test]
    fn replaces_in_place_and_adds_at_the_end() {
        let document = rawdoc! { "a": { "b": 1, "c": 2 }, "d": 3 };
        let set = |path: &str, value: Option<RawBsonRef<'_>>| {
            DocumentPath::parse(path).unwrap().set(&document, value)
        };
        assert_eq!(
            set("a.b", Some(9.into())),
            rawdoc! { "a": { "b": 9, "c": 2 }, "d": 3 }
        );
        assert_eq!(
            set("x.y", Some(9.into())),
            rawdoc! { "a": { "b": 1, "c": 2 }, "d": 3, "x": { "y": 9 } }
        );
        assert_eq!(
            set("d.e", Some(9.into())),
            rawdoc! { "a": { "b": 1, "c": 2 }, "d": { "e": 9 } }
        );
        assert_eq!(set("a.b", None), rawdoc! { "a": { "c": 2 }, "d": 3 });
        assert_eq!(set("x.y", None), document);
        assert_eq!(set("d.e", None), document);
    }
}
