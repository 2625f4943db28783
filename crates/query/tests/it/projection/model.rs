//! Inclusion and exclusion of random paths against a plain model over documents.

use std::collections::BTreeSet;

use bson::{Bson, Document};
use proptest::prelude::*;

use super::{find_at, raw};

const NAMES: [&str; 4] = ["_id", "a", "b", "c"];

fn value() -> impl Strategy<Value = Bson> {
    let leaf = prop_oneof![(0..3_i32).prop_map(Bson::Int32), Just(Bson::Null)];
    leaf.prop_recursive(4, 24, 4, |below| {
        prop_oneof![
            document(below.clone()).prop_map(Bson::Document),
            prop::collection::vec(below, 0..4).prop_map(Bson::Array),
        ]
    })
}

fn document(value: impl Strategy<Value = Bson>) -> impl Strategy<Value = Document> {
    let name = prop::sample::select(NAMES.as_slice());
    prop::collection::vec((name, value), 0..5).prop_map(|fields| {
        fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    })
}

/// Paths of which none leads through another.
fn paths() -> impl Strategy<Value = BTreeSet<Vec<&'static str>>> {
    let path = prop::collection::vec(prop::sample::select(NAMES.as_slice()), 1..4);
    prop::collection::vec(path, 1..5).prop_map(|paths| {
        let mut kept: BTreeSet<Vec<_>> = BTreeSet::new();
        for path in paths {
            if !kept
                .iter()
                .any(|other| path.starts_with(other) || other.starts_with(&path))
            {
                kept.insert(path);
            }
        }
        kept
    })
}

type Paths = BTreeSet<Vec<&'static str>>;

/// The rest of the paths that start with `name`.
fn below(paths: &Paths, name: &str) -> Paths {
    paths
        .iter()
        .filter(|path| path.first() == Some(&name))
        .map(|path| path[1..].to_vec())
        .collect()
}

fn project(document: &Document, paths: &Paths, include: bool) -> Document {
    let mut projected = Document::new();
    for (name, value) in document {
        let below = below(paths, name);
        let kept = if below.contains(&Vec::new()) {
            include.then(|| value.clone())
        } else if below.is_empty() {
            (!include).then(|| value.clone())
        } else {
            project_value(value, &below, include)
        };
        if let Some(kept) = kept {
            projected.insert(name, kept);
        }
    }
    projected
}

fn project_value(value: &Bson, paths: &Paths, include: bool) -> Option<Bson> {
    match value {
        Bson::Document(document) => Some(Bson::Document(project(document, paths, include))),
        Bson::Array(items) => Some(Bson::Array(
            items
                .iter()
                .filter_map(|item| project_value(item, paths, include))
                .collect(),
        )),
        other => (!include).then(|| other.clone()),
    }
}

proptest! {
    #[test]
    fn paths_follow_the_model(document in document(value()), paths in paths(), include: bool) {
        let spec: Document = paths
            .iter()
            .map(|path| (path.join("."), Bson::Boolean(include)))
            .collect();
        let mut named = paths.clone();
        if include && !paths.iter().any(|path| path[0] == "_id") {
            named.insert(vec!["_id"]);
        }
        let projected = find_at(&spec, &document, None).expect("a projection without conflicts");
        let expected = project(&document, &named, include);
        prop_assert_eq!(raw(&projected), raw(&expected), "{} of {}: {}", spec, document, projected);
    }
}
