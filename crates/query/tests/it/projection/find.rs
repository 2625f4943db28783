//! The projection of `find`.

use bson::{Bson, Document, doc};
use document::ErrorCode;
use query::projection::Projection;

use super::{check, expressions, find_at, raw, refused};

fn person() -> Document {
    doc! {
        "_id": 1,
        "name": {"first": "Ada", "last": "L."},
        "age": 36,
        "tags": ["x", "y", "z"],
        "jobs": [{"title": "t1", "pay": 1}, {"title": "t2"}, 5, [{"title": "t3", "pay": 3}]],
    }
}

#[test]
fn inclusion() {
    check(
        &person(),
        [
            (doc! {"age": 1}, doc! {"_id": 1, "age": 36}),
            (doc! {"age": true, "_id": 0}, doc! {"age": 36}),
            // In the order of the document, whatever that of the specification.
            (
                doc! {"tags": 1, "age": 1.0},
                doc! {"_id": 1, "age": 36, "tags": ["x", "y", "z"]},
            ),
            (
                doc! {"name.first": 1},
                doc! {"_id": 1, "name": {"first": "Ada"}},
            ),
            (
                doc! {"name": {"first": 1}},
                doc! {"_id": 1, "name": {"first": "Ada"}},
            ),
            (doc! {"name.none": 1}, doc! {"_id": 1, "name": {}}),
            (doc! {"age.none": 1}, doc! {"_id": 1}),
            (doc! {"none": 1}, doc! {"_id": 1}),
            (doc! {"_id": 1}, doc! {"_id": 1}),
            // Through arrays, and arrays in arrays; what is not a document is left out.
            (
                doc! {"jobs.pay": 1},
                doc! {"_id": 1, "jobs": [{"pay": 1}, {}, [{"pay": 3}]]},
            ),
            (
                doc! {"jobs": {"title": 1, "pay": 1}, "_id": false},
                doc! {
                    "jobs": [{"title": "t1", "pay": 1}, {"title": "t2"}, [{"title": "t3", "pay": 3}]]
                },
            ),
        ],
    );
}

#[test]
fn exclusion() {
    check(
        &person(),
        [
            (
                doc! {"name": 0, "jobs": 0},
                doc! {"_id": 1, "age": 36, "tags": ["x", "y", "z"]},
            ),
            (
                doc! {"_id": 0, "name": 0, "jobs": 0, "tags": 0},
                doc! {"age": 36},
            ),
            (
                doc! {"name.last": 0, "tags": 0, "jobs": 0},
                doc! {"_id": 1, "name": {"first": "Ada"}, "age": 36},
            ),
            (
                doc! {"name": 0, "age.x": 0, "tags.x": 0, "jobs": {"title": 0}},
                doc! {"_id": 1, "age": 36, "tags": ["x", "y", "z"], "jobs": [{"pay": 1}, {}, 5, [{"pay": 3}]]},
            ),
            (doc! {}, person()),
        ],
    );
    let mut without_id = person();
    without_id.remove("_id");
    check(&person(), [(doc! {"_id": 0}, without_id)]);
}

#[test]
fn an_id_that_is_not_first() {
    let document = doc! {"a": 1, "_id": 2, "b": 3};
    check(
        &document,
        [
            (doc! {"b": 1}, doc! {"_id": 2, "b": 3}),
            (doc! {"a": 1}, doc! {"a": 1, "_id": 2}),
            (doc! {"_id": 1, "a": 0}, doc! {"_id": 2, "b": 3}),
        ],
    );
    check(
        &doc! {"_id": {"x": 1, "y": 2}, "a": 1},
        [
            (doc! {"_id.x": 1}, doc! {"_id": {"x": 1}}),
            (doc! {"_id.x": 0}, doc! {"_id": {"y": 2}, "a": 1}),
        ],
    );
}

#[test]
fn repeated_fields_and_many_fields() {
    let mut twice = bson::rawdoc! {"a": 1, "b": 2};
    twice.append(bson::raw::cstr!("a"), 3);
    twice.append(bson::raw::cstr!("c"), 4);
    let projection =
        Projection::parse(&raw(&doc! {"a": 1, "c": 1, "_id": 0}), &expressions).unwrap();
    let mut expected = bson::rawdoc! {"a": 1};
    expected.append(bson::raw::cstr!("a"), 3);
    expected.append(bson::raw::cstr!("c"), 4);
    assert_eq!(projection.apply(&twice, None).unwrap(), expected);

    let document: Document = (0..200)
        .map(|n| (format!("f{n}"), Bson::Int32(n)))
        .collect();
    let spec: Document = (0..200)
        .rev()
        .filter(|n| n % 3 == 0)
        .map(|n| (format!("f{n}"), Bson::Int32(1)))
        .collect();
    let expected: Document = (0..200)
        .filter(|n| n % 3 == 0)
        .map(|n| (format!("f{n}"), Bson::Int32(n)))
        .collect();
    check(&document, [(spec, expected)]);
}

