//! The field operators.

use bson::{Bson, DateTime, Decimal128, Timestamp, doc};
use document::ErrorCode::{BadValue, FailedToParse, TypeMismatch};

use super::{Case, Expected, check, context, fails, refusal, same, to};

fn decimal(text: &str) -> Bson {
    Bson::Decimal128(text.parse::<Decimal128>().unwrap())
}

#[test]
fn set() {
    check([
        (doc! {"a": 1}, doc! {"$set": {"a": 2}}, to(doc! {"a": 2})),
        (
            doc! {"a": 1, "b": 2},
            doc! {"$set": {"a": "text"}},
            to(doc! {"a": "text", "b": 2}),
        ),
        (doc! {"a": 1}, doc! {"$set": {"a": 1}}, same()),
        // Another type is a change, though the values are equal.
        (
            doc! {"a": 1},
            doc! {"$set": {"a": 1_i64}},
            to(doc! {"a": 1_i64}),
        ),
        (
            doc! {"a": {"x": 1, "y": 2}},
            doc! {"$set": {"a": {"y": 2, "x": 1}}},
            to(doc! {"a": {"y": 2, "x": 1}}),
        ),
        (
            doc! {"a": 1},
            doc! {"$set": {"b.c.d": 2}},
            to(doc! {"a": 1, "b": {"c": {"d": 2}}}),
        ),
        (
            doc! {"b": {"x": 1}, "z": 1},
            doc! {"$set": {"b.c": 2}},
            to(doc! {"b": {"x": 1, "c": 2}, "z": 1}),
        ),
        (doc! {}, doc! {"$set": {"a.0": 1}}, to(doc! {"a": {"0": 1}})),
        (doc! {"a": 1}, doc! {"$set": {}}, same()),
        (
            doc! {"a": 1},
            doc! {"$set": {"a": {"$b": 1}}},
            to(doc! {"a": {"$b": 1}}),
        ),
        (
            doc! {"a": 1},
            doc! {"$set": {"a": Bson::Null}},
            to(doc! {"a": Bson::Null}),
        ),
        (
            doc! {"a": {"$ref": "c"}},
            doc! {"$set": {"a.$id": 3}},
            to(doc! {"a": {"$ref": "c", "$id": 3}}),
        ),
    ]);
}

#[test]
fn new_fields_come_in_lexicographic_order_numbers_first() {
    check([
        (
            doc! {"z": 0},
            doc! {"$set": {"b": 1, "a": 2, "10": 3, "9": 4}},
            to(doc! {"z": 0, "9": 4, "10": 3, "a": 2, "b": 1}),
        ),
        (
            doc! {},
            doc! {"$set": {"c": 1}, "$inc": {"a": 2}, "$push": {"b": 3}},
            to(doc! {"a": 2, "b": [3], "c": 1}),
        ),
        // Existing ones stay where they are.
        (
            doc! {"b": 0, "a": 0},
            doc! {"$set": {"a": 1, "c": 1, "b": 1}},
            to(doc! {"b": 1, "a": 1, "c": 1}),
        ),
    ]);
}

#[test]
fn set_on_insert_is_for_inserts() {
    check([(
        doc! {"a": 1},
        doc! {"$setOnInsert": {"a": 2, "b": 3}},
        same(),
    )]);
    let case = Case {
        context: query::update::UpdateContext {
            is_insert: true,
            ..context()
        },
        ..Case::new(doc! {"$setOnInsert": {"b": 3}})
    };
    assert_eq!(case.apply(&doc! {"a": 1}), to(doc! {"a": 1, "b": 3}));
}

#[test]
fn unset() {
    check([
        (
            doc! {"a": 1, "b": 2},
            doc! {"$unset": {"a": ""}},
            to(doc! {"b": 2}),
        ),
        (doc! {"a": 1}, doc! {"$unset": {"b": 1}}, same()),
        (
            doc! {"a": {"b": 1, "c": 2}, "d": 3},
            doc! {"$unset": {"a.b": 1}},
            to(doc! {"a": {"c": 2}, "d": 3}),
        ),
        (
            doc! {"a": {"b": 1}},
            doc! {"$unset": {"a.b": 1}},
            to(doc! {"a": {}}),
        ),
        // Nothing is created, and nothing is in the way.
        (doc! {"a": 1}, doc! {"$unset": {"a.b": 1, "c.d": 1}}, same()),
        (
            doc! {"a": [1, 2, 3]},
            doc! {"$unset": {"a.1": 1}},
            to(doc! {"a": [1, Bson::Null, 3]}),
        ),
        (doc! {"a": [1]}, doc! {"$unset": {"a.5": 1}}, same()),
        (doc! {"a": [1]}, doc! {"$unset": {"a.b": 1}}, same()),
        (
            doc! {"a": [{"b": 1, "c": 2}]},
            doc! {"$unset": {"a.0.b": 1}},
            to(doc! {"a": [{"c": 2}]}),
        ),
        (
            doc! {"a": 1, "b": 2, "c": 3},
            doc! {"$unset": {"a": 1, "c": 1}},
            to(doc! {"b": 2}),
        ),
    ]);
}

