//! Replacement documents.

use bson::{Bson, Timestamp, doc};
use document::ErrorCode::{DollarPrefixedFieldName, ImmutableField};

use super::{Case, check, fails, same, to};

#[test]
fn a_replacement_keeps_the_id_in_front() {
    check([
        (
            doc! {"_id": 1, "a": 1},
            doc! {"b": 2},
            to(doc! {"_id": 1, "b": 2}),
        ),
        (doc! {"_id": 1, "a": 1}, doc! {}, to(doc! {"_id": 1})),
        (
            doc! {"_id": 1, "a": 1},
            doc! {"b": 2, "_id": 1},
            to(doc! {"_id": 1, "b": 2}),
        ),
        (
            doc! {"_id": 1, "a": 1},
            doc! {"_id": 2, "b": 2},
            fails(ImmutableField),
        ),
        (doc! {"_id": 1, "a": 1}, doc! {"a": 1}, same()),
        (
            doc! {"_id": 1, "a": 1},
            doc! {"a": 1.0},
            to(doc! {"_id": 1, "a": 1.0}),
        ),
        (
            doc! {"_id": 1},
            doc! {"a.b": {"$c": 1}},
            to(doc! {"_id": 1, "a.b": {"$c": 1}}),
        ),
        (
            doc! {"_id": 1},
            doc! {"a": 1, "$b": 1},
            fails(DollarPrefixedFieldName),
        ),
    ]);
    assert!(Case::new(doc! {"a": 1}).parse().unwrap().is_replacement());
    assert!(
        !Case::new(doc! {"$set": {"a": 1}})
            .parse()
            .unwrap()
            .is_replacement()
    );
}

#[test]
fn empty_timestamps_at_the_top_become_the_present() {
    let empty = || {
        Bson::Timestamp(Timestamp {
            time: 0,
            increment: 0,
        })
    };
    let now = Bson::Timestamp(Timestamp {
        time: 1_700_000_000,
        increment: 7,
    });
    check([(
        doc! {"_id": 1},
        doc! {"a": empty(), "b": {"c": empty()}},
        to(doc! {"_id": 1, "a": now, "b": {"c": empty()}}),
    )]);
}
