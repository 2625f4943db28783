//! Updates that are pipelines.

use bson::{Bson, DateTime, Document, RawArrayBuf, RawBson, doc};
use document::ErrorCode::{self, FailedToParse, ImmutableField, InvalidOptions};
use query::expression::ParseContext;
use query::filter::Matcher;
use query::pipeline::update_transform;
use query::update::{Outcome, Transform, Update, upsert_document};

use super::{Expected, context, fails, raw, same, to};

fn parse(stages: &[Document]) -> query::Result<Update> {
    let stages = RawBson::Array(stages.iter().map(raw).collect::<RawArrayBuf>());
    let context = ParseContext::new(DateTime::from_millis(5))
        .with_variables([("given".to_owned(), Some(RawBson::Int32(9)))]);
    let pipelines = |stages: &bson::RawArray| -> query::Result<Box<dyn Transform>> {
        update_transform(stages, &context)
    };
    Update::parse_with(stages.as_raw_bson_ref(), &[], &pipelines)
}

fn apply(stages: &[Document], document: &Document) -> Expected {
    match parse(stages).and_then(|update| update.apply(&raw(document), &context())) {
        Ok(Outcome::Unchanged) => same(),
        Ok(Outcome::Changed(updated)) => {
            document::validate(updated.as_bytes()).expect("a valid document");
            to(Document::try_from(&updated).expect("a valid document"))
        }
        Err(error) => fails(error.code),
    }
}

#[test]
fn stages_are_applied_one_after_the_other() {
    let cases: Vec<(Document, Vec<Document>, Expected)> = vec![
        (
            doc! {"_id": 1, "a": 2, "b": 3},
            vec![
                doc! {"$set": {"sum": {"$add": ["$a", "$b"]}}},
                doc! {"$unset": "a"},
            ],
            to(doc! {"_id": 1, "b": 3, "sum": 5}),
        ),
        (
            doc! {"_id": 1, "a": 2},
            vec![doc! {"$set": {"a": "$$given", "at": "$$NOW"}}],
            to(doc! {"_id": 1, "a": 9, "at": Bson::DateTime(DateTime::from_millis(5))}),
        ),
        (
            doc! {"_id": 1, "a": 2},
            vec![doc! {"$set": {"a": 2}}],
            same(),
        ),
        (doc! {"_id": 1, "a": 2}, vec![], same()),
        (
            doc! {"_id": 1, "a": 2, "b": 3},
            vec![doc! {"$project": {"a": 1}}],
            to(doc! {"_id": 1, "a": 2}),
        ),
        // What drops the _id does not change it.
        (
            doc! {"_id": 1, "a": {"b": 2}},
            vec![doc! {"$replaceWith": "$a"}],
            to(doc! {"_id": 1, "b": 2}),
        ),
        (
            doc! {"_id": 1},
            vec![doc! {"$set": {"_id": 2}}],
            fails(ImmutableField),
        ),
        (
            doc! {"_id": 1},
            vec![doc! {"$match": {"a": 2}}],
            fails(InvalidOptions),
        ),
        (
            doc! {"_id": 1},
            vec![doc! {"$limit": 1}],
            fails(InvalidOptions),
        ),
        (
            doc! {"_id": 1},
            vec![doc! {"$foo": 1}],
            fails(ErrorCode::Location(40324)),
        ),
        (
            doc! {"_id": 1},
            vec![doc! {}],
            fails(ErrorCode::Location(40323)),
        ),
    ];
    for (document, stages, expected) in cases {
        assert_eq!(apply(&stages, &document), expected, "{stages:?}");
    }
}

#[test]
fn a_pipeline_upserts() {
    let filter = Matcher::parse(&raw(&doc! {"_id": 1, "a": 2})).unwrap();
    let update = parse(&[doc! {"$set": {"b": {"$add": ["$a", 1]}}}]).unwrap();
    let id = bson::oid::ObjectId::from_bytes([7; 12]);
    let document = upsert_document(&filter, &update, &context(), id).unwrap();
    assert_eq!(document, raw(&doc! {"_id": 1, "a": 2, "b": 3}));
}

#[test]
fn array_filters_are_refused() {
    let filter = raw(&doc! {"x": 1});
    let stages = RawBson::Array(RawArrayBuf::new());
    let refusal = Update::parse(stages.as_raw_bson_ref(), &[&filter]).unwrap_err();
    assert_eq!(refusal.code, FailedToParse);
}