#[test]
fn inc() {
    check([
        (doc! {"a": 1}, doc! {"$inc": {"a": 2}}, to(doc! {"a": 3})),
        (doc! {"a": 1}, doc! {"$inc": {"a": -2}}, to(doc! {"a": -1})),
        (doc! {"a": 1}, doc! {"$inc": {"a": 0}}, same()),
        (doc! {}, doc! {"$inc": {"a": 5_i64}}, to(doc! {"a": 5_i64})),
        (
            doc! {"a": 1},
            doc! {"$inc": {"a": 2_i64}},
            to(doc! {"a": 3_i64}),
        ),
        (
            doc! {"a": 1},
            doc! {"$inc": {"a": 0_i64}},
            to(doc! {"a": 1_i64}),
        ),
        (
            doc! {"a": 1},
            doc! {"$inc": {"a": 0.5}},
            to(doc! {"a": 1.5}),
        ),
        (
            doc! {"a": 1},
            doc! {"$inc": {"a": decimal("0.5")}},
            to(doc! {"a": decimal("1.5")}),
        ),
        (
            doc! {"a": i32::MAX},
            doc! {"$inc": {"a": 1}},
            to(doc! {"a": 2_147_483_648_i64}),
        ),
        (
            doc! {"a": i64::MAX},
            doc! {"$inc": {"a": 1}},
            fails(BadValue),
        ),
        (
            doc! {"a": i64::MIN},
            doc! {"$inc": {"a": -1_i64}},
            fails(BadValue),
        ),
        (
            doc! {"a": i64::MAX},
            doc! {"$inc": {"a": 1.0}},
            to(doc! {"a": 9_223_372_036_854_775_808.0}),
        ),
        (
            doc! {"a": "1"},
            doc! {"$inc": {"a": 1}},
            fails(TypeMismatch),
        ),
        (
            doc! {"a": Bson::Null},
            doc! {"$inc": {"a": 1}},
            fails(TypeMismatch),
        ),
        (
            doc! {"a": 1},
            doc! {"$inc": {"a": "1"}},
            fails(TypeMismatch),
        ),
        (
            doc! {"a": {"b": 1, "c": 2}},
            doc! {"$inc": {"a.b": 1, "a.d": 1}},
            to(doc! {"a": {"b": 2, "c": 2, "d": 1}}),
        ),
        (
            doc! {"a": [1, 2]},
            doc! {"$inc": {"a.1": 1}},
            to(doc! {"a": [1, 3]}),
        ),
    ]);
}

#[test]
fn mul() {
    check([
        (doc! {"a": 3}, doc! {"$mul": {"a": 2}}, to(doc! {"a": 6})),
        (doc! {"a": 3}, doc! {"$mul": {"a": 1}}, same()),
        (doc! {}, doc! {"$mul": {"a": 2}}, to(doc! {"a": 0})),
        (doc! {}, doc! {"$mul": {"a": 2_i64}}, to(doc! {"a": 0_i64})),
        (doc! {}, doc! {"$mul": {"a": 2.5}}, to(doc! {"a": 0.0})),
        (
            doc! {"a": 3},
            doc! {"$mul": {"a": 0.5}},
            to(doc! {"a": 1.5}),
        ),
        (
            doc! {"a": i32::MAX},
            doc! {"$mul": {"a": 2}},
            to(doc! {"a": 4_294_967_294_i64}),
        ),
        (
            doc! {"a": i64::MAX},
            doc! {"$mul": {"a": 2}},
            fails(BadValue),
        ),
        (doc! {"a": []}, doc! {"$mul": {"a": 2}}, fails(TypeMismatch)),
        (
            doc! {"a": 1},
            doc! {"$mul": {"a": Bson::Null}},
            fails(TypeMismatch),
        ),
    ]);
}

