//! The encoding against the comparison.

use std::cmp::Ordering;

use bson::raw::{CString, RawBson};
use bson::spec::BinarySubtype;
use bson::{Bson, DateTime, Decimal128, RawArrayBuf, RawDocumentBuf, Timestamp, bson};
use proptest::prelude::*;

use super::*;

fn encoded(value: &RawBson, descending: bool) -> Vec<u8> {
    let mut out = Vec::new();
    encode(value.as_raw_bson_ref(), descending, &mut out).unwrap();
    out
}

fn compared(left: &RawBson, right: &RawBson) -> Ordering {
    document::compare(left.as_raw_bson_ref(), right.as_raw_bson_ref())
}

fn check_pair(left: &RawBson, right: &RawBson) {
    let order = compared(left, right);
    assert_eq!(
        encoded(left, false).cmp(&encoded(right, false)),
        order,
        "{left:?} {right:?}"
    );
    assert_eq!(
        encoded(left, true).cmp(&encoded(right, true)),
        order.reverse(),
        "descending {left:?} {right:?}"
    );
}

fn decimal(text: &str) -> Bson {
    Bson::Decimal128(text.parse().unwrap())
}

/// Numbers around every seam: zero, 2^53, 2^63, doubles' and decimals' limits, neighbours that
/// only a tail tells apart.
fn tricky_numbers() -> Vec<RawBson> {
    let two53 = 1_i64 << 53;
    let mut numbers = vec![
        bson!(f64::NAN),
        decimal("NaN"),
        bson!(f64::NEG_INFINITY),
        decimal("-Infinity"),
        bson!(f64::INFINITY),
        decimal("Infinity"),
        bson!(0),
        bson!(0_i64),
        bson!(0.0),
        bson!(-0.0),
        decimal("0"),
        decimal("-0E+3"),
        bson!(f64::MIN_POSITIVE),
        bson!(5e-324),
        decimal("5E-324"),
        decimal("4.9E-324"),
        decimal("1E-6176"),
        decimal("-1E-6176"),
        bson!(f64::MAX),
        decimal("1.797693134862315708145274237317043E+308"),
        decimal("1.797693134862315708145274237317044E+308"),
        decimal("9.999999999999999999999999999999999E+6144"),
        bson!(9_223_372_036_854_775_808.0),
        decimal("9223372036854775807"),
        decimal("9223372036854775807.5"),
        decimal("9223372036854775808"),
        decimal("18446744073709551615"),
        decimal("18446744073709551616"),
    ];
    for integer in [
        1,
        2,
        3,
        10,
        100,
        127,
        128,
        1000,
        two53 - 1,
        two53,
        two53 + 1,
        two53 + 2,
    ] {
        numbers.push(bson!(integer));
        numbers.push(bson!(-integer));
        numbers.push(bson!(integer as f64));
        numbers.push(decimal(&format!("{integer}")));
        numbers.push(decimal(&format!("{integer}.5")));
        numbers.push(decimal(&format!("{integer}.000")));
    }
    for integer in [
        i64::MIN,
        i64::MIN + 1,
        i64::MAX - 1,
        i64::MAX,
        i64::MAX - 1023,
    ] {
        numbers.push(bson!(integer));
        numbers.push(decimal(&format!("{integer}")));
        numbers.push(bson!(integer as f64));
    }
    for text in [
        "0.1", "0.5", "0.25", "19.99", "1E+22", "1E+23", "1E-5", "3.3E+100",
    ] {
        let double: f64 = text.parse().unwrap();
        for number in [double, double.next_up(), double.next_down()] {
            numbers.push(bson!(number));
            numbers.push(bson!(-number));
        }
        numbers.push(decimal(text));
        numbers.push(decimal(&format!("-{text}")));
    }
    numbers
        .into_iter()
        .map(|number| number.try_into().unwrap())
        .collect()
}

#[test]
fn numbers_of_all_types_sort_exactly() {
    let numbers = tricky_numbers();
    for left in &numbers {
        for right in &numbers {
            check_pair(left, right);
        }
    }
}

#[test]
fn small_integers_are_small() {
    for (number, length) in [
        (0, 1),
        (1, 3),
        (5, 3),
        (100, 4),
        (1_000_000, 5),
        (i32::MAX, 8),
    ] {
        assert!(
            encoded(&RawBson::Int32(number), false).len() <= length,
            "{number}"
        );
    }
    assert!(encoded(&RawBson::Double(0.1), false).len() <= 10);
}

#[test]
fn a_missing_field_is_null() {
    for descending in [false, true] {
        let mut missing = Vec::new();
        encode_missing(descending, &mut missing);
        assert_eq!(missing, encoded(&RawBson::Null, descending));
    }
}

#[test]
fn what_is_nested_too_deep_is_refused() {
    let mut value = RawBson::Int32(1);
    for _ in 0..MAX_NESTING + 1 {
        value = RawBson::Array([value].into_iter().collect());
    }
    assert!(encode(value.as_raw_bson_ref(), false, &mut Vec::new()).is_err());
}

#[test]
fn the_end_of_a_prefix() {
    assert_eq!(after_prefix(&[1, 2]), Some(vec![1, 3]));
    assert_eq!(after_prefix(&[1, 0xFF, 0xFF]), Some(vec![2]));
    assert_eq!(after_prefix(&[0xFF]), None);
    assert_eq!(after_prefix(&[]), None);
}

#[test]
fn splitting_arbitrary_bytes_never_panics() {
    bolero::check!()
        .with_iterations(20_000)
        .for_each(|bytes: &[u8]| {
            for descending in [false, true] {
                if let Some(length) = value_len(bytes, descending) {
                    assert!(length <= bytes.len());
                }
            }
        });
}

