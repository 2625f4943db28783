//! Writing BSON straight into a buffer: replies are built in the bytes that go to the socket,
//! stored documents copied into them once.
//!
//! Source: the BSON specification, version 1.1 (bsonspec.org).

use bson::{RawBsonRef, RawDocument};
use smallvec::SmallVec;

use crate::limits::MAX_INTERNAL_DOCUMENT_BYTES;

const ELEMENT_DOCUMENT: u8 = 0x03;
const ELEMENT_ARRAY: u8 = 0x04;

/// An open document or array.
struct Level {
    /// Where its length field is.
    start: usize,
    /// For an array, the index of the next element.
    next_index: Option<u32>,
}

/// Builds one document at the end of a buffer.
///
/// Levels are opened and closed in pairs; [`Writer::finish`] closes what is left open. Names must
/// not contain NUL, which ends a name in BSON: what follows it is cut off.
pub struct Writer {
    out: Vec<u8>,
    levels: SmallVec<[Level; 8]>,
}

impl Writer {
    /// Opens a document at the end of `out`, which is given back by [`Writer::finish`].
    pub fn new(out: Vec<u8>) -> Self {
        let mut writer = Self {
            out,
            levels: SmallVec::new(),
        };
        writer.open(None);
        writer
    }

    /// Takes back everything that the document holds, so that another one can take its place.
    pub fn reset(&mut self) {
        if let Some(first) = self.levels.first() {
            self.out.truncate(first.start);
        }
        self.levels.clear();
        self.open(None);
    }

    /// The bytes written to the buffer so far, what was there before included.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether nothing has been written to the buffer. Never so: the document is open.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Appends a field.
    pub fn field(&mut self, name: &str, value: RawBsonRef<'_>) {
        // The library knows how to encode every type; only the hot ones are written here.
        match value {
            RawBsonRef::Document(document) => self.document_bytes(name, document.as_bytes()),
            RawBsonRef::Array(array) => {
                self.element(ELEMENT_ARRAY, name);
                self.out.extend_from_slice(array.as_bytes());
            }
            RawBsonRef::Int32(value) => self.int32(name, value),
            RawBsonRef::Int64(value) => self.int64(name, value),
            RawBsonRef::Double(value) => self.double(name, value),
            RawBsonRef::Boolean(value) => self.boolean(name, value),
            RawBsonRef::String(value) => self.string(name, value),
            other => {
                let mut holder = bson::RawDocumentBuf::new();
                holder.append(bson::raw::cstr!(""), other);
                // The element's type stands after the length, its value after the empty name.
                let bytes = holder.as_bytes();
                self.element(bytes.get(4).copied().unwrap_or(0x0A), name);
                let value = bytes
                    .get(6..bytes.len().saturating_sub(1))
                    .unwrap_or_default();
                self.out.extend_from_slice(value);
            }
        }
    }

