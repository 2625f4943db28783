//! The array operators.

use bson::{Bson, doc};
use document::ErrorCode::{BadValue, FailedToParse, TypeMismatch};

use super::{check, fails, same, to};

fn regex(pattern: &str) -> Bson {
    Bson::RegularExpression(bson::Regex {
        pattern: pattern.to_owned().try_into().unwrap(),
        options: String::new().try_into().unwrap(),
    })
}

#[test]
fn push() {
    check([
        (
            doc! {"a": [1]},
            doc! {"$push": {"a": 2}},
            to(doc! {"a": [1, 2]}),
        ),
        (doc! {}, doc! {"$push": {"a": 1}}, to(doc! {"a": [1]})),
        (
            doc! {},
            doc! {"$push": {"a.b": {"c": 1}}},
            to(doc! {"a": {"b": [{"c": 1}]}}),
        ),
        (
            doc! {"a": [1]},
            doc! {"$push": {"a": [2, 3]}},
            to(doc! {"a": [1, [2, 3]]}),
        ),
        (doc! {"a": 1}, doc! {"$push": {"a": 2}}, fails(BadValue)),
        (
            doc! {"a": Bson::Null},
            doc! {"$push": {"a": 2}},
            fails(BadValue),
        ),
        (
            doc! {"a": [[1], [2]]},
            doc! {"$push": {"a.1": 3}},
            to(doc! {"a": [[1], [2, 3]]}),
        ),
    ]);
}

#[test]
fn push_each() {
    check([
        (
            doc! {"a": [1]},
            doc! {"$push": {"a": {"$each": [2, 3]}}},
            to(doc! {"a": [1, 2, 3]}),
        ),
        (
            doc! {"a": [1]},
            doc! {"$push": {"a": {"$each": []}}},
            same(),
        ),
        (
            doc! {},
            doc! {"$push": {"a": {"$each": []}}},
            to(doc! {"a": []}),
        ),
        (
            doc! {"a": [1, 4]},
            doc! {"$push": {"a": {"$each": [2, 3], "$position": 1}}},
            to(doc! {"a": [1, 2, 3, 4]}),
        ),
        (
            doc! {"a": [1]},
            doc! {"$push": {"a": {"$each": [2], "$position": 9}}},
            to(doc! {"a": [1, 2]}),
        ),
        (
            doc! {"a": [1, 4]},
            doc! {"$push": {"a": {"$each": [2, 3], "$position": -1}}},
            to(doc! {"a": [1, 2, 3, 4]}),
        ),
        (
            doc! {"a": [1]},
            doc! {"$push": {"a": {"$each": [0], "$position": -9}}},
            to(doc! {"a": [0, 1]}),
        ),
        (
            doc! {"a": [1, 2]},
            doc! {"$push": {"a": {"$each": [3], "$slice": 2}}},
            same(),
        ),
        (
            doc! {"a": [1, 2]},
            doc! {"$push": {"a": {"$each": [3], "$slice": -2}}},
            to(doc! {"a": [2, 3]}),
        ),
        (
            doc! {"a": [1, 2]},
            doc! {"$push": {"a": {"$each": [3], "$slice": 0}}},
            to(doc! {"a": []}),
        ),
        (
            doc! {"a": [3, 1]},
            doc! {"$push": {"a": {"$each": [2], "$sort": 1}}},
            to(doc! {"a": [1, 2, 3]}),
        ),
        (
            doc! {"a": [3, 1]},
            doc! {"$push": {"a": {"$each": [2], "$sort": -1, "$slice": 2}}},
            to(doc! {"a": [3, 2]}),
        ),
        (
            doc! {"a": [{"s": 5, "n": 1}, {"s": 3, "n": 2}]},
            doc! {"$push": {"a": {"$each": [{"s": 4, "n": 3}, {"n": 4}, {"s": 3, "n": 5}], "$sort": {"s": 1}}}},
            to(
                doc! {"a": [{"n": 4}, {"s": 3, "n": 2}, {"s": 3, "n": 5}, {"s": 4, "n": 3}, {"s": 5, "n": 1}]},
            ),
        ),
        (
            doc! {"a": [{"x": {"y": 1}, "n": 1}, {"x": {"y": 2}, "n": 2}, {"x": {"y": 2}, "n": 3}]},
            doc! {"$push": {"a": {"$each": [], "$sort": {"x.y": -1, "n": -1}}}},
            to(
                doc! {"a": [{"x": {"y": 2}, "n": 3}, {"x": {"y": 2}, "n": 2}, {"x": {"y": 1}, "n": 1}]},
            ),
        ),
        (
            doc! {},
            doc! {"$push": {"a": {"$each": [3, 1, 2], "$sort": 1, "$slice": 2}}},
            to(doc! {"a": [1, 2]}),
        ),
        (
            doc! {},
            doc! {"$push": {"a": {"$each": 1}}},
            fails(BadValue),
        ),
        (
            doc! {},
            doc! {"$push": {"a": {"$each": [1], "$slice": "x"}}},
            fails(BadValue),
        ),
        (
            doc! {},
            doc! {"$push": {"a": {"$each": [1], "$slice": 1.5}}},
            fails(BadValue),
        ),
        (
            doc! {},
            doc! {"$push": {"a": {"$each": [1], "$position": "x"}}},
            fails(BadValue),
        ),
        (
            doc! {},
            doc! {"$push": {"a": {"$each": [1], "$sort": 2}}},
            fails(BadValue),
        ),
        (
            doc! {},
            doc! {"$push": {"a": {"$each": [1], "$sort": {}}}},
            fails(BadValue),
        ),
        (
            doc! {},
            doc! {"$push": {"a": {"$each": [1], "$sort": {"x": 0}}}},
            fails(BadValue),
        ),
        (
            doc! {},
            doc! {"$push": {"a": {"$each": [1], "$sort": {"x..y": 1}}}},
            fails(BadValue),
        ),
        (
            doc! {},
            doc! {"$push": {"a": {"$each": [1], "$sort": "x"}}},
            fails(BadValue),
        ),
        (
            doc! {},
            doc! {"$push": {"a": {"$each": [1], "$other": 1}}},
            fails(BadValue),
        ),
    ]);
}

