//! What a pipeline leaves to the planner.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bson::{RawArrayBuf, RawDocumentBuf, rawdoc};
use query::Error;
use query::pipeline::{Collections, Documents, Leading, Pipeline, from_documents};

fn split(stages: impl IntoIterator<Item = RawDocumentBuf>) -> (Leading, Vec<&'static str>) {
    let stages = RawArrayBuf::from_iter(stages);
    let pipeline = Pipeline::parse(&stages, &crate::expression::context()).unwrap();
    let (leading, rest) = pipeline.leading();
    let names = rest.stage_names().collect();
    (leading, names)
}

fn filter_of(leading: &Leading) -> RawDocumentBuf {
    leading.filter.as_ref().unwrap().source().to_owned()
}

#[test]
fn a_window_is_one_skip_and_one_limit() {
    let (leading, rest) = split([
        rawdoc! { "$match": { "a": 1 } },
        rawdoc! { "$sort": { "b": 1 } },
        rawdoc! { "$skip": 5 },
        rawdoc! { "$limit": 20 },
        rawdoc! { "$skip": 3 },
        rawdoc! { "$limit": 100 },
        rawdoc! { "$project": { "a": 1 } },
    ]);
    assert_eq!(filter_of(&leading), rawdoc! { "a": 1 });
    assert_eq!(leading.sort.unwrap().fields().len(), 1);
    assert_eq!((leading.skip, leading.limit), (8, Some(17)));
    assert_eq!(rest, ["$project"]);
}

#[test]
fn a_filter_moves_before_what_does_not_change_its_fields() {
    let (leading, rest) = split([
        rawdoc! { "$sort": { "b": 1 } },
        rawdoc! { "$addFields": { "x.y": "$a" } },
        rawdoc! { "$project": { "a": 1, "b": 1, "x": 1 } },
        rawdoc! { "$match": { "a": 1 } },
        rawdoc! { "$match": { "b.c": 2 } },
    ]);
    assert_eq!(
        filter_of(&leading),
        rawdoc! { "$and": [{ "a": 1 }, { "b.c": 2 }] }
    );
    assert!(leading.sort.is_some());
    assert_eq!(rest, ["$addFields", "$project"]);
}

#[test]
fn a_filter_stays_behind_what_changes_its_fields() {
    for (stage, filter) in [
        (rawdoc! { "$addFields": { "x.y": 1 } }, rawdoc! { "x.z": 1 }),
        (rawdoc! { "$project": { "a": 1 } }, rawdoc! { "b": 1 }),
        (rawdoc! { "$project": { "a": "$b" } }, rawdoc! { "a": 1 }),
        (rawdoc! { "$project": { "a.b": 1 } }, rawdoc! { "a": 1 }),
        (rawdoc! { "$project": { "a": 0 } }, rawdoc! { "a.b": 1 }),
        (
            rawdoc! { "$project": { "_id": 0, "a": 1 } },
            rawdoc! { "_id": 1 },
        ),
        (
            rawdoc! { "$unset": "a" },
            rawdoc! { "$or": [{ "a": 1 }, { "b": 1 }] },
        ),
        (rawdoc! { "$unwind": "$a" }, rawdoc! { "a": 1 }),
        (rawdoc! { "$limit": 1 }, rawdoc! { "a": 1 }),
        (
            rawdoc! { "$addFields": { "x": 1 } },
            rawdoc! { "$expr": { "$eq": ["$x", 1] } },
        ),
        (rawdoc! { "$replaceWith": "$a" }, rawdoc! { "a": 1 }),
        (rawdoc! { "$group": { "_id": "$a" } }, rawdoc! { "_id": 1 }),
    ] {
        let (leading, _) = split([stage.clone(), rawdoc! { "$match": filter.clone() }]);
        assert!(leading.filter.is_none(), "{stage:?} {filter:?}");
    }
    let (leading, _) = split([
        rawdoc! { "$unwind": "$a" },
        rawdoc! { "$match": { "b": 1 } },
    ]);
    assert_eq!(filter_of(&leading), rawdoc! { "b": 1 });
}

#[test]
fn other_collections_are_named() {
    let stages = RawArrayBuf::from_iter([
        rawdoc! { "$lookup": { "from": "one", "as": "x", "pipeline": [{ "$unionWith": "two" }] } },
        rawdoc! { "$facet": { "x": [{ "$unionWith": { "coll": "three" } }] } },
    ]);
    let pipeline = Pipeline::parse(&stages, &crate::expression::context()).unwrap();
    assert_eq!(pipeline.foreign_collections(), ["one", "two", "three"]);
}

#[test]
fn documents_do_not_get_deeper_stage_by_stage() {
    let stages =
        RawArrayBuf::from_iter((0..500).map(|_| rawdoc! { "$replaceWith": { "a": "$$ROOT" } }));
    let pipeline = Pipeline::parse(&stages, &crate::expression::context()).unwrap();
    let collections: Arc<dyn Collections> = Arc::new(super::Memory::default());
    let mut output = pipeline.run(from_documents([rawdoc! { "x": 1 }]), &collections);
    let error = output.next().unwrap().unwrap_err();
    assert_eq!(error.code, document::ErrorCode::Overflow);
    assert!(output.next().is_none());
}

#[test]
fn nothing_is_read_before_it_is_asked_for_nor_more_than_that() {
    let stages = RawArrayBuf::from_iter([
        rawdoc! { "$match": { "x": { "$gte": 0 } } },
        rawdoc! { "$addFields": { "y": 1 } },
        rawdoc! { "$limit": 2 },
    ]);
    let pipeline = Pipeline::parse(&stages, &crate::expression::context()).unwrap();
    let collections: Arc<dyn Collections> = Arc::new(super::Memory::default());
    let read = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&read);
    let endless = (0_i32..).map(move |x| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(rawdoc! { "x": x })
    });
    let output = pipeline.run(Box::new(endless), &collections);
    assert_eq!(read.load(Ordering::Relaxed), 0);
    assert_eq!(output.map(Result::unwrap).count(), 2);
    assert_eq!(read.load(Ordering::Relaxed), 2);
}

#[test]
fn a_stage_does_not_hide_the_error_of_its_source() {
    let failing = || -> Documents {
        let error = Error::new(document::ErrorCode::MaxTimeMSExpired, "too slow");
        Box::new([Ok(rawdoc! { "_id": 1 }), Err(error)].into_iter())
    };
    for stage in [
        rawdoc! { "$match": { "_id": 2 } },
        rawdoc! { "$skip": 5 },
        rawdoc! { "$limit": 5 },
        rawdoc! { "$sort": { "_id": 1 } },
        rawdoc! { "$group": { "_id": "$_id" } },
        rawdoc! { "$unwind": "$_id" },
        rawdoc! { "$count": "n" },
        rawdoc! { "$facet": { "x": [] } },
        rawdoc! { "$sample": { "size": 1 } },
        rawdoc! { "$redact": "$$KEEP" },
        rawdoc! { "$bucketAuto": { "groupBy": "$_id", "buckets": 1 } },
        rawdoc! { "$unionWith": "other" },
    ] {
        let stages = RawArrayBuf::from_iter([stage.clone()]);
        let pipeline = Pipeline::parse(&stages, &crate::expression::context()).unwrap();
        let collections: Arc<dyn Collections> = Arc::new(super::Memory::default());
        let last = pipeline.run(failing(), &collections).last();
        let error = last.unwrap().unwrap_err();
        assert_eq!(
            error.code,
            document::ErrorCode::MaxTimeMSExpired,
            "{stage:?}"
        );
    }
}
