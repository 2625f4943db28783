//! Arbitrary projections of arbitrary documents: whatever comes out is a document.

use query::projection::{Projection, Tree};

use super::expressions;
use crate::arbitrary::Source;

const NAMES: &[&str] = &[
    "a",
    "b",
    "_id",
    "0",
    "a.b",
    "a.$",
    "b.a.$",
    "_id.a",
    "",
    "a..b",
    "$slice",
    "$elemMatch",
    "$x",
];

#[test]
fn built_projections() {
    bolero::check!()
        .with_iterations(4000)
        .for_each(|bytes: &[u8]| {
            let mut source = Source::new(bytes);
            let document = source.document(&["a", "b", "_id", "0"], 4);
            let position = source.below(3).checked_sub(1);
            let spec = source.document(NAMES, 3);
            if let Ok(projection) = Projection::parse(&spec, &expressions)
                && let Ok(projected) = projection.apply(&document, position)
            {
                document::validate(projected.as_bytes()).expect("a valid document");
            }
            if let Ok(tree) = Tree::parse(&spec, &expressions) {
                let projected = tree.apply(&document).expect("no expression fails");
                document::validate(projected.as_bytes()).expect("a valid document");
            }
        });
}