#[test]
fn add_to_set() {
    check([
        (
            doc! {"a": [1]},
            doc! {"$addToSet": {"a": 2}},
            to(doc! {"a": [1, 2]}),
        ),
        (doc! {"a": [1, 2]}, doc! {"$addToSet": {"a": 2}}, same()),
        (doc! {"a": [1, 2]}, doc! {"$addToSet": {"a": 2.0}}, same()),
        (doc! {}, doc! {"$addToSet": {"a": 2}}, to(doc! {"a": [2]})),
        (
            doc! {"a": [1]},
            doc! {"$addToSet": {"a": [1, 2]}},
            to(doc! {"a": [1, [1, 2]]}),
        ),
        (
            doc! {"a": [[1, 2]]},
            doc! {"$addToSet": {"a": [1, 2]}},
            same(),
        ),
        (
            doc! {"a": [{"x": 1, "y": 2}]},
            doc! {"$addToSet": {"a": {"x": 1, "y": 2}}},
            same(),
        ),
        // The order of fields counts.
        (
            doc! {"a": [{"x": 1, "y": 2}]},
            doc! {"$addToSet": {"a": {"y": 2, "x": 1}}},
            to(doc! {"a": [{"x": 1, "y": 2}, {"y": 2, "x": 1}]}),
        ),
        (
            doc! {"a": ["c"]},
            doc! {"$addToSet": {"a": {"$each": ["d", "b", "c", "b", "a"]}}},
            to(doc! {"a": ["c", "d", "b", "a"]}),
        ),
        (
            doc! {"a": ["c"]},
            doc! {"$addToSet": {"a": {"$each": []}}},
            same(),
        ),
        (
            doc! {},
            doc! {"$addToSet": {"a": {"$each": [2, 1, 2]}}},
            to(doc! {"a": [2, 1]}),
        ),
        // Duplicates that are there already stay.
        (
            doc! {"a": [1, 1]},
            doc! {"$addToSet": {"a": 2}},
            to(doc! {"a": [1, 1, 2]}),
        ),
        (doc! {"a": 1}, doc! {"$addToSet": {"a": 1}}, fails(BadValue)),
        (
            doc! {"a": [1]},
            doc! {"$addToSet": {"a": {"$each": 1}}},
            fails(TypeMismatch),
        ),
        (
            doc! {"a": [1]},
            doc! {"$addToSet": {"a": {"$each": [1], "$slice": 1}}},
            fails(BadValue),
        ),
    ]);
}

