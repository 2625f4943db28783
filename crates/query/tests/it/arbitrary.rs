//! Documents made of arbitrary bytes, for the fuzz targets: every byte string is a document, and
//! small changes of the bytes are small changes of the document.

use bson::raw::{CString, RawBson};
use bson::{DateTime, RawArrayBuf, RawDocumentBuf, Regex, Timestamp};

/// The bytes that are left; zeros after the last.
pub(crate) struct Source<'b> {
    bytes: std::slice::Iter<'b, u8>,
}

impl<'b> Source<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self {
            bytes: bytes.iter(),
        }
    }

    fn byte(&mut self) -> u8 {
        self.bytes.next().copied().unwrap_or(0)
    }

    /// A number less than `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound
    }

    /// One of the names.
    pub(crate) fn name(&mut self, names: &[&str]) -> CString {
        let name = names[self.below(names.len())].to_owned();
        name.try_into().expect("a name without NUL")
    }

    /// A document of up to three fields at each level.
    pub(crate) fn document(&mut self, names: &[&str], levels: usize) -> RawDocumentBuf {
        let mut document = RawDocumentBuf::new();
        for _ in 0..self.below(4) {
            let name = self.name(names);
            document.append(name, self.value(names, levels.saturating_sub(1)));
        }
        document
    }

    /// A value of any type.
    pub(crate) fn value(&mut self, names: &[&str], levels: usize) -> RawBson {
        let small = i32::from(self.byte().cast_signed() % 4);
        match self.below(if levels == 0 { 12 } else { 16 }) {
            0 | 1 => RawBson::Int32(small),
            2 => RawBson::Int64(i64::from(small)),
            3 => RawBson::Double(f64::from(small) / 2.0),
            4 => RawBson::String(self.name(names).into_string()),
            5 => RawBson::Boolean(small > 0),
            6 => RawBson::Null,
            7 => RawBson::Int64(i64::MAX),
            8 => RawBson::DateTime(DateTime::from_millis(i64::from(small))),
            9 => RawBson::Timestamp(Timestamp {
                time: 0,
                increment: 0,
            }),
            10 => RawBson::RegularExpression(Regex {
                pattern: self.name(&["a", "^b", "."]),
                options: CString::try_from("").expect("no NUL"),
            }),
            11 => RawBson::MaxKey,
            12 | 13 => RawBson::Document(self.document(names, levels)),
            _ => {
                let mut array = RawArrayBuf::new();
                for _ in 0..self.below(4) {
                    array.push(self.value(names, levels - 1));
                }
                RawBson::Array(array)
            }
        }
    }
}
