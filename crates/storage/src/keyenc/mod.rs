//! BSON values as bytes that sort as the values do.
//!
//! The bytes of two encodings compare exactly as [`document::compare()`] compares the values, and
//! are equal exactly when the values are: `1`, `1.0` and `Decimal128("1.00")` have one encoding.
//! Every encoding says itself where it ends and none is the beginning of another, so encodings can
//! be strung together into a compound key, which then sorts field by field. A descending field has
//! every byte inverted, which turns its order round and keeps the rest. What a value's type was
//! cannot be told from the encoding.
//!
//! | value | encoding |
//! |---|---|
//! | `MinKey`, undefined, null, false, true, `MaxKey` | a tag |
//! | number | a tag for NaN, the infinities, zero or the sign; a magnitude (`number`) |
//! | string, symbol, code | tag, bytes with `00` as `00 FF`, `00 00` |
//! | object | tag; for each field `rank + 1`, name, `00`, value; `00` |
//! | array | tag; each value; `00` |
//! | binary | tag, length (4 bytes), subtype, bytes |
//! | ObjectId, date, timestamp | tag, 12 or 8 bytes; a date with its sign bit inverted |
//! | regular expression | tag, pattern, `00`, options, `00` |
//! | code with scope | tag, code as a string, the scope as an object's fields |
//! | DBPointer | tag, length (4 bytes), its bytes in a document of its own |

mod number;
mod split;
#[cfg(test)]
mod tests;

use bson::spec::BinarySubtype;
use bson::{RawBsonRef, RawDocument, RawDocumentBuf};
use document::ErrorCode;
use document::limits::MAX_NESTING;
use document::types::canonical_rank;
use smallvec::SmallVec;

use crate::error::{Error, Result};

pub use split::value_len;

mod tag {
    /// Ends an object or an array: before every other tag, so that what is shorter sorts first.
    pub(super) const END: u8 = 0x00;
    pub(super) const MIN_KEY: u8 = 0x08;
    pub(super) const UNDEFINED: u8 = 0x10;
    pub(super) const NULL: u8 = 0x18;
    pub(super) const NAN: u8 = 0x20;
    pub(super) const NEGATIVE_INFINITY: u8 = 0x21;
    pub(super) const NEGATIVE: u8 = 0x22;
    pub(super) const ZERO: u8 = 0x23;
    pub(super) const POSITIVE: u8 = 0x24;
    pub(super) const POSITIVE_INFINITY: u8 = 0x25;
    pub(super) const STRING: u8 = 0x30;
    pub(super) const OBJECT: u8 = 0x38;
    pub(super) const ARRAY: u8 = 0x40;
    pub(super) const BINARY: u8 = 0x48;
    pub(super) const OBJECT_ID: u8 = 0x50;
    pub(super) const FALSE: u8 = 0x58;
    pub(super) const TRUE: u8 = 0x59;
    pub(super) const DATE: u8 = 0x60;
    pub(super) const TIMESTAMP: u8 = 0x68;
    pub(super) const REGEX: u8 = 0x70;
    pub(super) const DB_POINTER: u8 = 0x78;
    pub(super) const CODE: u8 = 0x80;
    pub(super) const CODE_WITH_SCOPE: u8 = 0x88;
    pub(super) const MAX_KEY: u8 = 0xF0;
}

/// Ends a string, and begins an escaped NUL in one.
const NUL: u8 = 0x00;
/// After [`NUL`]: the string goes on with a NUL.
const ESCAPED: u8 = 0xFF;

/// What encodings are appended to.
pub trait KeyBuffer {
    /// Appends bytes.
    fn put(&mut self, bytes: &[u8]);
    /// What is there.
    fn bytes_mut(&mut self) -> &mut [u8];
}

impl<A: smallvec::Array<Item = u8>> KeyBuffer for SmallVec<A> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl KeyBuffer for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }
}

/// Appends the encoding of `value` to `out`, inverted if `descending`. Refuses what is nested
/// deeper than a document may be.
pub fn encode(value: RawBsonRef<'_>, descending: bool, out: &mut impl KeyBuffer) -> Result<()> {
    let start = out.bytes_mut().len();
    put_value(value, out, 0)?;
    if descending {
        invert_from(out, start);
    }
    Ok(())
}

/// Appends the encoding of a field that is missing: that of null.
pub fn encode_missing(descending: bool, out: &mut impl KeyBuffer) {
    out.put(&[if descending { !tag::NULL } else { tag::NULL }]);
}

/// The first key after all those that begin with `prefix`; `None` if there is none.
pub fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != 0xFF)?;
    let mut end = prefix.get(..=last)?.to_vec();
    *end.last_mut()? += 1;
    Some(end)
}