#[test]
fn pop() {
    check([
        (
            doc! {"a": [1, 2, 3]},
            doc! {"$pop": {"a": 1}},
            to(doc! {"a": [1, 2]}),
        ),
        (
            doc! {"a": [1, 2, 3]},
            doc! {"$pop": {"a": -1}},
            to(doc! {"a": [2, 3]}),
        ),
        (
            doc! {"a": [1]},
            doc! {"$pop": {"a": 1.0}},
            to(doc! {"a": []}),
        ),
        (doc! {"a": []}, doc! {"$pop": {"a": 1}}, same()),
        (doc! {}, doc! {"$pop": {"a": 1}}, same()),
        (doc! {"a": 1}, doc! {"$pop": {"a": 1}}, fails(TypeMismatch)),
        (
            doc! {"a": [1]},
            doc! {"$pop": {"a": 2}},
            fails(FailedToParse),
        ),
        (
            doc! {"a": [1]},
            doc! {"$pop": {"a": "x"}},
            fails(FailedToParse),
        ),
    ]);
}

#[test]
fn pull() {
    check([
        (
            doc! {"a": [1, 2, 1]},
            doc! {"$pull": {"a": 1}},
            to(doc! {"a": [2]}),
        ),
        (doc! {"a": [1, 2]}, doc! {"$pull": {"a": 3}}, same()),
        (
            doc! {"a": [1, 2]},
            doc! {"$pull": {"a": 1.0}},
            to(doc! {"a": [2]}),
        ),
        (doc! {}, doc! {"$pull": {"a": 1}}, same()),
        (doc! {"a": {"b": 1}}, doc! {"$pull": {"a.b.c": 1}}, same()),
        (doc! {"a": 1}, doc! {"$pull": {"a": 1}}, fails(BadValue)),
        (
            doc! {"a": [1, 5, 9]},
            doc! {"$pull": {"a": {"$gte": 5}}},
            to(doc! {"a": [1]}),
        ),
        (
            doc! {"a": [1, 5, 9]},
            doc! {"$pull": {"a": {"$in": [1, 9]}}},
            to(doc! {"a": [5]}),
        ),
        (
            doc! {"a": [{"x": 1, "y": 2}, {"x": 1, "y": 3}, 1]},
            doc! {"$pull": {"a": {"x": 1, "y": {"$gt": 2}}}},
            to(doc! {"a": [{"x": 1, "y": 2}, 1]}),
        ),
        (
            doc! {"a": [{"x": [{"q": 1, "a": 4}]}, {"x": [{"q": 2, "a": 3}]}]},
            doc! {"$pull": {"a": {"x": {"$elemMatch": {"q": 2, "a": {"$gte": 3}}}}}},
            to(doc! {"a": [{"x": [{"q": 1, "a": 4}]}]}),
        ),
        (
            doc! {"a": [{"x": 1}, {"y": 2}, {"z": 3}]},
            doc! {"$pull": {"a": {"$or": [{"x": 1}, {"y": 2}]}}},
            to(doc! {"a": [{"z": 3}]}),
        ),
        (
            doc! {"a": ["ab", "cd", 1]},
            doc! {"$pull": {"a": regex("^a")}},
            to(doc! {"a": ["cd", 1]}),
        ),
        // An array is removed as a whole, and null is only null.
        (
            doc! {"a": [[1, 2], 1, 2]},
            doc! {"$pull": {"a": [1, 2]}},
            to(doc! {"a": [1, 2]}),
        ),
        (
            doc! {"a": [1, Bson::Null]},
            doc! {"$pull": {"a": Bson::Null}},
            to(doc! {"a": [1]}),
        ),
    ]);
}

#[test]
fn pull_all() {
    check([
        (
            doc! {"a": [0, 2, 5, 5, 1, 0]},
            doc! {"$pullAll": {"a": [0, 5]}},
            to(doc! {"a": [2, 1]}),
        ),
        (doc! {"a": [1]}, doc! {"$pullAll": {"a": []}}, same()),
        (
            doc! {"a": [{"x": 1}, {"x": 2}]},
            doc! {"$pullAll": {"a": [{"x": 2}]}},
            to(doc! {"a": [{"x": 1}]}),
        ),
        (doc! {}, doc! {"$pullAll": {"a": [1]}}, same()),
        (
            doc! {"a": 1},
            doc! {"$pullAll": {"a": [1]}},
            fails(BadValue),
        ),
        (
            doc! {"a": [1]},
            doc! {"$pullAll": {"a": 1}},
            fails(BadValue),
        ),
    ]);
}
