//! Paths: what is refused, what is in the way, and what conflicts.

use bson::{Bson, doc};
use document::ErrorCode::{
    BadValue, CannotBackfillArray, ConflictingUpdateOperators, DollarPrefixedFieldName,
    EmptyFieldName, ImmutableField, PathNotViable,
};

use super::{check, fails, refusal, same, to};

#[test]
fn names_that_are_refused() {
    let nothing = || doc! {"a": 1};
    check([
        (nothing(), doc! {"$set": {"": 1}}, fails(EmptyFieldName)),
        (nothing(), doc! {"$set": {"a.": 1}}, fails(EmptyFieldName)),
        (nothing(), doc! {"$set": {".a": 1}}, fails(EmptyFieldName)),
        (
            nothing(),
            doc! {"$unset": {"a..b": 1}},
            fails(EmptyFieldName),
        ),
        (
            nothing(),
            doc! {"$rename": {"a": ""}},
            fails(EmptyFieldName),
        ),
        (
            nothing(),
            doc! {"$set": {"$a": 1}},
            fails(DollarPrefixedFieldName),
        ),
        (
            nothing(),
            doc! {"$set": {"b.$a": 1}},
            fails(DollarPrefixedFieldName),
        ),
        (
            nothing(),
            doc! {"$set": {"$id": 1}},
            fails(DollarPrefixedFieldName),
        ),
        (
            nothing(),
            doc! {"$set": {"b.$[x": 1}},
            fails(DollarPrefixedFieldName),
        ),
    ]);
}

#[test]
fn what_is_in_the_way() {
    check([
        (
            doc! {"a": 1},
            doc! {"$set": {"a.b": 1}},
            fails(PathNotViable),
        ),
        (
            doc! {"a": Bson::Null},
            doc! {"$set": {"a.b": 1}},
            fails(PathNotViable),
        ),
        (
            doc! {"a": {"b": "c"}},
            doc! {"$inc": {"a.b.c.d": 1}},
            fails(PathNotViable),
        ),
        (
            doc! {"a": [1]},
            doc! {"$set": {"a.b": 1}},
            fails(PathNotViable),
        ),
        (
            doc! {"a": [1]},
            doc! {"$set": {"a.00": 1}},
            fails(PathNotViable),
        ),
        (
            doc! {"a": [1]},
            doc! {"$set": {"a.0.b": 1}},
            fails(PathNotViable),
        ),
        (doc! {"a": 1}, doc! {"$setOnInsert": {"a.b": 1}}, same()),
        (doc! {"a": 1}, doc! {"$pull": {"a.b": 1}}, same()),
    ]);
    assert_eq!(
        refusal(&doc! {"a": {"b": 1}}, doc! {"$set": {"a.b.c": 1}}),
        "Cannot create field 'c' in element 'b' of type int"
    );
}

#[test]
fn positions_in_arrays() {
    check([
        (
            doc! {"a": [1, 2]},
            doc! {"$set": {"a.0": 9}},
            to(doc! {"a": [9, 2]}),
        ),
        (
            doc! {"a": [1, 2]},
            doc! {"$set": {"a.2": 9}},
            to(doc! {"a": [1, 2, 9]}),
        ),
        (
            doc! {"a": [1], "b": 1},
            doc! {"$set": {"a.3": 9}},
            to(doc! {"a": [1, Bson::Null, Bson::Null, 9], "b": 1}),
        ),
        (
            doc! {"a": []},
            doc! {"$set": {"a.10": 1, "a.2": 2}},
            to(
                doc! {"a": [Bson::Null, Bson::Null, 2, Bson::Null, Bson::Null, Bson::Null, Bson::Null,
                Bson::Null, Bson::Null, Bson::Null, 1]},
            ),
        ),
        (
            doc! {"a": [{"b": 1}]},
            doc! {"$set": {"a.1.b": 2}},
            to(doc! {"a": [{"b": 1}, {"b": 2}]}),
        ),
        (
            doc! {"a": [1]},
            doc! {"$set": {"a.1500002": 1}},
            fails(CannotBackfillArray),
        ),
        (
            doc! {"a": [1]},
            doc! {"$set": {"a.99999999999": 1}},
            fails(PathNotViable),
        ),
        (
            doc! {"a": {"0": 1}},
            doc! {"$set": {"a.0": 2}},
            to(doc! {"a": {"0": 2}}),
        ),
    ]);
}

