//! What holds for every filter.

use bson::{Bson, Document, doc};
use proptest::prelude::*;
use query::filter::Matcher;

use super::raw;

fn scalar() -> impl Strategy<Value = Bson> {
    prop_oneof![
        Just(Bson::Null),
        (-2..4_i32).prop_map(Bson::Int32),
        (-2..4_i64).prop_map(Bson::Int64),
        prop_oneof![Just(f64::NAN), Just(0.5), Just(1.0), Just(f64::INFINITY)]
            .prop_map(Bson::Double),
        "[ab]{0,2}".prop_map(Bson::String),
        any::<bool>().prop_map(Bson::Boolean),
    ]
}

fn value() -> impl Strategy<Value = Bson> {
    scalar().prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Bson::Array),
            proptest::collection::vec(("[ab]", inner), 0..3)
                .prop_map(|fields| Bson::Document(fields.into_iter().collect())),
        ]
    })
}

fn document() -> impl Strategy<Value = Document> {
    proptest::collection::vec(("[ab]", value()), 0..3)
        .prop_map(|fields| fields.into_iter().collect())
}

fn path() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("a"), Just("b"), Just("a.b"), Just("a.0"), Just("b.a")]
}

fn matches(filter: &Document, document: &Document) -> bool {
    let matcher = Matcher::parse(&raw(filter)).unwrap();
    matcher.matches(&raw(document)).unwrap()
}

proptest! {
    #[test]
    fn negations_are_opposites(path in path(), value in scalar(), document in document()) {
        let yes = matches(&doc! { path: { "$eq": value.clone() } }, &document);
        for no in [
            doc! { path: { "$ne": value.clone() } },
            doc! { path: { "$nin": [value.clone()] } },
            doc! { path: { "$not": { "$in": [value.clone()] } } },
            doc! { "$nor": [{ path: { "$eq": value.clone() } }] },
        ] {
            prop_assert_ne!(yes, matches(&no, &document), "{}", no);
        }
    }

    #[test]
    fn a_set_is_an_or_of_equalities(
        path in path(),
        values in proptest::collection::vec(scalar(), 1..5),
        document in document(),
    ) {
        let branches: Vec<_> = values.iter().map(|value| doc! { path: { "$eq": value } }).collect();
        prop_assert_eq!(
            matches(&doc! { path: { "$in": values } }, &document),
            matches(&doc! { "$or": branches }, &document)
        );
    }

    #[test]
    fn inclusive_orders_are_strict_or_equal(path in path(), value in scalar(), document in document()) {
        for (inclusive, strict) in [("$gte", "$gt"), ("$lte", "$lt")] {
            let either = doc! { "$or": [
                { path: { strict: value.clone() } },
                { path: { "$eq": value.clone() } },
            ] };
            prop_assert_eq!(
                matches(&doc! { path: { inclusive: value.clone() } }, &document),
                matches(&either, &document)
            );
        }
    }

    #[test]
    fn every_document_equals_its_own_fields(document in document()) {
        for (name, value) in &document {
            let equal = matches(&doc! { name: { "$eq": value.clone() } }, &document);
            let exists = matches(&doc! { name: { "$exists": true } }, &document);
            prop_assert!(equal && exists);
        }
    }
}
