//! Arbitrary updates on arbitrary documents: whatever comes out is a document that can be stored.

use bson::{RawArrayBuf, RawBson, RawDocument, RawDocumentBuf};
use query::update::{Outcome, Update, UpdateContext};

use super::context;
use crate::arbitrary::Source;

const NAMES: &[&str] = &[
    "a", "b", "_id", "0", "1", "a.b", "a.0", "a.7", "a.$", "a.$[]", "a.$[x]", "a.$[].b", "b.c.a",
    "", "a..b", "$x",
];

const OPERATORS: &[&str] = &[
    "$set",
    "$unset",
    "$inc",
    "$mul",
    "$min",
    "$max",
    "$rename",
    "$currentDate",
    "$setOnInsert",
    "$push",
    "$pull",
    "$pullAll",
    "$addToSet",
    "$pop",
    "$bit",
    "$other",
];

const INNER: &[&str] = &[
    "a",
    "b",
    "0",
    "$each",
    "$slice",
    "$sort",
    "$position",
    "$type",
    "and",
    "or",
    "xor",
    "$gt",
    "$in",
    "$or",
    "$elemMatch",
];

fn update(source: &mut Source<'_>) -> RawDocumentBuf {
    let mut update = RawDocumentBuf::new();
    let operators = source.below(4);
    for _ in 0..operators {
        let mut fields = RawDocumentBuf::new();
        for _ in 0..source.below(4) {
            let value = source.value(INNER, 3);
            fields.append(source.name(NAMES), value);
        }
        update.append(source.name(OPERATORS), fields);
    }
    if operators == 0 {
        return source.document(NAMES, 3);
    }
    update
}

fn apply(
    document: &RawDocument,
    update: &RawBson,
    filters: &[&RawDocument],
    position: Option<usize>,
) {
    let Ok(update) = Update::parse(update.as_raw_bson_ref(), filters) else {
        return;
    };
    for is_insert in [false, true] {
        let context = UpdateContext {
            is_insert,
            position,
            ..context()
        };
        if let Ok(Outcome::Changed(updated)) = update.apply(document, &context) {
            document::validate(updated.as_bytes()).expect("a valid document");
            assert_ne!(updated.as_bytes(), document.as_bytes(), "a change");
        }
    }
}

#[test]
fn built_updates() {
    bolero::check!()
        .with_iterations(4000)
        .for_each(|bytes: &[u8]| {
            let mut source = Source::new(bytes);
            let document = source.document(INNER, 4);
            let filter = bson::rawdoc! { "x": source.value(INNER, 1) };
            let position = source.below(3).checked_sub(1);
            let filters: &[&RawDocument] = if source.below(2) == 0 {
                &[]
            } else {
                &[&filter]
            };
            let update = update(&mut source).into();
            apply(&document, &update, filters, position);
        });
}

#[test]
fn raw_bytes() {
    bolero::check!()
        .with_iterations(4000)
        .for_each(|bytes: &[u8]| {
            let (one, other) = bytes.split_at(bytes.len() / 2);
            // What passes the validator, and what does not: neither may panic.
            for bytes in [one, other] {
                let Ok(document) = RawDocumentBuf::from_bytes(framed(bytes)) else {
                    continue;
                };
                let fixed = bson::rawdoc! { "a": [1, { "b": 2 }], "b": { "a": 1 } };
                if document::validate(document.as_bytes()).is_ok() {
                    apply(&fixed, &document.clone().into(), &[], None);
                    apply(
                        &fixed,
                        &RawArrayBuf::from_iter([document.clone()]).into(),
                        &[],
                        None,
                    );
                }
                let update = bson::rawdoc! { "$set": { "a.b": 1, "c": 2 }, "$unset": { "b": 1 } };
                if let Ok(update) = Update::parse((&update).into(), &[]) {
                    let _ = update.apply(&document, &context());
                }
            }
        });
}

/// The bytes as the inside of a document.
fn framed(bytes: &[u8]) -> Vec<u8> {
    let mut framed = i32::try_from(bytes.len() + 5)
        .unwrap()
        .to_le_bytes()
        .to_vec();
    framed.extend_from_slice(bytes);
    framed.push(0);
    framed
}
