//! MongoDB's order of values: the one that sorts, ranges and index keys follow.
//!
//! Source: the manual's page "Comparison/Sort Order". Values of different types compare by the
//! rank of the type ([`canonical_rank`]), numbers of all types by their exact value, strings by
//! their bytes (the order of the simple collation).

use std::cmp::Ordering;

use bson::spec::BinarySubtype;
use bson::{RawArray, RawBsonRef, RawDocument};

use crate::number::Number;
use crate::types::canonical_rank;

/// Compares two values. A total order: NaN equals itself and is less than every number.
///
/// Values that are not well-formed count as absent; nothing that passed
/// [`validate`](crate::validate()) is.
pub fn compare(left: RawBsonRef<'_>, right: RawBsonRef<'_>) -> Ordering {
    use RawBsonRef as B;
    match (left, right) {
        // The pairs of the hot paths first.
        (B::Int32(left), B::Int32(right)) => left.cmp(&right),
        (B::String(left), B::String(right)) => left.as_bytes().cmp(right.as_bytes()),
        (B::ObjectId(left), B::ObjectId(right)) => left.bytes().cmp(&right.bytes()),
        _ => canonical_rank(&left)
            .cmp(&canonical_rank(&right))
            .then_with(|| compare_within_rank(left, right)),
    }
}

/// Whether two values are equal in MongoDB's order: `1`, `1.0` and `Decimal128("1.00")` are.
pub fn equal(left: RawBsonRef<'_>, right: RawBsonRef<'_>) -> bool {
    compare(left, right) == Ordering::Equal
}

/// Compares two documents, field by field in the order they stand: by the type of the field, its
/// name, its value; a document that ends first is less.
pub fn compare_documents(left: &RawDocument, right: &RawDocument) -> Ordering {
    let mut left = left.iter_elements().map_while(Result::ok);
    let mut right = right.iter_elements().map_while(Result::ok);
    loop {
        let (left, right) = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(left), Some(right)) => (left, right),
        };
        let (Ok(left_value), Ok(right_value)) = (left.value(), right.value()) else {
            return Ordering::Equal;
        };
        let order = canonical_rank(&left_value)
            .cmp(&canonical_rank(&right_value))
            .then_with(|| {
                left.key()
                    .as_str()
                    .as_bytes()
                    .cmp(right.key().as_str().as_bytes())
            })
            .then_with(|| compare(left_value, right_value));
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Compares two arrays, element by element; an array that ends first is less.
pub fn compare_arrays(left: &RawArray, right: &RawArray) -> Ordering {
    let mut left = left.into_iter().map_while(Result::ok);
    let mut right = right.into_iter().map_while(Result::ok);
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(left), Some(right)) => match compare(left, right) {
                Ordering::Equal => {}
                order => return order,
            },
        }
    }
}

fn compare_within_rank(left: RawBsonRef<'_>, right: RawBsonRef<'_>) -> Ordering {
    use RawBsonRef as B;
    if let (Some(left), Some(right)) = (Number::from_raw(&left), Number::from_raw(&right)) {
        return left.cmp(&right);
    }
    match (left, right) {
        (B::String(left) | B::Symbol(left), B::String(right) | B::Symbol(right)) => {
            left.as_bytes().cmp(right.as_bytes())
        }
        (B::Document(left), B::Document(right)) => compare_documents(left, right),
        (B::Array(left), B::Array(right)) => compare_arrays(left, right),
        (B::Binary(left), B::Binary(right)) => (left.bytes.len(), subtype(left.subtype))
            .cmp(&(right.bytes.len(), subtype(right.subtype)))
            .then_with(|| left.bytes.cmp(right.bytes)),
        (B::ObjectId(left), B::ObjectId(right)) => left.bytes().cmp(&right.bytes()),
        (B::Boolean(left), B::Boolean(right)) => left.cmp(&right),
        (B::DateTime(left), B::DateTime(right)) => {
            left.timestamp_millis().cmp(&right.timestamp_millis())
        }
        (B::Timestamp(left), B::Timestamp(right)) => {
            (left.time, left.increment).cmp(&(right.time, right.increment))
        }
        (B::RegularExpression(left), B::RegularExpression(right)) => (
            left.pattern.as_str().as_bytes(),
            left.options.as_str().as_bytes(),
        )
            .cmp(&(
                right.pattern.as_str().as_bytes(),
                right.options.as_str().as_bytes(),
            )),
        (B::DbPointer(left), B::DbPointer(right)) => {
            compare_db_pointers(B::DbPointer(left), B::DbPointer(right))
        }
        (B::JavaScriptCode(left), B::JavaScriptCode(right)) => {
            left.as_bytes().cmp(right.as_bytes())
        }
        (B::JavaScriptCodeWithScope(left), B::JavaScriptCodeWithScope(right)) => left
            .code
            .as_bytes()
            .cmp(right.code.as_bytes())
            .then_with(|| compare_documents(left.scope, right.scope)),
        _ => Ordering::Equal,
    }
}