#[test]
fn slice() {
    let document = doc! {"_id": 1, "a": [1, 2, 3, 4, 5], "b": {"c": [1, 2], "d": 1}, "e": "text"};
    let with = |a: Vec<i32>| doc! {"_id": 1, "a": a, "b": {"c": [1, 2], "d": 1}, "e": "text"};
    check(
        &document,
        [
            (doc! {"a": {"$slice": 2}}, with(vec![1, 2])),
            (doc! {"a": {"$slice": -2}}, with(vec![4, 5])),
            (doc! {"a": {"$slice": 0}}, with(vec![])),
            (doc! {"a": {"$slice": 99}}, with(vec![1, 2, 3, 4, 5])),
            (doc! {"a": {"$slice": [1, 2]}}, with(vec![2, 3])),
            (doc! {"a": {"$slice": [-3, 2]}}, with(vec![3, 4])),
            (doc! {"a": {"$slice": [-99, 1]}}, with(vec![1])),
            (doc! {"a": {"$slice": [99, 1]}}, with(vec![])),
            (doc! {"e": {"$slice": 1}}, with(vec![1, 2, 3, 4, 5])),
            (
                doc! {"a": {"$slice": 1}, "b": 0},
                doc! {"_id": 1, "a": [1], "e": "text"},
            ),
            (
                doc! {"a": {"$slice": 1}, "e": 1},
                doc! {"_id": 1, "a": [1], "e": "text"},
            ),
            (
                doc! {"b.c": {"$slice": 1}, "e": 1},
                doc! {"_id": 1, "b": {"c": [1]}, "e": "text"},
            ),
            (
                doc! {"b.c": {"$slice": 1}, "a": 0},
                doc! {"_id": 1, "b": {"c": [1], "d": 1}, "e": "text"},
            ),
        ],
    );
    refused([
        (doc! {"a": {"$slice": "x"}}, 28667),
        (doc! {"a": {"$slice": [1, 0]}}, 28729),
        (doc! {"a": {"$slice": [1, -1]}}, 28729),
        (doc! {"a": {"$slice": 1, "b": 1}}, 2),
    ]);
}

#[test]
fn elem_match() {
    let document = doc! {"_id": 1, "a": [{"x": 1, "y": 1}, {"x": 2, "y": 2}, {"x": 2, "y": 3}], "b": [1, 5, 9], "c": 1};
    check(
        &document,
        [
            (
                doc! {"a": {"$elemMatch": {"x": 2}}},
                doc! {"_id": 1, "a": [{"x": 2, "y": 2}]},
            ),
            (
                doc! {"a": {"$elemMatch": {"x": 2, "y": {"$gt": 2}}}},
                doc! {"_id": 1, "a": [{"x": 2, "y": 3}]},
            ),
            (
                doc! {"b": {"$elemMatch": {"$gt": 3}}},
                doc! {"_id": 1, "b": [5]},
            ),
            (doc! {"a": {"$elemMatch": {"x": 7}}}, doc! {"_id": 1}),
            (doc! {"c": {"$elemMatch": {"x": 7}}}, doc! {"_id": 1}),
            // After the fields that are included.
            (
                doc! {"b": {"$elemMatch": {"$gt": 3}}, "c": 1},
                doc! {"_id": 1, "c": 1, "b": [5]},
            ),
            (
                doc! {"b": {"$elemMatch": {"$gt": 3}}, "a": 0},
                doc! {"_id": 1, "b": [5], "c": 1},
            ),
            (
                doc! {"b": {"$elemMatch": {"$gt": 3}}, "_id": 0},
                doc! {"b": [5]},
            ),
        ],
    );
    refused([
        (doc! {"a": {"$elemMatch": 1}}, 31274),
        (doc! {"a.b": {"$elemMatch": {"x": 1}}}, 31275),
        (doc! {"a.$": 1, "b": {"$elemMatch": {"x": 1}}}, 31255),
        (doc! {"b": {"$elemMatch": {"x": 1}}, "a.$": 1}, 31255),
    ]);
}

