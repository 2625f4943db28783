//! Sort orders and the sorter.

use bson::{Bson, Document, RawDocumentBuf, doc};
use document::ErrorCode;
use proptest::prelude::*;
use query::sort::{SortSpec, Sorter};

fn raw(document: &Document) -> RawDocumentBuf {
    RawDocumentBuf::try_from(document).unwrap()
}

fn spec(document: Document) -> SortSpec {
    SortSpec::parse(&raw(&document)).unwrap()
}

/// The `_id`s in the order that the sorter gives.
fn sorted(order: Document, limit: Option<usize>, documents: &[Document]) -> Vec<Bson> {
    let mut sorter = Sorter::new(&spec(order), limit);
    for document in documents {
        let id = document.get("_id").unwrap().clone();
        sorter.push(&raw(document), 8, || id).unwrap();
    }
    sorter.finish().collect()
}

fn ids(ids: &[i32]) -> Vec<Bson> {
    ids.iter().map(|&id| Bson::Int32(id)).collect()
}

#[test]
fn sorts_types_by_their_rank_and_missing_as_null() {
    let documents = [
        doc! { "_id": 1, "a": "x" },
        doc! { "_id": 2 },
        doc! { "_id": 3, "a": 2.5 },
        doc! { "_id": 4, "a": Bson::Null },
        doc! { "_id": 5, "a": [] },
        doc! { "_id": 6, "a": true },
        doc! { "_id": 7, "a": 2 },
        doc! { "_id": 8, "a": Bson::MinKey },
        doc! { "_id": 9, "a": f64::NAN },
        doc! { "_id": 10, "a": {} },
    ];
    assert_eq!(
        sorted(doc! { "a": 1 }, None, &documents),
        ids(&[8, 5, 2, 4, 9, 7, 3, 1, 10, 6])
    );
    assert_eq!(
        sorted(doc! { "a": -1 }, None, &documents),
        ids(&[6, 10, 1, 3, 7, 9, 2, 4, 5, 8])
    );
}

#[test]
fn sorts_arrays_by_the_least_upwards_and_by_the_greatest_downwards() {
    let documents = [
        doc! { "_id": 1, "a": [1, 9] },
        doc! { "_id": 2, "a": [5, 6] },
        doc! { "_id": 3, "a": 7 },
        doc! { "_id": 4, "a": [[0]] },
    ];
    assert_eq!(
        sorted(doc! { "a": 1 }, None, &documents),
        ids(&[1, 2, 3, 4])
    );
    assert_eq!(
        sorted(doc! { "a": -1 }, None, &documents),
        ids(&[4, 1, 3, 2])
    );
}

#[test]
fn fields_within_one_array_sort_by_its_elements() {
    // The least element counts as a whole: (0, 9), not the least of each field, (0, 2).
    let documents = [
        doc! { "_id": 1, "a": [{ "b": 1, "c": 2 }, { "b": 0, "c": 9 }] },
        doc! { "_id": 2, "a": [{ "b": 0, "c": 5 }] },
    ];
    assert_eq!(
        sorted(doc! { "a.b": 1, "a.c": 1 }, None, &documents),
        ids(&[2, 1])
    );
}

#[test]
fn parallel_arrays_have_no_order() {
    let order = spec(doc! { "a": 1, "b": 1 });
    let error = order.key(&raw(&doc! { "a": [1], "b": [1] })).unwrap_err();
    assert_eq!(error.code, ErrorCode::BadValue);
}

#[test]
fn refuses_what_is_no_order() {
    for (order, code) in [
        (doc! { "a": "x" }, 15974),
        (doc! { "a": 2 }, 15975),
        (doc! { "a": 0.5 }, 15975),
        (doc! { "a.": 1 }, 40353),
        (doc! { "a..b": 1 }, 15998),
        (doc! { "": 1 }, 15998),
        (doc! { "$a": 1 }, 16410),
        (doc! { "$natural": 2 }, 2),
        (doc! { "$natural": 1, "a": 1 }, 2),
        (doc! { "a": { "$meta": "textScore" } }, 40218),
    ] {
        let error = SortSpec::parse(&raw(&order)).unwrap_err();
        assert_eq!(error.code.code(), code, "{order}: {error}");
    }
    let many: Document = (0..33).map(|n| (format!("f{n}"), Bson::Int32(1))).collect();
    assert!(SortSpec::parse(&raw(&many)).is_err());
    assert!(spec(doc! {}).is_empty());
    assert!(spec(doc! { "$natural": -1_i64 }).natural().is_some());
}

#[test]
fn refuses_to_use_more_memory_than_allowed() {
    let order = spec(doc! { "a": 1 });
    let fill = |limit| {
        let mut sorter = Sorter::with_memory(&order, limit, 10_000);
        for n in 0..1_000 {
            sorter.push(&raw(&doc! { "a": 1_000 - n }), 50, || n)?;
        }
        Ok::<_, query::Error>(sorter.finish().collect::<Vec<_>>())
    };
    assert_eq!(
        fill(None).unwrap_err().code,
        ErrorCode::QueryExceededMemoryLimitNoDiskUseAllowed
    );
    assert_eq!(fill(Some(3)).unwrap(), [999, 998, 997]);
}

#[test]
fn a_document_beyond_the_limit_is_never_made() {
    let mut sorter = Sorter::new(&spec(doc! { "a": 1 }), Some(1));
    let mut made = 0;
    for n in 0..100 {
        sorter
            .push(&raw(&doc! { "a": n }), 0, || made += 1)
            .unwrap();
    }
    assert_eq!(sorter.finish().len(), 1);
    assert_eq!(made, 2);
    let mut nothing = Sorter::new(&spec(doc! { "a": 1 }), Some(0));
    nothing.push(&raw(&doc! {}), 0, || ()).unwrap();
    assert_eq!(nothing.finish().len(), 0);
}

fn value() -> impl Strategy<Value = Bson> {
    prop_oneof![
        Just(Bson::Null),
        (0..4_i32).prop_map(Bson::Int32),
        (0..4_i64).prop_map(Bson::Int64),
        "[ab]{0,1}".prop_map(Bson::String),
        proptest::collection::vec((0..4_i32).prop_map(Bson::Int32), 0..3).prop_map(Bson::Array),
    ]
}

proptest! {
    /// Against the standard library's stable sort with the comparison of documents.
    #[test]
    fn is_a_stable_sort_with_and_without_a_limit(
        values in proptest::collection::vec((value(), 0..3_i32), 0..40),
        directions in (prop_oneof![Just(1), Just(-1)], prop_oneof![Just(1), Just(-1)]),
        limit in 0..45_usize,
    ) {
        let documents: Vec<Document> = values
            .into_iter()
            .enumerate()
            .map(|(id, (a, b))| doc! { "_id": i32::try_from(id).unwrap(), "a": a, "b": b })
            .collect();
        let order = doc! { "a": directions.0, "b": directions.1 };
        let parsed = spec(order.clone());
        let mut expected = documents.clone();
        expected.sort_by(|left, right| parsed.compare(&raw(left), &raw(right)).unwrap());
        let expected: Vec<Bson> = expected
            .iter()
            .map(|document| document.get("_id").unwrap().clone())
            .collect();
        prop_assert_eq!(&sorted(order.clone(), None, &documents), &expected);
        let first: Vec<Bson> = expected.into_iter().take(limit).collect();
        prop_assert_eq!(sorted(order, Some(limit), &documents), first);
    }
}
