//! The elements of a document (or array), as ranges of its bytes.

use std::cmp::Ordering;

use bson::RawDocument;

use super::tag;

/// One element: its type, its name and the bytes of its value, and where they stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'a> {
    /// The element type ([`tag`]).
    pub(crate) tag: u8,
    /// The field's name, or the index of an array's element.
    pub(crate) name: &'a [u8],
    /// The value, without type and name.
    pub(crate) value: &'a [u8],
    /// The whole element: type, name, value.
    pub(crate) whole: &'a [u8],
    /// Where the element starts (its type) in the bytes that are iterated.
    pub(crate) start: usize,
    /// Where its value starts.
    pub(crate) value_start: usize,
    /// One past its last byte.
    pub(crate) end: usize,
}

impl<'a> Element<'a> {
    /// The name as text. Names of validated documents are UTF-8.
    pub(crate) fn name_str(&self) -> &'a str {
        std::str::from_utf8(self.name).unwrap_or_default()
    }

    /// The elements within, if the value is a document or an array.
    pub(crate) fn children(&self) -> Option<Elements<'a>> {
        matches!(self.tag, tag::DOCUMENT | tag::ARRAY).then(|| Elements::of_bytes(self.value))
    }

    /// The value as a document. An array is one too: its names are the indexes.
    pub(crate) fn as_document(&self) -> Option<&'a RawDocument> {
        if !matches!(self.tag, tag::DOCUMENT | tag::ARRAY) {
            return None;
        }
        RawDocument::from_bytes(self.value).ok()
    }

    /// Whether type and bytes are the same: stricter than being equal in MongoDB's order.
    pub(crate) fn is_identical(&self, tag: u8, value: &[u8]) -> bool {
        self.tag == tag && self.value == value
    }
}

/// An iteration over elements.
#[derive(Debug, Clone)]
pub(crate) struct Elements<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Elements<'a> {
    /// The elements of a document.
    pub(crate) fn of(document: &'a RawDocument) -> Self {
        Self::of_bytes(document.as_bytes())
    }

    /// The elements of a document or array that is all of `bytes`.
    pub(crate) fn of_bytes(bytes: &'a [u8]) -> Self {
        Self::within(bytes, 0, bytes.len())
    }

    /// The elements of the document that stands at `start..end` of `bytes`; the positions of the
    /// elements are those in `bytes`.
    pub(crate) fn within(bytes: &'a [u8], start: usize, end: usize) -> Self {
        Self {
            bytes,
            at: start.saturating_add(4),
            end: end.saturating_sub(1).min(bytes.len()),
        }
    }

    /// The first element of that name.
    pub(crate) fn find_name(mut self, name: &[u8]) -> Option<Element<'a>> {
        self.find(|element| element.name == name)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let start = self.at;
        let rest = self.bytes.get(start..self.end)?;
        let (&tag, rest) = rest.split_first()?;
        let name_length = rest.iter().position(|byte| *byte == 0)?;
        let (name, rest) = rest.split_at_checked(name_length)?;
        let rest = rest.get(1..)?;
        let value = rest.get(..value_length(tag, rest)?)?;
        let value_start = start + 1 + name_length + 1;
        let end = value_start + value.len();
        self.at = end;
        Some(Element {
            tag,
            name,
            value,
            whole: self.bytes.get(start..end)?,
            start,
            value_start,
            end,
        })
    }
}

/// How many of `bytes` the value of type `tag` takes.
fn value_length(tag: u8, bytes: &[u8]) -> Option<usize> {
    let prefix = || -> Option<usize> {
        let length: [u8; 4] = bytes.get(..4)?.try_into().ok()?;
        usize::try_from(i32::from_le_bytes(length)).ok()
    };
    Some(match tag {
        tag::NULL | tag::UNDEFINED | tag::MIN_KEY | tag::MAX_KEY => 0,
        tag::BOOLEAN => 1,
        tag::INT32 => 4,
        tag::DOUBLE | tag::INT64 | tag::DATE_TIME | tag::TIMESTAMP => 8,
        tag::OBJECT_ID => 12,
        tag::DECIMAL128 => 16,
        tag::STRING | tag::JAVASCRIPT | tag::SYMBOL => prefix()?.checked_add(4)?,
        tag::DOCUMENT | tag::ARRAY | tag::JAVASCRIPT_WITH_SCOPE => prefix()?,
        tag::BINARY => prefix()?.checked_add(5)?,
        tag::DB_POINTER => prefix()?.checked_add(16)?,
        tag::REGEX => {
            let pattern = bytes.iter().position(|byte| *byte == 0)? + 1;
            let options = bytes.get(pattern..)?.iter().position(|byte| *byte == 0)? + 1;
            pattern + options
        }
        _ => return None,
    })
}

