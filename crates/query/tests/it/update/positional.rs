//! `$`, `$[]`, and `$[identifier]` with array filters.

use bson::{Bson, Document, doc};
use document::ErrorCode::{BadValue, ConflictingUpdateOperators, FailedToParse};

use super::{Case, Expected, context, fails, same, to};

#[track_caller]
fn at(position: usize, document: Document, update: Document, expected: Expected) {
    let case = Case {
        context: query::update::UpdateContext {
            position: Some(position),
            ..context()
        },
        ..Case::new(update)
    };
    assert_eq!(case.apply(&document), expected);
}

#[track_caller]
fn filtered(
    filters: impl IntoIterator<Item = Document>,
    document: Document,
    update: Document,
    expected: Expected,
) {
    let case = Case {
        filters: filters.into_iter().collect(),
        ..Case::new(update)
    };
    assert_eq!(case.apply(&document), expected);
}

#[test]
fn the_matched_element() {
    at(
        1,
        doc! {"a": [1, 2, 3]},
        doc! {"$set": {"a.$": 9}},
        to(doc! {"a": [1, 9, 3]}),
    );
    at(
        0,
        doc! {"a": [{"b": 1, "c": 2}]},
        doc! {"$inc": {"a.$.b": 1}},
        to(doc! {"a": [{"b": 2, "c": 2}]}),
    );
    at(
        1,
        doc! {"a": [1, 2, 3]},
        doc! {"$unset": {"a.$": 1}},
        to(doc! {"a": [1, Bson::Null, 3]}),
    );
    at(
        1,
        doc! {"a": [[1], [2]]},
        doc! {"$push": {"a.$": 3}},
        to(doc! {"a": [[1], [2, 3]]}),
    );
    at(1, doc! {"a": [1, 2]}, doc! {"$set": {"a.$": 2}}, same());
    // In a document it is a name like another.
    at(
        0,
        doc! {"a": {"0": 1}},
        doc! {"$set": {"a.$": 9}},
        to(doc! {"a": {"0": 9}}),
    );
    at(
        0,
        doc! {"a": [1, 2]},
        doc! {"$set": {"a.$": 9, "a.1": 8}},
        to(doc! {"a": [9, 8]}),
    );
    at(
        0,
        doc! {"a": [1, 2]},
        doc! {"$set": {"a.$": 9, "a.0": 8}},
        fails(ConflictingUpdateOperators),
    );
    at(
        0,
        doc! {"a": [{"b": 1, "c": 1}]},
        doc! {"$set": {"a.$.b": 9, "a.0.c": 8}},
        to(doc! {"a": [{"b": 9, "c": 8}]}),
    );
    let update = Case::new(doc! {"$set": {"a.$.b": 1}}).parse().unwrap();
    assert!(update.needs_position());
    let update = Case::new(doc! {"$set": {"a.b": 1}}).parse().unwrap();
    assert!(!update.needs_position());
}

#[test]
fn all_elements() {
    let none = || std::iter::empty();
    filtered(
        none(),
        doc! {"a": [1, 2]},
        doc! {"$inc": {"a.$[]": 10}},
        to(doc! {"a": [11, 12]}),
    );
    filtered(none(), doc! {"a": []}, doc! {"$inc": {"a.$[]": 10}}, same());
    filtered(
        none(),
        doc! {"a": [9, 9]},
        doc! {"$set": {"a.$[]": 9}},
        same(),
    );
    filtered(
        none(),
        doc! {"a": [{"b": [1, 2]}, {"b": [3]}]},
        doc! {"$mul": {"a.$[].b.$[]": 2}},
        to(doc! {"a": [{"b": [2, 4]}, {"b": [6]}]}),
    );
    filtered(
        none(),
        doc! {"a": [{"b": 1}, {}]},
        doc! {"$set": {"a.$[].c": 2}, "$unset": {"a.$[].b": 1}},
        to(doc! {"a": [{"c": 2}, {"c": 2}]}),
    );
    filtered(
        none(),
        doc! {"a": 1},
        doc! {"$set": {"a.$[]": 2}},
        fails(BadValue),
    );
    filtered(
        none(),
        doc! {"a": {"b": 1}},
        doc! {"$set": {"a.$[].b": 2}},
        fails(BadValue),
    );
    filtered(
        none(),
        doc! {},
        doc! {"$set": {"a.$[]": 2}},
        fails(BadValue),
    );
    filtered(
        none(),
        doc! {"a": [1, {"b": 1}]},
        doc! {"$set": {"a.$[].b": 2}},
        fails(document::ErrorCode::PathNotViable),
    );
}

