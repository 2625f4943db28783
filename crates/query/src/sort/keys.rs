//! The keys of a document: what a sort or an index on some paths sees of it.
//!
//! Without arrays a document has one key: the value at each path, if there is one. An
//! array gives a key for each of its elements; several paths may go through one array, each element
//! then gives one key for all of them. An empty array that a path ends at counts as undefined.
//! Source: the manual's page "Multikey Indexes".

use bson::{RawArray, RawBsonRef, RawDocument};
use smallvec::SmallVec;

use crate::filter::path::{Component, Path, elements, field};

/// One key: a value for each path, `None` where there is none.
type Key<'d> = SmallVec<[Option<RawBsonRef<'d>>; 4]>;

/// Two paths that go through different arrays of one document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ParallelArrays(pub(crate) String, pub(crate) String);

/// Where the walk along one path has come to.
#[derive(Clone, Copy)]
enum State<'p, 'd> {
    /// At its end: the value, or that it is missing.
    Value(Option<RawBsonRef<'d>>),
    /// At an array, with what is left of the path.
    Array(&'d RawArray, &'p [Component]),
}

type States<'p, 'd> = SmallVec<[State<'p, 'd>; 4]>;

/// Calls `emit` with each key of `document`; there is at least one.
///
/// # Errors
///
/// [`ParallelArrays`]; `emit` may have been called before.
pub(crate) fn for_each<'p, 'd>(
    paths: impl Iterator<Item = &'p Path> + Clone,
    document: &'d RawDocument,
    emit: &mut dyn FnMut(&[Option<RawBsonRef<'d>>]),
) -> Result<(), ParallelArrays> {
    let states = paths
        .clone()
        .map(|path| walk(RawBsonRef::Document(document), path.components()))
        .collect();
    let name = |index| {
        paths
            .clone()
            .nth(index)
            .map_or_else(String::new, |path| path.as_str().to_owned())
    };
    expand(states, emit).map_err(|(left, right)| ParallelArrays(name(left), name(right)))
}

/// Follows a path through documents, up to its end or to an array.
fn walk<'p, 'd>(mut value: RawBsonRef<'d>, mut path: &'p [Component]) -> State<'p, 'd> {
    loop {
        match (value, path.split_first()) {
            (RawBsonRef::Array(array), Some((first, rest))) => match named_position(array, first) {
                Some(element) => (value, path) = (element, rest),
                None => return State::Array(array, path),
            },
            (RawBsonRef::Array(array), None) => return State::Array(array, path),
            (value, None) => return State::Value(Some(value)),
            (RawBsonRef::Document(document), Some((first, rest))) => {
                match field(document, first.name()) {
                    Some(next) => (value, path) = (next, rest),
                    None => return State::Value(None),
                }
            }
            (_, Some(_)) => return State::Value(None),
        }
    }
}

/// The element that a number in a path names, unless elements have a field of that name.
fn named_position<'d>(array: &'d RawArray, component: &Component) -> Option<RawBsonRef<'d>> {
    let index = component.index()?;
    let is_field = elements(array).any(|(_, element)| {
        matches!(element, RawBsonRef::Document(document)
            if field(document, component.name()).is_some())
    });
    if is_field {
        return None;
    }
    Some(
        elements(array)
            .nth(index)
            .map_or(RawBsonRef::Null, |(_, element)| element),
    )
}

/// The walk along a path, in an element of an array: what is neither the end nor a document ends
/// the path as if the field were missing.
fn walk_element<'p, 'd>(element: RawBsonRef<'d>, path: &'p [Component]) -> State<'p, 'd> {
    match element {
        element if path.is_empty() => State::Value(Some(element)),
        RawBsonRef::Document(_) => walk(element, path),
        _ => State::Value(None),
    }
}

/// Replaces the outermost array among the states by each of its elements, until none is left.
fn expand<'d>(
    states: States<'_, 'd>,
    emit: &mut dyn FnMut(&[Option<RawBsonRef<'d>>]),
) -> Result<(), (usize, usize)> {
    let mut arrays = states
        .iter()
        .enumerate()
        .filter_map(|(index, state)| match state {
            State::Array(array, _) => Some((index, *array)),
            State::Value(_) => None,
        });
    let Some((first, array)) = arrays.next() else {
        let key: Key<'d> = states
            .iter()
            .map(|state| match state {
                State::Value(value) => *value,
                State::Array(..) => None,
            })
            .collect();
        emit(&key);
        return Ok(());
    };
    if let Some((other, _)) = arrays.find(|(_, other)| !std::ptr::eq(*other, array)) {
        return Err((first, other));
    }
    let step = |element: Option<RawBsonRef<'d>>| -> States<'_, 'd> {
        states
            .iter()
            .map(|state| match (*state, element) {
                (State::Array(_, path), Some(element)) => walk_element(element, path),
                (State::Array(_, []), None) => State::Value(Some(RawBsonRef::Undefined)),
                (State::Array(..), None) => State::Value(None),
                (value, _) => value,
            })
            .collect()
    };
    let mut is_empty = true;
    for (_, element) in elements(array) {
        is_empty = false;
        expand(step(Some(element)), emit)?;
    }
    if is_empty {
        expand(step(None), emit)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::raw::RawBson;
    use bson::{Bson, RawDocumentBuf, bson, rawdoc};

    fn keys(document: &RawDocumentBuf, paths: &[&str]) -> Vec<Vec<RawBson>> {
        let paths: Vec<Path> = paths.iter().map(|path| Path::new(path)).collect();
        let mut keys = Vec::new();
        for_each(paths.iter(), document, &mut |key| {
            let values = key
                .iter()
                .map(|value| value.unwrap_or(RawBsonRef::Null).into());
            keys.push(values.collect());
        })
        .unwrap();
        keys
    }

    fn expect(document: RawDocumentBuf, paths: &[&str], expected: &[&[Bson]]) {
        let expected: Vec<Vec<RawBson>> = expected
            .iter()
            .map(|key| {
                key.iter()
                    .map(|value| value.clone().try_into().unwrap())
                    .collect()
            })
            .collect();
        assert_eq!(keys(&document, paths), expected);
    }

    #[test]
    fn one_key_without_arrays() {
        expect(
            rawdoc! { "a": 1, "b": { "c": 2 } },
            &["a", "b.c", "b.x", "a.x"],
            &[&[bson!(1), bson!(2), Bson::Null, Bson::Null]],
        );
    }

    #[test]
    fn a_key_for_each_element() {
        expect(
            rawdoc! { "a": [1, [2, 3], {}], "b": 9 },
            &["a", "b"],
            &[
                &[bson!(1), bson!(9)],
                &[bson!([2, 3]), bson!(9)],
                &[bson!({}), bson!(9)],
            ],
        );
        expect(rawdoc! { "a": [] }, &["a"], &[&[Bson::Undefined]]);
        expect(rawdoc! { "a": [] }, &["a.b"], &[&[Bson::Null]]);
        expect(
            rawdoc! { "a": [{ "b": [1, 2] }, 5, { "b": [] }] },
            &["a.b"],
            &[&[bson!(1)], &[bson!(2)], &[Bson::Null], &[Bson::Undefined]],
        );
    }

    #[test]
    fn paths_through_one_array_share_its_elements() {
        expect(
            rawdoc! { "a": [{ "b": 1, "c": 2 }, { "b": 3 }] },
            &["a.b", "a.c"],
            &[&[bson!(1), bson!(2)], &[bson!(3), Bson::Null]],
        );
    }

    #[test]
    fn numbers_name_positions() {
        expect(rawdoc! { "a": [5, 6] }, &["a.1"], &[&[bson!(6)]]);
        expect(rawdoc! { "a": [5] }, &["a.1"], &[&[Bson::Null]]);
        expect(rawdoc! { "a": [{ "1": 7 }] }, &["a.1"], &[&[bson!(7)]]);
        expect(rawdoc! { "a": { "1": 7 } }, &["a.1"], &[&[bson!(7)]]);
    }

    #[test]
    fn parallel_arrays_are_refused() {
        let paths = [Path::new("a"), Path::new("b")];
        let document = rawdoc! { "a": [1], "b": [2] };
        let outcome = for_each(paths.iter(), &document, &mut |_| {});
        assert_eq!(outcome, Err(ParallelArrays("a".to_owned(), "b".to_owned())));
    }
}