fn invert_from(out: &mut impl KeyBuffer, start: usize) {
    for byte in out.bytes_mut().iter_mut().skip(start) {
        *byte = !*byte;
    }
}

fn put_value(value: RawBsonRef<'_>, out: &mut impl KeyBuffer, depth: usize) -> Result<()> {
    use RawBsonRef as B;
    match value {
        B::MinKey => out.put(&[tag::MIN_KEY]),
        B::Undefined => out.put(&[tag::UNDEFINED]),
        B::Null => out.put(&[tag::NULL]),
        B::Int32(number) => number::put_i64(i64::from(number), out),
        B::Int64(number) => number::put_i64(number, out),
        B::Double(number) => number::put_f64(number, out),
        B::Decimal128(number) => number::put_decimal(number, out),
        B::String(text) | B::Symbol(text) => {
            out.put(&[tag::STRING]);
            put_string(text, out);
        }
        B::Document(document) => {
            out.put(&[tag::OBJECT]);
            put_fields(document, out, deeper(depth)?)?;
        }
        B::Array(array) => {
            out.put(&[tag::ARRAY]);
            for element in array.into_iter().map_while(Result::ok) {
                put_value(element, out, deeper(depth)?)?;
            }
            out.put(&[tag::END]);
        }
        B::Binary(binary) => {
            out.put(&[tag::BINARY]);
            put_length(binary.bytes.len(), out);
            out.put(&[subtype(binary.subtype)]);
            out.put(binary.bytes);
        }
        B::ObjectId(id) => {
            out.put(&[tag::OBJECT_ID]);
            out.put(&id.bytes());
        }
        B::Boolean(false) => out.put(&[tag::FALSE]),
        B::Boolean(true) => out.put(&[tag::TRUE]),
        B::DateTime(date) => {
            out.put(&[tag::DATE]);
            let ordered = date.timestamp_millis().cast_unsigned() ^ (1 << 63);
            out.put(&ordered.to_be_bytes());
        }
        B::Timestamp(timestamp) => {
            out.put(&[tag::TIMESTAMP]);
            out.put(&timestamp.time.to_be_bytes());
            out.put(&timestamp.increment.to_be_bytes());
        }
        B::RegularExpression(regex) => {
            out.put(&[tag::REGEX]);
            out.put(regex.pattern.as_str().as_bytes());
            out.put(&[NUL]);
            out.put(regex.options.as_str().as_bytes());
            out.put(&[NUL]);
        }
        B::DbPointer(_) => {
            out.put(&[tag::DB_POINTER]);
            // The library keeps its parts to itself: the bytes of a document that holds it.
            let mut holder = RawDocumentBuf::new();
            holder.append(bson::raw::cstr!(""), value);
            put_length(holder.as_bytes().len(), out);
            out.put(holder.as_bytes());
        }
        B::JavaScriptCode(code) => {
            out.put(&[tag::CODE]);
            put_string(code, out);
        }
        B::JavaScriptCodeWithScope(code) => {
            out.put(&[tag::CODE_WITH_SCOPE]);
            put_string(code.code, out);
            put_fields(code.scope, out, deeper(depth)?)?;
        }
        B::MaxKey => out.put(&[tag::MAX_KEY]),
    }
    Ok(())
}

fn put_fields(document: &RawDocument, out: &mut impl KeyBuffer, depth: usize) -> Result<()> {
    for element in document.iter_elements().map_while(Result::ok) {
        let Ok(value) = element.value() else { break };
        // The type decides before the name does, and the name before the value.
        out.put(&[canonical_rank(&value) + 1]);
        out.put(element.key().as_str().as_bytes());
        out.put(&[NUL]);
        put_value(value, out, depth)?;
    }
    out.put(&[tag::END]);
    Ok(())
}

fn put_string(text: &str, out: &mut impl KeyBuffer) {
    let mut parts = text.as_bytes().split(|&byte| byte == NUL);
    if let Some(first) = parts.next() {
        out.put(first);
    }
    for part in parts {
        out.put(&[NUL, ESCAPED]);
        out.put(part);
    }
    out.put(&[NUL, NUL]);
}

fn put_length(length: usize, out: &mut impl KeyBuffer) {
    // BSON's own lengths are of 31 bits.
    out.put(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
}

fn subtype(subtype: BinarySubtype) -> u8 {
    subtype.into()
}

fn deeper(depth: usize) -> Result<usize> {
    if depth >= MAX_NESTING {
        return Err(Error::BadDocument {
            code: ErrorCode::Overflow,
            message: "BSON document exceeds the maximum nesting depth",
        });
    }
    Ok(depth + 1)
}