#[test]
fn filtered_elements() {
    filtered(
        [doc! {"e": {"$gte": 100}}],
        doc! {"a": [95, 102, 90, 150]},
        doc! {"$set": {"a.$[e]": 100}},
        to(doc! {"a": [95, 100, 90, 100]}),
    );
    filtered(
        [doc! {"e.grade": {"$gte": 85}, "e.done": true}],
        doc! {"a": [{"grade": 90, "done": true}, {"grade": 90}, 3]},
        doc! {"$set": {"a.$[e].mean": 100}},
        to(doc! {"a": [{"grade": 90, "done": true, "mean": 100}, {"grade": 90}, 3]}),
    );
    filtered(
        [doc! {"t.type": "quiz"}, doc! {"s": {"$gte": 8}}],
        doc! {"a": [{"type": "quiz", "q": [10, 8, 5]}, {"type": "exam", "q": [10, 9]}]},
        doc! {"$inc": {"a.$[t].q.$[s]": 90}},
        to(doc! {"a": [{"type": "quiz", "q": [100, 98, 5]}, {"type": "exam", "q": [10, 9]}]}),
    );
    filtered(
        [doc! {"$or": [{"e": 1}, {"e": 3}]}],
        doc! {"a": [1, 2, 3]},
        doc! {"$set": {"a.$[e]": 0}},
        to(doc! {"a": [0, 2, 0]}),
    );
    filtered(
        [doc! {"e": 9}],
        doc! {"a": [1]},
        doc! {"$set": {"a.$[e]": 0}},
        same(),
    );
    // Two filters that let the same element through.
    filtered(
        [doc! {"x": {"$gt": 0}}, doc! {"y": {"$lt": 9}}],
        doc! {"a": [1]},
        doc! {"$set": {"a.$[x]": 0, "a.$[y]": 1}},
        fails(ConflictingUpdateOperators),
    );
    filtered(
        [doc! {"x.k": 1}, doc! {"y.l": 2}],
        doc! {"a": [{"k": 1, "l": 2}, {"l": 2}]},
        doc! {"$set": {"a.$[x].m": 0, "a.$[y].n": 1}},
        to(doc! {"a": [{"k": 1, "l": 2, "m": 0, "n": 1}, {"l": 2, "n": 1}]}),
    );
}

#[test]
fn array_filters_that_are_refused() {
    let document = || doc! {"a": [1]};
    let update = || doc! {"$set": {"a.$[e]": 0}};
    filtered([], document(), update(), fails(BadValue));
    filtered(
        [doc! {"e": 1}, doc! {"f": 1}],
        document(),
        update(),
        fails(FailedToParse),
    );
    filtered(
        [doc! {"e": 1}, doc! {"e": 2}],
        document(),
        update(),
        fails(FailedToParse),
    );
    filtered(
        [doc! {"e": 1, "f": 1}],
        document(),
        update(),
        fails(FailedToParse),
    );
    filtered([doc! {}], document(), update(), fails(FailedToParse));
    filtered([doc! {"E": 1}], document(), update(), fails(BadValue));
    filtered([doc! {"e_1": 1}], document(), update(), fails(BadValue));
    filtered(
        [doc! {"e": {"$foo": 1}}],
        document(),
        update(),
        fails(BadValue),
    );
    filtered(
        [doc! {"e": 1}],
        document(),
        doc! {"a": 1},
        fails(FailedToParse),
    );
}
