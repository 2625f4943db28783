//! Reading and replacing one value in a document, by a path that goes through documents only.

use bson::raw::{CString, RawBsonRef};
use bson::{RawDocument, RawDocumentBuf};
use document::ErrorCode;

use crate::expression::FieldPath;
use crate::expression::bounds::size_of;
use crate::expression::path::field;
use crate::raw::{Elements, tag, write};
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
            document = field(document, name.as_str())?.as_document()?;
        }
        field(document, last.as_str())
    }

    /// The document with `value` at the path; what is in the way and no document is replaced by
    /// one. Without a value the field is taken away.
    pub(crate) fn set(
        &self,
        document: &RawDocument,
        value: Option<RawBsonRef<'_>>,
    ) -> RawDocumentBuf {
        let bytes = document.as_bytes();
        let mut out = Vec::with_capacity(bytes.len() + value.map_or(0, size_of) + 64);
        set(&self.names, Some(bytes), value, &mut out);
        // Fails only for a length that is wrong, and this one was just written.
        RawDocumentBuf::from_bytes(out).unwrap_or_default()
    }
}

/// Writes the document that `bytes` are, with `value` at the path of `names`. What is not on the
/// path is copied as it stands.
fn set(names: &[CString], bytes: Option<&[u8]>, value: Option<RawBsonRef<'_>>, out: &mut Vec<u8>) {
    let start = write::begin(out);
    if let Some((first, rest)) = names.split_first() {
        let first = first.as_str().as_bytes();
        let mut is_written = false;
        for element in bytes.into_iter().flat_map(Elements::of_bytes) {
            if is_written || element.name != first {
                out.extend_from_slice(element.whole);
                continue;
            }
            is_written = true;
            let inner = (element.tag == tag::DOCUMENT).then_some(element.value);
            match value {
                // Nothing to take away in what is no document.
                None if !rest.is_empty() && inner.is_none() => {
                    out.extend_from_slice(element.whole);
                }
                value => set_field(first, rest, inner, value, out),
            }
        }
        if !is_written && value.is_some() {
            set_field(first, rest, None, value, out);
        }
    }
    write::end(out, start);
}

fn set_field(
    name: &[u8],
    rest: &[CString],
    inner: Option<&[u8]>,
    value: Option<RawBsonRef<'_>>,
    out: &mut Vec<u8>,
) {
    if !rest.is_empty() {
        write::header(out, tag::DOCUMENT, name);
        set(rest, inner, value, out);
    } else if let Some(value) = value {
        write::bson_element(out, name, value);
    }
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