fn text() -> impl Strategy<Value = String> {
    // A small alphabet with NUL and the bytes around the escape, so that prefixes are common.
    proptest::collection::vec(
        prop_oneof![
            Just('\0'),
            Just('a'),
            Just('b'),
            Just('\u{1}'),
            Just('ÿ'),
            any::<char>()
        ],
        0..6,
    )
    .prop_map(|chars| chars.into_iter().collect())
}

fn name() -> impl Strategy<Value = CString> {
    "[a-c.]{0,3}".prop_map(|name| name.try_into().unwrap())
}

fn any_decimal() -> impl Strategy<Value = Decimal128> {
    prop_oneof![
        any::<[u8; 16]>().prop_map(Decimal128::from_bytes),
        (any::<i64>(), -30_i32..30)
            .prop_map(|(digits, exponent)| format!("{digits}E{exponent}").parse().unwrap()),
        (-2000_i64..2000, -3_i32..3)
            .prop_map(|(digits, exponent)| format!("{digits}E{exponent}").parse().unwrap()),
        any::<f64>().prop_filter_map("finite", |double| format!("{double:.33e}").parse().ok()),
    ]
}

fn number() -> impl Strategy<Value = RawBson> {
    prop_oneof![
        any::<i32>().prop_map(RawBson::Int32),
        (-3_i32..3).prop_map(RawBson::Int32),
        any::<i64>().prop_map(RawBson::Int64),
        (-3_i64..3, 50_u32..63).prop_map(|(near, power)| RawBson::Int64((1 << power) + near)),
        (-3_i64..3, 50_u32..63).prop_map(|(near, power)| RawBson::Int64(near - (1 << power))),
        any::<f64>().prop_map(RawBson::Double),
        any::<i64>().prop_map(|number| RawBson::Double(number as f64)),
        (-2000_i32..2000).prop_map(|number| RawBson::Double(f64::from(number) / 100.0)),
        any_decimal().prop_map(RawBson::Decimal128),
    ]
}

fn leaf() -> impl Strategy<Value = RawBson> {
    prop_oneof![
        4 => number(),
        2 => text().prop_map(RawBson::String),
        1 => text().prop_map(RawBson::Symbol),
        1 => text().prop_map(RawBson::JavaScriptCode),
        1 => Just(RawBson::Null),
        1 => Just(RawBson::Undefined),
        1 => Just(RawBson::MinKey),
        1 => Just(RawBson::MaxKey),
        1 => any::<bool>().prop_map(RawBson::Boolean),
        1 => any::<i64>().prop_map(|millis| RawBson::DateTime(DateTime::from_millis(millis))),
        1 => (any::<u32>(), any::<u32>())
            .prop_map(|(time, increment)| RawBson::Timestamp(Timestamp { time, increment })),
        1 => any::<[u8; 12]>().prop_map(|id| RawBson::ObjectId(id.into())),
        1 => (proptest::collection::vec(any::<u8>(), 0..4), any::<u8>()).prop_map(
            |(bytes, subtype)| {
                RawBson::Binary(bson::Binary { subtype: BinarySubtype::from(subtype), bytes })
            }
        ),
        1 => (name(), name()).prop_map(|(pattern, options)| {
            RawBson::RegularExpression(bson::Regex { pattern, options })
        }),
    ]
}

fn value() -> impl Strategy<Value = RawBson> {
    leaf().prop_recursive(3, 12, 3, |inner| {
        let document = proptest::collection::vec((name(), inner.clone()), 0..3)
            .prop_map(|fields| {
                let mut document = RawDocumentBuf::new();
                for (name, value) in fields {
                    document.append(name, value);
                }
                document
            })
            .boxed();
        prop_oneof![
            document.clone().prop_map(RawBson::Document),
            proptest::collection::vec(inner, 0..3)
                .prop_map(|values| { RawBson::Array(values.into_iter().collect::<RawArrayBuf>()) }),
            (text(), document).prop_map(|(code, scope)| {
                RawBson::JavaScriptCodeWithScope(bson::raw::RawJavaScriptCodeWithScope {
                    code,
                    scope,
                })
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn numbers_sort_as_they_compare(left in number(), right in number()) {
        check_pair(&left, &right);
    }

    #[test]
    fn values_sort_as_they_compare(left in value(), right in value()) {
        check_pair(&left, &right);
    }

    #[test]
    fn compound_keys_sort_field_by_field(
        left in (value(), value()),
        right in (value(), value()),
        descending in any::<[bool; 2]>(),
    ) {
        let key = |pair: &(RawBson, RawBson)| {
            let mut key = encoded(&pair.0, descending[0]);
            key.extend(encoded(&pair.1, descending[1]));
            key
        };
        let turn = |order: Ordering, descending| if descending { order.reverse() } else { order };
        let order = turn(compared(&left.0, &right.0), descending[0])
            .then(turn(compared(&left.1, &right.1), descending[1]));
        prop_assert_eq!(key(&left).cmp(&key(&right)), order);
    }

    #[test]
    fn an_encoding_says_where_it_ends(
        value in value(),
        rest in proptest::collection::vec(any::<u8>(), 0..4),
        descending in any::<bool>(),
    ) {
        let mut bytes = encoded(&value, descending);
        let length = bytes.len();
        for cut in 0..length {
            prop_assert_eq!(value_len(&bytes[..cut], descending), None);
        }
        bytes.extend(rest);
        prop_assert_eq!(value_len(&bytes, descending), Some(length));
    }
}
