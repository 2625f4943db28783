//! Writing elements into a growing buffer.

use bson::RawBsonRef;

use super::{Value, tag};

/// Starts a document or array at the end of `out`; the answer is for [`end`].
pub(crate) fn begin(out: &mut Vec<u8>) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    start
}

/// Ends the document or array that [`begin`] started at `start`.
pub(crate) fn end(out: &mut Vec<u8>, start: usize) {
    out.push(0);
    let length = out.len() - start;
    patch_length(out, start, length);
}

/// Writes `length` where the document that starts at `start` has its length.
pub(crate) fn patch_length(out: &mut [u8], start: usize, length: usize) {
    // Buffers are refused long before they reach 2 GiB; see the callers' limits.
    let length = i32::try_from(length).unwrap_or(i32::MAX);
    if let Some(bytes) = out.get_mut(start..start + 4) {
        bytes.copy_from_slice(&length.to_le_bytes());
    }
}

/// Writes the type and name of an element; its value is to follow.
pub(crate) fn header(out: &mut Vec<u8>, tag: u8, name: &[u8]) {
    out.reserve(name.len() + 2);
    out.push(tag);
    out.extend_from_slice(name);
    out.push(0);
}

/// Writes the type of an array's element and its index; its value is to follow.
pub(crate) fn index_header(out: &mut Vec<u8>, tag: u8, index: usize) {
    let mut digits = [0_u8; 20];
    header(out, tag, format_index(index, &mut digits));
}

/// Writes a whole element.
pub(crate) fn element(out: &mut Vec<u8>, tag: u8, name: &[u8], value: &[u8]) {
    out.reserve(name.len() + 2 + value.len());
    header(out, tag, name);
    out.extend_from_slice(value);
}

/// Writes a whole element from a value.
pub(crate) fn bson_element(out: &mut Vec<u8>, name: &[u8], value: RawBsonRef<'_>) {
    match value {
        RawBsonRef::Document(value) => element(out, tag::DOCUMENT, name, value.as_bytes()),
        RawBsonRef::Array(value) => element(out, tag::ARRAY, name, value.as_bytes()),
        RawBsonRef::Int32(value) => element(out, tag::INT32, name, &value.to_le_bytes()),
        RawBsonRef::Int64(value) => element(out, tag::INT64, name, &value.to_le_bytes()),
        RawBsonRef::Double(value) => element(out, tag::DOUBLE, name, &value.to_le_bytes()),
        RawBsonRef::Boolean(value) => element(out, tag::BOOLEAN, name, &[u8::from(value)]),
        RawBsonRef::Null => header(out, tag::NULL, name),
        RawBsonRef::String(value) => {
            header(out, tag::STRING, name);
            let length = i32::try_from(value.len() + 1).unwrap_or(i32::MAX);
            out.extend_from_slice(&length.to_le_bytes());
            out.extend_from_slice(value.as_bytes());
            out.push(0);
        }
        // The library writes the rest, into a holder that the bytes are copied from.
        value => {
            let value = Value::new(value);
            element(out, value.tag(), name, value.bytes());
        }
    }
}

/// Writes a whole element of an array.
pub(crate) fn index_element(out: &mut Vec<u8>, tag: u8, index: usize, value: &[u8]) {
    index_header(out, tag, index);
    out.extend_from_slice(value);
}

fn format_index(index: usize, digits: &mut [u8; 20]) -> &[u8] {
    let mut rest = index;
    let mut at = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        at -= 1;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    digits.get(at..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_decimal() {
        for index in [0, 9, 10, 1234, usize::MAX] {
            assert_eq!(
                format_index(index, &mut [0; 20]),
                index.to_string().as_bytes()
            );
        }
    }

    #[test]
    fn what_is_written_is_a_document() {
        let mut out = Vec::new();
        let document = begin(&mut out);
        header(&mut out, 0x04, b"a");
        let array = begin(&mut out);
        index_element(&mut out, 0x10, 0, &1_i32.to_le_bytes());
        end(&mut out, array);
        element(&mut out, 0x0A, b"b", &[]);
        end(&mut out, document);
        let expected = bson::rawdoc! { "a": [1], "b": bson::raw::RawBson::Null };
        assert_eq!(out, expected.into_bytes());
    }
}