    /// Appends an `int`.
    pub fn int32(&mut self, name: &str, value: i32) {
        self.element(0x10, name);
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends a `long`.
    pub fn int64(&mut self, name: &str, value: i64) {
        self.element(0x12, name);
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends a `double`.
    pub fn double(&mut self, name: &str, value: f64) {
        self.element(0x01, name);
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends a `bool`.
    pub fn boolean(&mut self, name: &str, value: bool) {
        self.element(0x08, name);
        self.out.push(u8::from(value));
    }

    /// Appends a `null`.
    pub fn null(&mut self, name: &str) {
        self.element(0x0A, name);
    }

    /// Appends a `date` in milliseconds since 1970.
    pub fn date(&mut self, name: &str, millis: i64) {
        self.element(0x09, name);
        self.out.extend_from_slice(&millis.to_le_bytes());
    }

    /// Appends a `string`.
    pub fn string(&mut self, name: &str, value: &str) {
        self.element(0x02, name);
        let length = i32::try_from(value.len() + 1).unwrap_or(i32::MAX);
        self.out.extend_from_slice(&length.to_le_bytes());
        self.out.extend_from_slice(value.as_bytes());
        self.out.push(0);
    }

    /// Appends an embedded document.
    pub fn document(&mut self, name: &str, document: &RawDocument) {
        self.document_bytes(name, document.as_bytes());
    }

    /// Appends an embedded document from its bytes, which must be one.
    pub fn document_bytes(&mut self, name: &str, document: &[u8]) {
        self.element(ELEMENT_DOCUMENT, name);
        self.out.extend_from_slice(document);
    }

    /// Appends a document as the next element of the open array.
    pub fn element_document(&mut self, document: &[u8]) {
        self.indexed(ELEMENT_DOCUMENT);
        self.out.extend_from_slice(document);
    }

    /// Appends a value as the next element of the open array.
    pub fn element_value(&mut self, value: RawBsonRef<'_>) {
        let name = self.next_index();
        let mut digits = itoa_buffer();
        self.field(format_index(name, &mut digits), value);
    }

    /// Opens an embedded document; the fields that follow are its own until [`Writer::end`].
    pub fn begin_document(&mut self, name: &str) {
        self.element(ELEMENT_DOCUMENT, name);
        self.open(None);
    }

    /// Opens a document as the next element of the open array.
    pub fn begin_element_document(&mut self) {
        self.indexed(ELEMENT_DOCUMENT);
        self.open(None);
    }

    /// Opens an array, whose elements follow until [`Writer::end`].
    pub fn begin_array(&mut self, name: &str) {
        self.element(ELEMENT_ARRAY, name);
        self.open(Some(0));
    }

    /// Closes the innermost document or array.
    pub fn end(&mut self) {
        if let Some(level) = self.levels.pop() {
            self.out.push(0);
            let length = i32::try_from(self.out.len() - level.start).unwrap_or(i32::MAX);
            if let Some(field) = self.out.get_mut(level.start..level.start + 4) {
                field.copy_from_slice(&length.to_le_bytes());
            }
        }
    }

    /// Closes everything that is open and gives the buffer back.
    pub fn finish(mut self) -> Vec<u8> {
        while !self.levels.is_empty() {
            self.end();
        }
        self.out
    }

    /// How many bytes the outermost document may still grow before it is larger than the server
    /// sends.
    pub fn room(&self) -> usize {
        let start = self.levels.first().map_or(0, |level| level.start);
        MAX_INTERNAL_DOCUMENT_BYTES.saturating_sub(self.out.len() - start)
    }

    fn open(&mut self, next_index: Option<u32>) {
        self.levels.push(Level {
            start: self.out.len(),
            next_index,
        });
        self.out.extend_from_slice(&[0; 4]);
    }

    fn element(&mut self, element_type: u8, name: &str) {
        self.out.push(element_type);
        let name = name.as_bytes();
        let end = name
            .iter()
            .position(|&byte| byte == 0)
            .unwrap_or(name.len());
        self.out
            .extend_from_slice(name.get(..end).unwrap_or_default());
        self.out.push(0);
    }

    fn indexed(&mut self, element_type: u8) {
        let index = self.next_index();
        let mut digits = itoa_buffer();
        self.element(element_type, format_index(index, &mut digits));
    }

    fn next_index(&mut self) -> u32 {
        let Some(next) = self
            .levels
            .last_mut()
            .and_then(|level| level.next_index.as_mut())
        else {
            return 0;
        };
        let index = *next;
        *next = index.wrapping_add(1);
        index
    }
}

const fn itoa_buffer() -> [u8; 10] {
    [0; 10]
}

/// The decimal digits of an index, without an allocation for each element of a batch.
fn format_index(mut index: u32, buffer: &mut [u8; 10]) -> &str {
    let mut used = 0;
    for slot in buffer.iter_mut().rev() {
        *slot = b'0' + u8::try_from(index % 10).unwrap_or(0);
        index /= 10;
        used += 1;
        if index == 0 {
            break;
        }
    }
    let digits = buffer.get(10 - used..).unwrap_or_default();
    std::str::from_utf8(digits).unwrap_or("0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::{Bson, doc, rawdoc};

    #[test]
    fn writes_what_the_library_reads() {
        let mut writer = Writer::new(vec![9, 9]);
        writer.int32("wrong", 1);
        writer.begin_array("wrong");
        writer.reset();
        writer.int32("i", 1);
        writer.begin_document("cursor");
        writer.begin_array("batch");
        for i in 0..12 {
            writer.element_document(rawdoc! { "i": i }.as_bytes());
        }
        writer.element_value(RawBsonRef::Null);
        writer.begin_element_document();
        writer.string("s", "t\0u");
        writer.end();
        writer.end();
        writer.int64("id", 0);
        writer.end();
        writer.date("d", 5);
        writer.double("ok", 1.0);
        let out = writer.finish();
        let mut batch: Vec<Bson> = (0..12).map(|i| Bson::from(doc! { "i": i })).collect();
        batch.push(Bson::Null);
        batch.push(doc! { "s": "t\0u" }.into());
        let expected = doc! {
            "i": 1, "cursor": { "batch": batch, "id": 0_i64 },
            "d": bson::DateTime::from_millis(5), "ok": 1.0,
        };
        let read = bson::Document::try_from(crate::validate(&out[2..]).unwrap()).unwrap();
        assert_eq!(read, expected);
    }

    #[test]
    fn writes_every_type() {
        let all = bson::RawDocumentBuf::try_from(&doc! {
            "a": Bson::MinKey, "b": bson::oid::ObjectId::new(), "c": [1, "x"], "d": true,
            "e": Bson::Timestamp(bson::Timestamp { time: 1, increment: 2 }), "f": 1.5,
            "g": bson::Binary { subtype: bson::spec::BinarySubtype::Uuid, bytes: vec![1; 16] },
            "h": "1.5".parse::<bson::Decimal128>().unwrap(), "i": { "j": 1 }, "k": Bson::Null,
        })
        .unwrap();
        let mut writer = Writer::new(Vec::new());
        for element in all.iter_elements() {
            let element = element.unwrap();
            writer.field(element.key().as_str(), element.value().unwrap());
        }
        assert_eq!(writer.finish(), all.as_bytes());
    }
}
