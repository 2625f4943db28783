//! `$set` and `$unset` on random paths against a plain model over documents.

use bson::{Bson, Document, doc};
use document::ErrorCode::{ConflictingUpdateOperators, PathNotViable};
use proptest::prelude::*;

use super::{Case, Expected, fails, raw};

fn value() -> impl Strategy<Value = Bson> {
    let leaf = prop_oneof![
        (0..3_i32).prop_map(Bson::Int32),
        Just(Bson::Null),
        "[xy]{0,2}".prop_map(Bson::String),
    ];
    leaf.prop_recursive(3, 12, 3, |below| {
        prop_oneof![
            document(below.clone()).prop_map(Bson::Document),
            prop::collection::vec(below, 0..3).prop_map(Bson::Array),
        ]
    })
}

fn document(value: impl Strategy<Value = Bson>) -> impl Strategy<Value = Document> {
    let name = prop::sample::select(vec!["a", "b", "c", "0", "1", "10"]);
    prop::collection::vec((name, value), 0..4).prop_map(|fields| {
        fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    })
}

fn path() -> impl Strategy<Value = Vec<&'static str>> {
    let name = prop::sample::select(vec!["a", "b", "c", "0", "1", "10"]);
    prop::collection::vec(name, 1..4)
}

/// Numbers by their value, then words: the order in which new fields are made.
fn order(path: &[&'static str]) -> Vec<(bool, usize, &'static str)> {
    path.iter()
        .map(|name| match name.parse::<usize>() {
            Ok(number) => (false, number, *name),
            Err(_) => (true, 0, *name),
        })
        .collect()
}

/// Sets the value at a path; false if something is in the way.
fn set(at: &mut Bson, path: &[&str], value: Bson) -> bool {
    let [name, rest @ ..] = path else {
        *at = value;
        return true;
    };
    let below = match at {
        Bson::Document(document) => document
            .entry((*name).to_owned())
            .or_insert(Bson::Undefined),
        Bson::Array(items) => match name.parse::<usize>() {
            Ok(index) => {
                if index >= items.len() {
                    items.resize(index, Bson::Null);
                    items.push(Bson::Undefined);
                }
                &mut items[index]
            }
            Err(_) => return false,
        },
        _ => return false,
    };
    // Nothing was there: what the rest of the path goes through is made of documents.
    if *below == Bson::Undefined && !rest.is_empty() {
        *below = Bson::Document(doc! {});
    }
    set(below, rest, value)
}

fn unset(at: &mut Bson, path: &[&str]) {
    match (at, path) {
        (Bson::Document(document), [name]) => {
            document.remove(*name);
        }
        (Bson::Document(document), [name, rest @ ..]) => {
            if let Some(below) = document.get_mut(*name) {
                unset(below, rest);
            }
        }
        (Bson::Array(items), [name, rest @ ..]) => {
            if let Some(below) = name.parse::<usize>().ok().and_then(|at| items.get_mut(at)) {
                match rest {
                    [] => *below = Bson::Null,
                    rest => unset(below, rest),
                }
            }
        }
        _ => {}
    }
}

type Change = (Vec<&'static str>, Option<Bson>);

fn model(document: &Document, changes: &[Change]) -> Expected {
    for (at, (path, _)) in changes.iter().enumerate() {
        for (other, _) in &changes[at + 1..] {
            if path.starts_with(other) || other.starts_with(path) {
                return fails(ConflictingUpdateOperators);
            }
        }
    }
    let mut changes = changes.to_vec();
    changes.sort_by_key(|(path, _)| order(path));
    let mut updated = Bson::Document(document.clone());
    for (path, value) in changes {
        match value {
            Some(value) if !set(&mut updated, &path, value.clone()) => return fails(PathNotViable),
            Some(_) => {}
            None => unset(&mut updated, &path),
        }
    }
    let Bson::Document(updated) = updated else {
        unreachable!("a document stays one");
    };
    if raw(&updated).as_bytes() == raw(document).as_bytes() {
        Expected::Same
    } else {
        Expected::To(updated)
    }
}

proptest! {
    #[test]
    fn set_and_unset_follow_the_model(
        document in document(value()),
        changes in prop::collection::vec((path(), prop::option::of(value())), 1..5),
    ) {
        let mut changes: Vec<Change> = changes;
        // A document has each name once.
        changes.sort_by_key(|(path, value)| (path.clone(), value.is_some()));
        changes.dedup_by_key(|(path, value)| (path.clone(), value.is_some()));
        let of = |is_set: bool| -> Document {
            changes
                .iter()
                .filter(|(_, value)| value.is_some() == is_set)
                .map(|(path, value)| (path.join("."), value.clone().unwrap_or(Bson::Int32(1))))
                .collect()
        };
        let update = doc! {"$set": of(true), "$unset": of(false)};
        let outcome = Case::new(update).apply(&document);
        let expected = model(&document, &changes);
        if let (Expected::To(outcome), Expected::To(expected)) = (&outcome, &expected) {
            prop_assert_eq!(raw(outcome), raw(expected), "{} and {}", outcome, expected);
        }
        prop_assert_eq!(outcome, expected);
    }
}
