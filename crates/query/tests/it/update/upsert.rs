//! The documents that upserts insert.

use bson::oid::ObjectId;
use bson::{Bson, Document, RawBson, doc};
use document::ErrorCode::{
    self, DollarPrefixedFieldName, ImmutableField, InvalidIdField, NotExactValueField,
    NotSingleValueField, PathNotViable,
};
use query::filter::Matcher;
use query::update::{Update, upsert_document};

use super::{context, raw};

fn new_id() -> ObjectId {
    ObjectId::from_bytes([7; 12])
}

fn upsert(filter: &Document, update: &Document) -> Result<Document, ErrorCode> {
    let filter = Matcher::parse(&raw(filter)).map_err(|error| error.code)?;
    let update = RawBson::Document(raw(update));
    let update = Update::parse(update.as_raw_bson_ref(), &[]).map_err(|error| error.code)?;
    let document =
        upsert_document(&filter, &update, &context(), new_id()).map_err(|error| error.code)?;
    document::validate(document.as_bytes()).unwrap();
    Ok(Document::try_from(&document).unwrap())
}

#[track_caller]
fn check(filter: Document, update: Document, expected: Result<Document, ErrorCode>) {
    let outcome = upsert(&filter, &update);
    assert_eq!(outcome, expected, "{filter}, {update}");
    if let (Ok(outcome), Ok(expected)) = (outcome, expected) {
        assert!(outcome.keys().eq(expected.keys()), "{outcome}, {expected}");
    }
}

#[test]
fn operators_start_from_the_filters_equalities() {
    let id = || Bson::ObjectId(new_id());
    let set = || doc! {"$set": {"z": 1}};
    check(doc! {}, set(), Ok(doc! {"_id": id(), "z": 1}));
    check(doc! {"a": 1}, set(), Ok(doc! {"_id": id(), "a": 1, "z": 1}));
    check(
        doc! {"_id": 5, "a": 1},
        set(),
        Ok(doc! {"_id": 5, "a": 1, "z": 1}),
    );
    check(
        doc! {"a": 1, "_id": 5},
        set(),
        Ok(doc! {"_id": 5, "a": 1, "z": 1}),
    );
    check(
        doc! {"a": {"$eq": 1}},
        set(),
        Ok(doc! {"_id": id(), "a": 1, "z": 1}),
    );
    check(
        doc! {"a": {"$gt": 1}},
        set(),
        Ok(doc! {"_id": id(), "z": 1}),
    );
    check(
        doc! {"a": {"$in": [3]}},
        set(),
        Ok(doc! {"_id": id(), "a": 3, "z": 1}),
    );
    check(
        doc! {"a": {"$in": [3, 4]}},
        set(),
        Ok(doc! {"_id": id(), "z": 1}),
    );
    check(
        doc! {"a": {"$all": [3]}},
        set(),
        Ok(doc! {"_id": id(), "a": 3, "z": 1}),
    );
    check(
        doc! {"$and": [{"a": 1}, {"b": {"$eq": 2}}]},
        set(),
        Ok(doc! {"_id": id(), "a": 1, "b": 2, "z": 1}),
    );
    check(
        doc! {"$or": [{"a": 1}]},
        set(),
        Ok(doc! {"_id": id(), "a": 1, "z": 1}),
    );
    check(
        doc! {"$or": [{"a": 1}, {"b": 1}]},
        set(),
        Ok(doc! {"_id": id(), "z": 1}),
    );
    check(
        doc! {"a.b": 1, "a.c.d": 2},
        set(),
        Ok(doc! {"_id": id(), "a": {"b": 1, "c": {"d": 2}}, "z": 1}),
    );
    check(
        doc! {"a": {"x": 1}},
        doc! {"$set": {"a.y": 2}},
        Ok(doc! {"_id": id(), "a": {"x": 1, "y": 2}}),
    );
    check(
        doc! {"a": 1},
        doc! {"$inc": {"a": 2}},
        Ok(doc! {"_id": id(), "a": 3}),
    );
    check(
        doc! {"a": 1},
        doc! {"$unset": {"a": 2}},
        Ok(doc! {"_id": id()}),
    );
    check(
        doc! {"_id": 1},
        doc! {"$setOnInsert": {"a": 1}, "$set": {"b": 2}},
        Ok(doc! {"_id": 1, "a": 1, "b": 2}),
    );
    check(
        doc! {"a": 1},
        doc! {"$setOnInsert": {"_id": 9}},
        Ok(doc! {"_id": 9, "a": 1}),
    );
    check(doc! {"_id.x": 1}, set(), Ok(doc! {"_id": {"x": 1}, "z": 1}));
}

#[test]
fn replacements_take_the_id_of_the_filter() {
    let id = || Bson::ObjectId(new_id());
    check(doc! {"a": 1}, doc! {"b": 2}, Ok(doc! {"_id": id(), "b": 2}));
    check(
        doc! {"_id": 5, "a": 1},
        doc! {"b": 2},
        Ok(doc! {"_id": 5, "b": 2}),
    );
    check(
        doc! {"a": 1},
        doc! {"b": 2, "_id": 3},
        Ok(doc! {"_id": 3, "b": 2}),
    );
    check(
        doc! {"_id": 5},
        doc! {"b": 2, "_id": 3},
        Err(ImmutableField),
    );
    check(doc! {"_id.x": 5}, doc! {"b": 2}, Err(NotExactValueField));
}

#[test]
fn upserts_that_are_refused() {
    let set = || doc! {"$set": {"z": 1}};
    check(
        doc! {"$and": [{"a": 1}, {"a": 2}]},
        set(),
        Err(NotSingleValueField),
    );
    check(
        doc! {"a": {"b": 1}, "a.c": 2},
        set(),
        Err(NotSingleValueField),
    );
    check(
        doc! {"_id": 1},
        doc! {"$set": {"_id": 2}},
        Err(ImmutableField),
    );
    check(doc! {"a": 1}, doc! {"$set": {"a.b": 2}}, Err(PathNotViable));
    check(doc! {"_id": [1]}, set(), Err(InvalidIdField));
    check(
        doc! {},
        doc! {"$set": {"_id": {"$a": 1}}},
        Err(DollarPrefixedFieldName),
    );
    check(doc! {}, doc! {"_id": [1]}, Err(InvalidIdField));
}