#[test]
fn min_and_max() {
    check([
        (doc! {"a": 5}, doc! {"$min": {"a": 3}}, to(doc! {"a": 3})),
        (doc! {"a": 5}, doc! {"$min": {"a": 7}}, same()),
        (doc! {"a": 5}, doc! {"$max": {"a": 7}}, to(doc! {"a": 7})),
        (doc! {"a": 5}, doc! {"$max": {"a": 3}}, same()),
        (doc! {"a": 5}, doc! {"$max": {"a": 5.0}}, same()),
        (
            doc! {},
            doc! {"$min": {"a": 3}, "$max": {"b.c": 4}},
            to(doc! {"a": 3, "b": {"c": 4}}),
        ),
        // Across types by MongoDB's order: numbers before strings before arrays.
        (
            doc! {"a": 5},
            doc! {"$max": {"a": "text"}},
            to(doc! {"a": "text"}),
        ),
        (
            doc! {"a": "text"},
            doc! {"$min": {"a": 5}},
            to(doc! {"a": 5}),
        ),
        (
            doc! {"a": [1, 2]},
            doc! {"$max": {"a": [1, 3]}},
            to(doc! {"a": [1, 3]}),
        ),
        (doc! {"a": [1, 2]}, doc! {"$min": {"a": [1, 3]}}, same()),
        (doc! {"a": Bson::Null}, doc! {"$min": {"a": 0}}, same()),
    ]);
}

#[test]
fn rename() {
    check([
        (
            doc! {"a": 1, "b": 2},
            doc! {"$rename": {"a": "c"}},
            to(doc! {"b": 2, "c": 1}),
        ),
        (doc! {"a": 1}, doc! {"$rename": {"x": "y"}}, same()),
        (
            doc! {"a": {"b": 1}, "c": 2},
            doc! {"$rename": {"a.b": "d.e"}},
            to(doc! {"a": {}, "c": 2, "d": {"e": 1}}),
        ),
        (
            doc! {"a": {"b": [1, {"x": 2}]}},
            doc! {"$rename": {"a.b": "b"}},
            to(doc! {"a": {}, "b": [1, {"x": 2}]}),
        ),
        (
            doc! {"a": 1, "b": 2, "c": 3},
            doc! {"$rename": {"a": "b"}},
            to(doc! {"b": 1, "c": 3}),
        ),
        (
            doc! {"a": 1, "b": 2},
            doc! {"$rename": {"a": "x", "b": "y"}},
            to(doc! {"x": 1, "y": 2}),
        ),
        (
            doc! {"a": 1},
            doc! {"$rename": {"a": "b"}, "$set": {"c": 2}},
            to(doc! {"b": 1, "c": 2}),
        ),
        (
            doc! {"a": [1]},
            doc! {"$rename": {"a.0": "b"}},
            fails(BadValue),
        ),
        (
            doc! {"a": [{"b": 1}]},
            doc! {"$rename": {"a.0.b": "b"}},
            fails(BadValue),
        ),
        (
            doc! {"a": 1, "b": [1]},
            doc! {"$rename": {"a": "b.0"}},
            fails(BadValue),
        ),
        (doc! {"a": 1}, doc! {"$rename": {"a": 1}}, fails(BadValue)),
        (
            doc! {"a": 1},
            doc! {"$rename": {"a": "b\0c"}},
            fails(BadValue),
        ),
        (doc! {"a": 1}, doc! {"$rename": {"a": "a"}}, fails(BadValue)),
        (
            doc! {"a": 1},
            doc! {"$rename": {"a": "a.b"}},
            fails(BadValue),
        ),
        (
            doc! {"a": 1},
            doc! {"$rename": {"a.b": "a"}},
            fails(BadValue),
        ),
        (
            doc! {"a": 1},
            doc! {"$rename": {"a.$": "b"}},
            fails(BadValue),
        ),
        (
            doc! {"a": 1},
            doc! {"$rename": {"a": "b.$[]"}},
            fails(BadValue),
        ),
        (
            doc! {"a": 1, "b": 2},
            doc! {"$rename": {"a": "b.c"}},
            fails(document::ErrorCode::PathNotViable),
        ),
    ]);
}

