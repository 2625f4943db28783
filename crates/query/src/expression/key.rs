//! Values as bytes that are equal exactly when MongoDB calls the values equal: the keys of groups
//! and sets.
//!
//! `1`, `1.0` and `Decimal128("1.00")` are one key. The bytes have no order and are never stored.

use bson::raw::RawBsonRef;
use document::{Number, decimal, types};

use super::value::{fields, items};

/// The bytes for a value; a missing value has a key of its own.
pub(crate) type Key = Box<[u8]>;

/// The key of a value, `None` being a missing one.
pub(crate) fn key_of(value: Option<RawBsonRef<'_>>) -> Key {
    let mut bytes = Vec::with_capacity(16);
    match value {
        // No type has this rank.
        None => bytes.push(u8::MAX),
        Some(value) => append(&mut bytes, value),
    }
    bytes.into_boxed_slice()
}

/// Appends the key of a value. Keys are self-delimiting, so that one can follow another.
pub(crate) fn append(bytes: &mut Vec<u8>, value: RawBsonRef<'_>) {
    use RawBsonRef as R;
    bytes.push(types::canonical_rank(&value));
    match value {
        R::Int32(_) | R::Int64(_) | R::Double(_) | R::Decimal128(_) => {
            if let Some(number) = Number::from_raw(&value) {
                append_number(bytes, number);
            }
        }
        R::String(text) | R::Symbol(text) | R::JavaScriptCode(text) => append_text(bytes, text),
        R::Document(document) => {
            for (name, value) in fields(document) {
                bytes.push(1);
                append_text(bytes, name.as_str());
                append(bytes, value);
            }
            bytes.push(0);
        }
        R::Array(array) => {
            for item in items(array) {
                bytes.push(1);
                append(bytes, item);
            }
            bytes.push(0);
        }
        R::Boolean(value) => bytes.push(value.into()),
        R::RegularExpression(regex) => {
            append_text(bytes, regex.pattern.as_str());
            append_text(bytes, regex.options.as_str());
        }
        R::JavaScriptCodeWithScope(code) => {
            append_text(bytes, code.code);
            append(bytes, R::Document(code.scope));
        }
        R::Timestamp(value) => {
            bytes.extend(value.time.to_le_bytes());
            bytes.extend(value.increment.to_le_bytes());
        }
        R::Binary(binary) => {
            bytes.push(binary.subtype.into());
            append_bytes(bytes, binary.bytes);
        }
        R::ObjectId(id) => bytes.extend(id.bytes()),
        R::DateTime(date) => bytes.extend(date.timestamp_millis().to_le_bytes()),
        R::Null | R::Undefined | R::MinKey | R::MaxKey => {}
        R::DbPointer(_) => {
            // The library keeps the parts to itself, a document that holds it does not.
            let mut holder = bson::RawDocumentBuf::new();
            holder.append(bson::raw::cstr!(""), value);
            append_bytes(bytes, holder.as_bytes());
        }
    }
}

/// One form for each value: an integer where there is one, else a double where it is exact, else
/// the decimal without trailing zeros.
fn append_number(bytes: &mut Vec<u8>, number: Number) {
    if number.is_nan() {
        bytes.push(b'n');
    } else if let Some(integer) = number.to_i64_exact() {
        bytes.push(b'i');
        bytes.extend(integer.to_le_bytes());
    } else {
        let double = number.to_f64();
        if Number::Double(double) == number {
            bytes.push(b'd');
            bytes.extend(double.to_bits().to_le_bytes());
        } else if let Number::Decimal(value) = number {
            bytes.push(b'D');
            let reduced = dec::Context::<dec::Decimal128>::default().reduce(decimal::to_dec(value));
            bytes.extend(reduced.to_le_bytes());
        }
    }
}

fn append_text(bytes: &mut Vec<u8>, text: &str) {
    append_bytes(bytes, text.as_bytes());
}

fn append_bytes(bytes: &mut Vec<u8>, content: &[u8]) {
    bytes.extend((content.len() as u64).to_le_bytes());
    bytes.extend(content);
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::raw::RawBson;
    use proptest::prelude::*;

    fn decimal(text: &str) -> RawBson {
        RawBson::Decimal128(text.parse().unwrap())
    }

    fn any_value() -> impl Strategy<Value = RawBson> {
        prop_oneof![
            (-3..3_i32).prop_map(RawBson::Int32),
            (-3..3_i64).prop_map(RawBson::Int64),
            any::<i64>().prop_map(RawBson::Int64),
            (-6..6_i32).prop_map(|n| RawBson::Double(f64::from(n) / 2.0)),
            any::<f64>().prop_map(RawBson::Double),
            (-30..30_i32, -2..2_i32).prop_map(|(n, e)| decimal(&format!("{n}E{e}"))),
            Just(decimal("1E+40")),
            Just(RawBson::Double(1e40)),
            Just(RawBson::Double(-0.0)),
            Just(RawBson::Double(f64::NAN)),
            Just(decimal("NaN")),
            Just(RawBson::Double(f64::INFINITY)),
            Just(decimal("Infinity")),
            Just(RawBson::Double(0.1)),
            Just(decimal("0.1")),
            Just(RawBson::Null),
            Just(RawBson::Undefined),
            Just(RawBson::String("a".into())),
            Just(RawBson::Symbol("a".into())),
            Just(bson::rawdoc! { "a": 1 }.into()),
            Just(bson::rawdoc! { "a": 1.0 }.into()),
            Just(bson::rawdoc! { "b": 1.0 }.into()),
            Just(bson::RawArrayBuf::from_iter([1_i64, 2]).into()),
            Just(bson::RawArrayBuf::from_iter([1.0, 2.0]).into()),
        ]
    }

    proptest! {
        #[test]
        fn keys_are_equal_when_values_are(a in any_value(), b in any_value()) {
            let (a, b) = (a.as_raw_bson_ref(), b.as_raw_bson_ref());
            let equal = document::compare(a, b) == std::cmp::Ordering::Equal;
            prop_assert_eq!(key_of(Some(a)) == key_of(Some(b)), equal, "{:?} {:?}", a, b);
        }
    }

    #[test]
    fn a_missing_value_is_not_null() {
        assert_ne!(key_of(None), key_of(Some(RawBsonRef::Null)));
    }
}
