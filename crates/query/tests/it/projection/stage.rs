//! The tree as `$project` and `$unset` use it.

use bson::{Document, doc};
use document::ErrorCode;
use query::projection::{Mode, Tree};

use super::{expressions, raw};

fn project(spec: &Document, document: &Document) -> Result<Document, i32> {
    let projected = Tree::parse(&raw(spec), &expressions)
        .and_then(|tree| tree.apply(&raw(document)))
        .map_err(|error| error.code.code())?;
    Ok(Document::try_from(&projected).unwrap())
}

#[test]
fn project_stage() {
    let document = doc! {"_id": 1, "a": {"b": 1, "c": 2}, "d": [{"e": 1}, {"f": 2}]};
    let cases = [
        (doc! {"a.b": 1}, Ok(doc! {"_id": 1, "a": {"b": 1}})),
        (
            doc! {"a": 0, "_id": 0},
            Ok(doc! {"d": [{"e": 1}, {"f": 2}]}),
        ),
        (doc! {"_id": 0, "x": "$_id"}, Ok(doc! {"x": 1})),
        (
            doc! {"d.e": 1, "x": "$_id"},
            Ok(doc! {"_id": 1, "d": [{"e": 1}, {}], "x": 1}),
        ),
        // Not find's operators: these are expressions here.
        (
            doc! {"x": {"$slice": 1}},
            Ok(doc! {"_id": 1, "x": {"$slice": 1}}),
        ),
        (doc! {}, Err(51272)),
        (doc! {"a.$": 1}, Err(16410)),
        (doc! {"a": 1, "d": 0}, Err(31254)),
    ];
    for (spec, expected) in cases {
        assert_eq!(project(&spec, &document), expected, "{spec}");
    }
}

#[test]
fn unset_stage() {
    let tree = Tree::excluding(["a.b", "d"]).unwrap();
    assert_eq!(tree.mode(), Mode::Exclusion);
    let document = doc! {"_id": 1, "a": {"b": 1, "c": 2}, "d": 3};
    let projected = tree.apply(&raw(&document)).unwrap();
    assert_eq!(projected, raw(&doc! {"_id": 1, "a": {"c": 2}}));
    for (paths, code) in [
        (["a", "a.b"], 31249),
        (["a.b", "a"], 31250),
        (["a", "$b"], 16410),
    ] {
        let refusal = Tree::excluding(paths).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::Location(code));
    }
}