#[test]
fn current_date() {
    let date = Bson::DateTime(DateTime::from_millis(1_700_000_000_123));
    let timestamp = Bson::Timestamp(Timestamp {
        time: 1_700_000_000,
        increment: 7,
    });
    check([
        (
            doc! {"a": 1},
            doc! {"$currentDate": {"a": true}},
            to(doc! {"a": date.clone()}),
        ),
        (
            doc! {},
            doc! {"$currentDate": {"a.b": {"$type": "date"}}},
            to(doc! {"a": {"b": date.clone()}}),
        ),
        (
            doc! {},
            doc! {"$currentDate": {"a": {"$type": "timestamp"}}},
            to(doc! {"a": timestamp}),
        ),
        (doc! {}, doc! {"$currentDate": {"a": 1}}, fails(BadValue)),
        (
            doc! {},
            doc! {"$currentDate": {"a": {"$type": "time"}}},
            fails(BadValue),
        ),
        (doc! {}, doc! {"$currentDate": {"a": {}}}, fails(BadValue)),
        (
            doc! {},
            doc! {"$currentDate": {"a": {"$other": 1}}},
            fails(BadValue),
        ),
    ]);
}

#[test]
fn bit() {
    check([
        (
            doc! {"a": 13},
            doc! {"$bit": {"a": {"and": 10}}},
            to(doc! {"a": 8}),
        ),
        (
            doc! {"a": 3},
            doc! {"$bit": {"a": {"or": 5}}},
            to(doc! {"a": 7}),
        ),
        (
            doc! {"a": 1},
            doc! {"$bit": {"a": {"xor": 5}}},
            to(doc! {"a": 4}),
        ),
        (
            doc! {"a": 1},
            doc! {"$bit": {"a": {"or": 6, "and": 3}}},
            to(doc! {"a": 3}),
        ),
        (doc! {"a": 3}, doc! {"$bit": {"a": {"or": 3}}}, same()),
        (
            doc! {"a": 1},
            doc! {"$bit": {"a": {"or": 4_i64}}},
            to(doc! {"a": 5_i64}),
        ),
        (
            doc! {"a": -1_i64},
            doc! {"$bit": {"a": {"and": 255}}},
            to(doc! {"a": 255_i64}),
        ),
        (doc! {}, doc! {"$bit": {"a": {"or": 5}}}, to(doc! {"a": 5})),
        (
            doc! {"a": 1.0},
            doc! {"$bit": {"a": {"or": 5}}},
            fails(BadValue),
        ),
        (
            doc! {"a": 1},
            doc! {"$bit": {"a": {"or": 5.0}}},
            fails(BadValue),
        ),
        (
            doc! {"a": 1},
            doc! {"$bit": {"a": {"nand": 5}}},
            fails(BadValue),
        ),
        (doc! {"a": 1}, doc! {"$bit": {"a": {}}}, fails(BadValue)),
        (doc! {"a": 1}, doc! {"$bit": {"a": 5}}, fails(BadValue)),
    ]);
}

#[test]
fn unknown_modifiers_and_arguments() {
    check([
        (doc! {}, doc! {"$foo": {"a": 1}}, fails(FailedToParse)),
        (doc! {}, doc! {"$pushAll": {"a": [1]}}, fails(FailedToParse)),
        (
            doc! {},
            doc! {"$set": {"a": 1}, "b": 2},
            fails(FailedToParse),
        ),
        (doc! {}, doc! {"$set": 1}, fails(FailedToParse)),
    ]);
    assert_eq!(
        refusal(&doc! {}, doc! {"$foo": {"a": 1}}),
        "Unknown modifier: $foo. Expected a valid update modifier or pipeline-style update \
         specified as an array"
    );
    let pipeline = Case::new(vec![Bson::Document(doc! {"$set": {"a": 1}})]);
    assert_eq!(
        pipeline.apply(&doc! {}),
        Expected::Fails(document::ErrorCode::NotImplemented)
    );
    assert_eq!(Case::new(1).apply(&doc! {}), Expected::Fails(FailedToParse));
}

#[test]
fn messages_hold_no_stored_data() {
    let document = doc! {"_id": "a secret", "a": "another secret"};
    for update in [
        doc! {"$inc": {"a": 1}},
        doc! {"$push": {"a": 1}},
        doc! {"$set": {"a.b": 1}},
        doc! {"$bit": {"a": {"or": 1}}},
        doc! {"$pop": {"a": 1}},
        doc! {"$addToSet": {"a": 1}},
        doc! {"$pull": {"a": 1}},
        doc! {"$set": {"a.$[].b": 1}},
        doc! {"$set": {"_id": 1}},
    ] {
        let message = refusal(&document, update);
        assert!(!message.contains("secret"), "{message}");
    }
}