fn subtype(subtype: BinarySubtype) -> u8 {
    subtype.into()
}

/// The library keeps the parts of a `DbPointer` (deprecated since 2009) to itself, so the bytes of
/// a document that holds it are compared: length, namespace, id, in that order.
fn compare_db_pointers(left: RawBsonRef<'_>, right: RawBsonRef<'_>) -> Ordering {
    let bytes = |value: RawBsonRef<'_>| {
        let mut holder = bson::RawDocumentBuf::new();
        holder.append(bson::raw::cstr!(""), value);
        holder.into_bytes()
    };
    let (left, right) = (bytes(left), bytes(right));
    left.len().cmp(&right.len()).then_with(|| left.cmp(&right))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::raw::RawBson;
    use bson::{Bson, DateTime, Timestamp, bson};

    fn regex(options: &str) -> bson::Regex {
        bson::Regex {
            pattern: "a".to_owned().try_into().unwrap(),
            options: options.to_owned().try_into().unwrap(),
        }
    }

    /// The manual's order, each value less than the next.
    fn ladder() -> Vec<Bson> {
        vec![
            Bson::MinKey,
            Bson::Undefined,
            Bson::Null,
            bson!(f64::NAN),
            bson!(f64::NEG_INFINITY),
            bson!(i64::MIN),
            bson!(-1),
            bson!(0),
            Bson::Decimal128("0.1".parse().unwrap()),
            bson!(0.1),
            Bson::Decimal128("0.2".parse().unwrap()),
            bson!(9_007_199_254_740_992_i64),
            bson!(9_007_199_254_740_993_i64),
            bson!(i64::MAX),
            bson!(9_223_372_036_854_775_808.0),
            bson!(f64::INFINITY),
            bson!(""),
            bson!("a"),
            bson!("a\0"),
            bson!("ab"),
            bson!({}),
            bson!({ "a": 1 }),
            bson!({ "a": 1, "b": 1 }),
            bson!({ "b": 0 }),
            bson!({ "a": "text" }),
            bson!([]),
            bson!([1]),
            bson!([1, 2]),
            bson!([2]),
            Bson::Binary(bson::Binary {
                subtype: BinarySubtype::Uuid,
                bytes: vec![1],
            }),
            Bson::Binary(bson::Binary {
                subtype: BinarySubtype::Generic,
                bytes: vec![0, 0],
            }),
            Bson::ObjectId(bson::oid::ObjectId::from_bytes([1; 12])),
            bson!(false),
            bson!(true),
            Bson::DateTime(DateTime::from_millis(-1)),
            Bson::DateTime(DateTime::from_millis(0)),
            Bson::Timestamp(Timestamp {
                time: 1,
                increment: 2,
            }),
            Bson::RegularExpression(regex("")),
            Bson::RegularExpression(regex("i")),
            Bson::JavaScriptCode("x".into()),
            Bson::MaxKey,
        ]
    }

    #[test]
    fn follows_the_manuals_ladder() {
        let raw: Vec<RawBson> = ladder()
            .into_iter()
            .map(|value| value.try_into().unwrap())
            .collect();
        for (i, left) in raw.iter().enumerate() {
            for (j, right) in raw.iter().enumerate() {
                let order = compare(left.as_raw_bson_ref(), right.as_raw_bson_ref());
                assert_eq!(order, i.cmp(&j), "{left:?} and {right:?}");
            }
        }
    }

    #[test]
    fn numbers_of_all_types_are_one_type() {
        let one = [
            bson!(1),
            bson!(1_i64),
            bson!(1.0),
            Bson::Decimal128("1.00".parse().unwrap()),
        ];
        for left in &one {
            for right in &one {
                let left: RawBson = left.clone().try_into().unwrap();
                let right: RawBson = right.clone().try_into().unwrap();
                assert!(equal(left.as_raw_bson_ref(), right.as_raw_bson_ref()));
            }
        }
    }
}
