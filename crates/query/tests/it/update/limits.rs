//! Size and depth of what an update makes.

use bson::{Bson, Document, doc};
use document::ErrorCode::{BSONObjectTooLarge, Overflow};
use document::limits::{MAX_DOCUMENT_BYTES, MAX_NESTING};

use super::{Case, Expected, check, fails, raw};

#[test]
fn a_result_over_16_mib_is_refused() {
    let half = "x".repeat(MAX_DOCUMENT_BYTES / 2);
    check([
        (
            doc! {"a": &half},
            doc! {"$set": {"b": &half}},
            fails(BSONObjectTooLarge),
        ),
        (
            doc! {"a": [1, 2, 3]},
            doc! {"$set": {"a.$[]": &half}},
            fails(BSONObjectTooLarge),
        ),
        (
            doc! {"a": [&half]},
            doc! {"$push": {"a": &half}},
            fails(BSONObjectTooLarge),
        ),
        (
            doc! {"_id": 1},
            doc! {"a": &half, "b": &half},
            fails(BSONObjectTooLarge),
        ),
        (
            doc! {"a": [], "b": [], "c": []},
            doc! {"$set": {"a.1400000": 1, "b.1400000": 1, "c.1400000": 1}},
            fails(BSONObjectTooLarge),
        ),
    ]);
}

#[test]
fn exactly_16_mib_is_fine() {
    let overhead = raw(&doc! {"a": 1, "b": ""}).as_bytes().len();
    let fits = "x".repeat(MAX_DOCUMENT_BYTES - overhead);
    let outcome = |text: &str| Case::new(doc! {"$set": {"b": text}}).apply(&doc! {"a": 1});
    assert!(matches!(outcome(&fits), Expected::To(_)));
    assert_eq!(outcome(&(fits + "x")), fails(BSONObjectTooLarge));
}

fn nested(levels: usize) -> Bson {
    (0..levels).fold(Bson::Int32(1), |below, _| Bson::Document(doc! {"a": below}))
}

#[test]
fn nesting_is_limited() {
    let path = |parts: usize| vec!["a"; parts].join(".");
    let set = |parts: usize, levels: usize| {
        let update = doc! {"$set": Document::from_iter([(path(parts), nested(levels))])};
        Case::new(update).apply(&doc! {})
    };
    for parts in [1, 50, MAX_NESTING] {
        assert!(matches!(set(parts, MAX_NESTING - parts), Expected::To(_)));
        assert_eq!(set(parts, MAX_NESTING - parts + 1), fails(Overflow));
    }
    assert_eq!(set(10_000, 0), fails(Overflow));
    let push = doc! {"$push": Document::from_iter([(path(MAX_NESTING), Bson::Int32(1))])};
    assert_eq!(Case::new(push).apply(&doc! {}), fails(Overflow));
    let rename = doc! {"$rename": Document::from_iter([("b".to_owned(), Bson::String(path(60)))])};
    assert_eq!(
        Case::new(rename).apply(&doc! {"b": nested(41)}),
        fails(Overflow)
    );
}

#[test]
fn many_fields_at_once() {
    let names: Vec<String> = (0..2000)
        .map(|n| format!("f{:05}", (n * 7919) % 2000))
        .collect();
    let update =
        doc! {"$set": Document::from_iter(names.iter().map(|name| (name.clone(), Bson::Int32(1))))};
    let document = Document::from_iter(
        names
            .iter()
            .step_by(2)
            .map(|name| (name.clone(), Bson::Int32(0))),
    );
    let Expected::To(updated) = Case::new(update).apply(&document) else {
        panic!("it changes");
    };
    assert_eq!(updated.len(), 2000);
    assert!(updated.values().all(|value| *value == Bson::Int32(1)));
    assert!(document.keys().eq(updated.keys().take(1000)));
    assert!(updated.keys().skip(1000).is_sorted());
}