/// The index that a path component or a name stands for: digits without a leading zero.
pub(crate) fn array_index(name: &[u8]) -> Option<usize> {
    match name {
        [] => None,
        [b'0'] => Some(0),
        [b'0', ..] => None,
        // More digits than any array has elements: not an index, and no overflow either.
        digits if digits.len() > 10 => None,
        digits => digits.iter().try_fold(0_usize, |index, digit| {
            digit
                .is_ascii_digit()
                .then(|| index * 10 + usize::from(digit - b'0'))
        }),
    }
}

/// The order in which an update visits fields: numeric names by their number, then the others by
/// their bytes.
///
/// Source: the manual's pages on the field update operators ("update operators process document
/// fields with string-based names in lexicographic order … numeric names … in numeric order").
pub(crate) fn compare_names(left: &[u8], right: &[u8]) -> Ordering {
    match (is_numeric(left), is_numeric(right)) {
        (true, true) => left.len().cmp(&right.len()).then_with(|| left.cmp(right)),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => left.cmp(right),
    }
}

fn is_numeric(name: &[u8]) -> bool {
    match name {
        [] => false,
        [b'0'] => true,
        [b'0', ..] => false,
        digits => digits.iter().all(u8::is_ascii_digit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::raw::RawBson;
    use bson::rawdoc;

    #[test]
    fn positions_cover_the_document_without_gaps() {
        let document = rawdoc! {
            "double": 1.5, "string": "text", "document": { "a": [1, 2] }, "array": [1, "b"],
            "binary": bson::Binary { subtype: bson::spec::BinarySubtype::Generic, bytes: vec![1, 2] },
            "undefined": RawBson::Undefined, "id": bson::oid::ObjectId::from_bytes([7; 12]),
            "bool": true, "date": bson::DateTime::from_millis(5), "null": RawBson::Null,
            "regex": bson::Regex { pattern: bson::raw::cstr!("a+").into(), options: bson::raw::cstr!("i").into() },
            "code": RawBson::JavaScriptCode("x".into()), "symbol": RawBson::Symbol("s".into()),
            "scoped": bson::RawJavaScriptCodeWithScope { code: "y".into(), scope: rawdoc! { "z": 1 } },
            "int": 1, "timestamp": bson::Timestamp { time: 1, increment: 2 }, "long": 2_i64,
            "decimal": "1.5".parse::<bson::Decimal128>().unwrap(),
            "min": RawBson::MinKey, "max": RawBson::MaxKey,
        };
        let mut at = 4;
        let mut elements = Elements::of(&document);
        for expected in document.iter_elements() {
            let expected = expected.unwrap();
            let element = elements.next().unwrap();
            assert_eq!(element.name_str(), expected.key().as_str());
            assert_eq!(element.tag, expected.element_type() as u8);
            assert_eq!(element.value.len(), expected.size());
            assert_eq!(element.start, at);
            at = element.end;
        }
        assert!(elements.next().is_none());
        assert_eq!(at + 1, document.as_bytes().len());
    }

    #[test]
    fn malformed_bytes_end_the_iteration() {
        let whole = rawdoc! { "a": { "b": "text" }, "c": [1, 2] }.into_bytes();
        for cut in 0..whole.len() {
            let _ = Elements::of_bytes(&whole[..cut]).count();
            let mut damaged = whole.clone();
            damaged[cut] = 0xFF;
            let _ = Elements::of_bytes(&damaged).count();
        }
    }

    #[test]
    fn indexes_have_no_leading_zero() {
        assert_eq!(array_index(b"0"), Some(0));
        assert_eq!(array_index(b"120"), Some(120));
        for not_an_index in ["", "00", "01", "-1", "1a", "99999999999999999999"] {
            assert_eq!(array_index(not_an_index.as_bytes()), None);
        }
    }

    #[test]
    fn numbers_order_before_words_and_by_their_value() {
        let mut names = ["b", "10", "a", "2", "01", "1a"];
        names.sort_by(|left, right| compare_names(left.as_bytes(), right.as_bytes()));
        assert_eq!(names, ["2", "10", "01", "1a", "a", "b"]);
    }
}