#[test]
fn conflicts() {
    let conflict = || fails(ConflictingUpdateOperators);
    check([
        (
            doc! {},
            doc! {"$set": {"a": 1}, "$inc": {"a": 1}},
            conflict(),
        ),
        (doc! {}, doc! {"$set": {"a": 1, "a.b": 1}}, conflict()),
        (
            doc! {},
            doc! {"$set": {"a.b": 1}, "$unset": {"a": 1}},
            conflict(),
        ),
        (doc! {}, doc! {"$set": {"a.b.c": 1, "a.b": 1}}, conflict()),
        (
            doc! {},
            doc! {"$rename": {"a": "b"}, "$set": {"b.c": 1}},
            conflict(),
        ),
        (
            doc! {},
            doc! {"$rename": {"a": "b"}, "$inc": {"a": 1}},
            conflict(),
        ),
        (
            doc! {"a": []},
            doc! {"$set": {"a.$[]": 1, "a.0": 1}},
            conflict(),
        ),
        (
            doc! {},
            doc! {"$set": {"a.b": 1, "a.c": 1}},
            to(doc! {"a": {"b": 1, "c": 1}}),
        ),
        (
            doc! {},
            doc! {"$set": {"a": 1, "ab": 1}},
            to(doc! {"a": 1, "ab": 1}),
        ),
    ]);
    assert_eq!(
        refusal(&doc! {}, doc! {"$set": {"a.b": 1, "a.b.c": 1}}),
        "Updating the path 'a.b.c' would create a conflict at 'a.b'"
    );
    assert_eq!(
        refusal(&doc! {}, doc! {"$set": {"a.b.c": 1, "a.b": 1}}),
        "Updating the path 'a.b' would create a conflict at 'a.b'"
    );
}

#[test]
fn the_id_stays() {
    check([
        (
            doc! {"_id": 1, "a": 1},
            doc! {"$set": {"_id": 2}},
            fails(ImmutableField),
        ),
        (
            doc! {"_id": 1, "a": 1},
            doc! {"$unset": {"_id": 1}},
            fails(ImmutableField),
        ),
        (
            doc! {"_id": 1, "a": 1},
            doc! {"$inc": {"_id": 1}},
            fails(ImmutableField),
        ),
        (
            doc! {"_id": 1, "a": 1},
            doc! {"$rename": {"_id": "b"}},
            fails(ImmutableField),
        ),
        (
            doc! {"_id": 1, "a": 2},
            doc! {"$rename": {"a": "_id"}},
            fails(ImmutableField),
        ),
        (
            doc! {"_id": {"x": 1}},
            doc! {"$set": {"_id.x": 2}},
            fails(ImmutableField),
        ),
        (
            doc! {"_id": {"x": 1}},
            doc! {"$set": {"_id.y": 2}},
            fails(ImmutableField),
        ),
        (
            doc! {"_id": 1, "a": 1},
            doc! {"$set": {"_id": 1, "a": 2}},
            to(doc! {"_id": 1, "a": 2}),
        ),
        (doc! {"_id": 1}, doc! {"$set": {"_id": 1}}, same()),
    ]);
}

#[test]
fn a_positional_in_the_wrong_place() {
    check([
        (doc! {}, doc! {"$set": {"$": 1}}, fails(BadValue)),
        (doc! {}, doc! {"$set": {"$.a": 1}}, fails(BadValue)),
        (doc! {}, doc! {"$set": {"$[].a": 1}}, fails(BadValue)),
        (doc! {}, doc! {"$set": {"a.$.b.$": 1}}, fails(BadValue)),
        (doc! {"a": [1]}, doc! {"$set": {"a.$": 1}}, fails(BadValue)),
        (
            doc! {"a": [1]},
            doc! {"$set": {"a.$[x]": 1}},
            fails(BadValue),
        ),
    ]);
}
