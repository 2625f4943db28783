//! Arbitrary documents as filters and as what they run on: nothing may panic.

use bson::RawDocument;
use query::filter::Matcher;

/// The bytes of a filter with some of them changed. Most are no longer well-formed: parsing has to
/// say so, and those that are must run.
#[test]
fn damaged_bytes() {
    let sound = super::raw(&bson::doc! {
        "a.b": { "$in": [1, "x", [2]], "$not": { "$regex": "^a", "$options": "i" } },
        "$or": [{ "c": { "$elemMatch": { "d": 1, "e": { "$gt": 1.5 } } } }, { "f": null }],
        "g": { "$all": [{ "$elemMatch": { "$mod": [2, 1] } }], "$type": ["int", 2] },
        "h": { "$size": 2, "$exists": true, "$bitsAnySet": [1, 5] },
    });
    bolero::check!()
        .with_iterations(20_000)
        .for_each(|changes: &[u8]| {
            let mut bytes = sound.as_bytes().to_vec();
            for change in changes.chunks_exact(2).take(4) {
                let at = usize::from(change[0]) % bytes.len();
                bytes[at] ^= change[1];
            }
            let Ok(filter) = RawDocument::from_bytes(&bytes) else {
                return;
            };
            if let Ok(matcher) = Matcher::parse(filter) {
                let _ = matcher.matches(&sound);
                let _ = matcher.matches_with_position(filter);
            }
        });
}

/// Bytes that are documents: operators and values in arbitrary places.
#[test]
fn arbitrary_documents() {
    bolero::check!()
        .with_iterations(3_000)
        .for_each(|seed: &[u8]| {
            let mut seed = seed.iter().copied();
            let filter = super::raw(&document_from(&mut seed, 4));
            let subject = super::raw(&document_from(&mut seed, 4));
            if let Ok(matcher) = Matcher::parse(&filter) {
                let _ = matcher.matches(&subject);
                let _ = matcher.matches_with_position(&filter);
            }
        });
}

const NAMES: &[&str] = &[
    "a",
    "b",
    "0",
    "1",
    "a.b",
    "a.0",
    "",
    ".",
    "$and",
    "$or",
    "$nor",
    "$not",
    "$in",
    "$nin",
    "$gt",
    "$lte",
    "$eq",
    "$ne",
    "$all",
    "$elemMatch",
    "$regex",
    "$options",
    "$size",
    "$type",
    "$mod",
    "$exists",
    "$bitsAllSet",
    "$bitsAnyClear",
    "$expr",
    "$where",
];

fn document_from(seed: &mut impl Iterator<Item = u8>, depth: usize) -> bson::Document {
    let fields = seed.next().unwrap_or(0) % 4;
    (0..fields)
        .map(|_| {
            let name = usize::from(seed.next().unwrap_or(0)) % NAMES.len();
            (NAMES[name].to_owned(), value_from(seed, depth))
        })
        .collect()
}

fn value_from(seed: &mut impl Iterator<Item = u8>, depth: usize) -> bson::Bson {
    use bson::Bson;
    let kind = seed.next().unwrap_or(0);
    let number = seed.next().unwrap_or(0);
    if depth > 0 && kind.is_multiple_of(3) {
        return Bson::Document(document_from(seed, depth - 1));
    }
    if depth > 0 && kind % 3 == 1 {
        let count = number % 4;
        return Bson::Array((0..count).map(|_| value_from(seed, depth - 1)).collect());
    }
    match kind / 3 % 12 {
        0 => Bson::Null,
        1 => Bson::Int32(i32::from(number) - 128),
        2 => Bson::Int64(i64::MIN >> (number % 64)),
        3 => Bson::Double(f64::from_bits(u64::from(number) << 56)),
        4 => Bson::String(
            "(a+)+$[[:d"
                .chars()
                .cycle()
                .take(usize::from(number % 16))
                .collect(),
        ),
        5 => Bson::Boolean(number > 127),
        6 => Bson::MinKey,
        7 => Bson::MaxKey,
        8 => Bson::Undefined,
        9 => Bson::DateTime(bson::DateTime::from_millis(i64::MAX)),
        10 => Bson::Binary(bson::Binary {
            subtype: bson::spec::BinarySubtype::Generic,
            bytes: vec![number; usize::from(number % 9)],
        }),
        _ => Bson::Decimal128("1E+6000".parse().unwrap()),
    }
}