#[test]
fn positional() {
    let document = doc! {"_id": 1, "a": [10, 20, 30], "b": [{"c": [1, 2], "d": 1}, {"c": [3, 4], "d": 2}], "e": {"f": [5, 6]}, "g": 7};
    let at = |position, spec| find_at(&spec, &document, Some(position));
    assert_eq!(at(1, doc! {"a.$": 1}), Ok(doc! {"_id": 1, "a": [20]}));
    assert_eq!(
        at(1, doc! {"a.$": 1, "g": 1}),
        Ok(doc! {"_id": 1, "a": [20], "g": 7})
    );
    assert_eq!(
        at(1, doc! {"b.$": 1}),
        Ok(doc! {"_id": 1, "b": [{"c": [3, 4], "d": 2}]})
    );
    // The first array on the way is cut; the ones below stay whole.
    assert_eq!(
        at(1, doc! {"b.c.$": 1}),
        Ok(doc! {"_id": 1, "b": [{"c": [3, 4]}]})
    );
    assert_eq!(
        at(1, doc! {"e.f.$": 1}),
        Ok(doc! {"_id": 1, "e": {"f": [6]}})
    );
    assert_eq!(at(1, doc! {"g.$": 1}), Ok(doc! {"_id": 1, "g": 7}));
    assert_eq!(at(9, doc! {"a.$": 1}), Err(ErrorCode::Location(51247)));
    assert_eq!(
        find_at(&doc! {"a.$": 1}, &document, None),
        Err(ErrorCode::Location(51246))
    );
    refused([
        (doc! {"a.$": 0}, 31395),
        (doc! {"b": 0, "a.$": 1}, 31395),
        (doc! {"a.$": 1, "b": 0}, 31254),
        (doc! {"a.$": 1, "b.$": 1}, 31276),
        (doc! {"a.$.b": 1}, 31394),
        (doc! {"a.$.b.$": 1}, 31394),
    ]);
    let needs = |spec: Document| {
        Projection::parse(&raw(&spec), &expressions)
            .unwrap()
            .needs_position()
    };
    assert!(needs(doc! {"a.$": 1}));
    assert!(!needs(doc! {"a": 1}));
}

#[test]
fn computed_fields_follow_the_included_ones() {
    check(
        &doc! {"_id": 1, "a": 2, "b": 3, "c": [{"x": 1}, 5, [6]], "d": {"e": 1}},
        [
            (doc! {"n": "$a", "b": 1}, doc! {"_id": 1, "b": 3, "n": 2}),
            (
                doc! {"n": "text", "m": Bson::Null, "_id": 0},
                doc! {"n": "text", "m": Bson::Null},
            ),
            (doc! {"a": "$b"}, doc! {"_id": 1, "a": 3}),
            (doc! {"n": "$none"}, doc! {"_id": 1}),
            (doc! {"n.m": "$a"}, doc! {"_id": 1, "n": {"m": 2}}),
            (
                doc! {"d": {"e": 1, "f": "$a"}},
                doc! {"_id": 1, "d": {"e": 1, "f": 2}},
            ),
            (doc! {"a.x": "$b"}, doc! {"_id": 1, "a": {"x": 3}}),
            (
                doc! {"c.y": "$b"},
                doc! {"_id": 1, "c": [{"y": 3}, {"y": 3}, [{"y": 3}]]},
            ),
            (doc! {"a": [1, 2]}, doc! {"_id": 1, "a": [1, 2]}),
            (doc! {"n": {"$any": 1}}, doc! {"_id": 1, "n": {"$any": 1}}),
        ],
    );
}

#[test]
fn specifications_that_are_refused() {
    refused([
        (doc! {"a": 1, "b": 0}, 31254),
        (doc! {"a": 0, "b": 1}, 31253),
        (doc! {"a": 0, "b": "$c"}, 31252),
        (doc! {"a": "$c", "b": 0}, 31254),
        (doc! {"a": 1, "a.b": 1}, 31249),
        (doc! {"a.b": 1, "a": 1}, 31250),
        (doc! {"a": {"b": 1}, "a.b": 1}, 31250),
        (doc! {"_id": 0, "_id.a": 1}, 31250),
        (doc! {"_id.a": 1, "_id": 1}, 31250),
        (doc! {"_id": 1, "_id.a": "$b"}, 31250),
        (doc! {"a": {}}, 51270),
        (doc! {"a": {"b": {}}}, 51270),
        (doc! {"": 1}, 40352),
        (doc! {"a.": 1}, 40353),
        (doc! {".a": 1}, 15998),
        (doc! {"a..b": 1}, 15998),
        (doc! {"$a": 1}, 16410),
        (doc! {"a.$b": 1}, 16410),
        (doc! {"a": {"b": 1, "$c": 1}}, 16410),
        (doc! {"a": {"$meta": "textScore"}}, 238),
    ]);
    let deep = vec!["a"; 101].join(".");
    refused([(Document::from_iter([(deep, Bson::Int32(1))]), 15)]);
}

#[test]
fn a_failure_leaves_the_buffer_as_it_was() {
    let projection = Projection::parse(&raw(&doc! {"a.$": 1}), &expressions).unwrap();
    let mut out = b"before".to_vec();
    projection
        .apply_into(&raw(&doc! {"x": 1, "a": [1]}), None, &mut out)
        .unwrap_err();
    assert_eq!(out, b"before");
    projection
        .apply_into(&raw(&doc! {"x": 1, "a": [1]}), Some(0), &mut out)
        .unwrap();
    assert_eq!(out[6..], *raw(&doc! {"a": [1]}).as_bytes());
}
