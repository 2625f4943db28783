//! The keys that a document has in an index.
//!
//! Source: the manual's pages "Multikey Indexes", "Sparse Indexes" and "Compound Indexes". A path
//! that leads through an array gives a key for each element; fields that share the array move
//! through it together; two fields with different arrays are refused. A field that is missing is
//! null, an empty array undefined.

use bson::{RawArray, RawBsonRef, RawDocument, RawDocumentBuf};
use smallvec::SmallVec;

use super::spec::IndexSpec;
use crate::error::{Error, Result};
use crate::keyenc;

/// The ordered values of one key, without the index's number.
pub(crate) type KeyValues = SmallVec<[u8; 40]>;

/// The keys of one document in one index.
#[derive(Debug, Default)]
pub(crate) struct KeySet {
    /// Sorted, each once.
    pub(crate) keys: SmallVec<[KeyValues; 1]>,
    /// Bit `i`: the path of field `i` leads through an array.
    pub(crate) multikey: u64,
}

/// The keys that `document` has in an index of this specification, whose partial filter it passed.
pub(crate) fn keys_of(spec: &IndexSpec, document: &RawDocument) -> Result<KeySet> {
    let mut set = KeySet::default();
    set.multikey = walk(spec, document, &mut |values| {
        if !(spec.sparse && values.iter().all(Option::is_none)) {
            set.keys.push(encode(spec, values)?);
        }
        Ok(())
    })?;
    if set.keys.len() > 1 {
        set.keys.sort_unstable();
        set.keys.dedup();
    }
    Ok(set)
}

/// The values behind the key `wanted` of `document`: a reply's `keyValue`.
pub(crate) fn values_of(spec: &IndexSpec, document: &RawDocument, wanted: &[u8]) -> RawDocumentBuf {
    let mut found = RawDocumentBuf::new();
    let walked = walk(spec, document, &mut |values| {
        if found.is_empty() && encode(spec, values)?.as_slice() == wanted {
            for (field, value) in spec.fields.iter().zip(values) {
                if let Ok(name) = <&bson::raw::CStr>::try_from(field.path.as_str()) {
                    found.append(name, value.unwrap_or(RawBsonRef::Null));
                }
            }
        }
        Ok(())
    });
    debug_assert!(walked.is_ok());
    found
}

fn encode(spec: &IndexSpec, values: &[Option<RawBsonRef<'_>>]) -> Result<KeyValues> {
    let mut key = KeyValues::new();
    for (field, value) in spec.fields.iter().zip(values) {
        match value {
            Some(value) => keyenc::encode(*value, field.descending, &mut key)?,
            None => keyenc::encode_missing(field.descending, &mut key),
        }
    }
    Ok(key)
}

/// Where the way to a field's value has come to.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// At its end: the value, or that there is none.
    Value(Option<RawBsonRef<'a>>),
    /// In a document, with this much of the path to go.
    Document(&'a RawDocument, &'a str),
    /// At an array, with this much of the path to go in its elements: nothing, if the path ends.
    Array(&'a RawArray, Option<&'a str>),
}

type Places<'a> = SmallVec<[Place<'a>; 4]>;
type Emit<'e, 'a> = dyn FnMut(&[Option<RawBsonRef<'a>>]) -> Result<()> + 'e;

/// Calls `emit` with the values of each key. Which fields lead through arrays.
fn walk<'a>(
    spec: &'a IndexSpec,
    document: &'a RawDocument,
    emit: &mut Emit<'_, 'a>,
) -> Result<u64> {
    let places: Places<'a> = spec
        .fields
        .iter()
        .map(|field| Place::Document(document, &field.path))
        .collect();
    let mut multikey = 0;
    expand(spec, places, &mut multikey, emit)?;
    Ok(multikey)
}

fn expand<'a>(
    spec: &IndexSpec,
    mut places: Places<'a>,
    multikey: &mut u64,
    emit: &mut Emit<'_, 'a>,
) -> Result<()> {
    let mut through: Option<(usize, &'a RawArray)> = None;
    for (i, place) in places.iter_mut().enumerate() {
        *place = advance(*place)?;
        if let Place::Array(array, _) = *place {
            match through {
                None => through = Some((i, array)),
                Some((_, first)) if is_same(first, array) => {}
                Some((first, _)) => {
                    let path = |i: usize| {
                        spec.fields
                            .get(i)
                            .map_or(String::new(), |field| field.path.clone())
                    };
                    return Err(Error::ParallelArrays {
                        first: path(first),
                        second: path(i),
                    });
                }
            }
        }
    }
    let Some((_, array)) = through else {
        let values: SmallVec<[Option<RawBsonRef<'a>>; 4]> = places
            .iter()
            .map(|place| match place {
                Place::Value(value) => *value,
                _ => None,
            })
            .collect();
        return emit(&values);
    };
    for (i, place) in places.iter().enumerate() {
        if matches!(place, Place::Array(..)) {
            *multikey |= 1 << i.min(63);
        }
    }
    let mut is_empty = true;
    for element in array.into_iter().map_while(Result::ok) {
        is_empty = false;
        let inner = places.iter().map(|place| match (*place, element) {
            (Place::Array(_, None), element) => Place::Value(Some(element)),
            (Place::Array(_, Some(path)), RawBsonRef::Document(document)) => {
                Place::Document(document, path)
            }
            // Neither a scalar nor an array in the array has fields.
            (Place::Array(_, Some(_)), _) => Place::Value(None),
            (other, _) => other,
        });
        expand(spec, inner.collect(), multikey, emit)?;
    }
    if is_empty {
        let inner = places.iter().map(|place| match *place {
            Place::Array(_, None) => Place::Value(Some(RawBsonRef::Undefined)),
            Place::Array(_, Some(_)) => Place::Value(None),
            other => other,
        });
        expand(spec, inner.collect(), multikey, emit)?;
    }
    Ok(())
}

/// The very same array, not an equal one.
fn is_same(left: &RawArray, right: &RawArray) -> bool {
    std::ptr::eq(left.as_bytes(), right.as_bytes())
}

/// Goes on until an array or the end.
fn advance(mut place: Place<'_>) -> Result<Place<'_>> {
    while let Place::Document(document, path) = place {
        let (component, rest) = split(path);
        place = arrive(document.get(component).ok().flatten(), rest)?;
    }
    Ok(place)
}

/// At `value`, with `rest` of the path to go.
fn arrive<'a>(value: Option<RawBsonRef<'a>>, rest: Option<&'a str>) -> Result<Place<'a>> {
    Ok(match (value, rest) {
        (Some(RawBsonRef::Array(array)), None) => Place::Array(array, None),
        (value, None) => Place::Value(value),
        (Some(RawBsonRef::Document(document)), Some(rest)) => Place::Document(document, rest),
        (Some(RawBsonRef::Array(array)), Some(rest)) => {
            let (component, after) = split(rest);
            match element_at(array, component)? {
                Some(element) => arrive(Some(element), after)?,
                None => Place::Array(array, Some(rest)),
            }
        }
        (_, Some(_)) => Place::Value(None),
    })
}

/// The element at a position, if that is what `component` names: `a.0`.
fn element_at<'a>(array: &'a RawArray, component: &str) -> Result<Option<RawBsonRef<'a>>> {
    let canonical = component == "0"
        || (!component.starts_with('0') && component.bytes().all(|byte| byte.is_ascii_digit()));
    let Some(position) = canonical.then(|| component.parse::<usize>().ok()).flatten() else {
        return Ok(None);
    };
    let Some(element) = array.get(position).ok().flatten() else {
        return Ok(None);
    };
    let is_a_field_too = array.into_iter().map_while(Result::ok).any(|element| {
        element
            .as_document()
            .is_some_and(|document| matches!(document.get(component), Ok(Some(_))))
    });
    if is_a_field_too {
        return Err(Error::AmbiguousPath {
            component: component.to_owned(),
        });
    }
    Ok(Some(element))
}

fn split(path: &str) -> (&str, Option<&str>) {
    match path.split_once('.') {
        Some((component, rest)) => (component, Some(rest)),
        None => (path, None),
    }
}

#[cfg(test)]
mod tests {
    use bson::raw::RawBson;
    use bson::{Bson, doc};

    use super::*;

    /// The keys as lists of values, in the order of the index.
    fn keys(spec: bson::Document, document: bson::Document) -> Result<(Vec<Vec<Bson>>, u64)> {
        let mut full = doc! { "name": "test" };
        full.extend(spec);
        let spec = IndexSpec::parse(&RawDocumentBuf::try_from(&full).unwrap())?;
        let document = RawDocumentBuf::try_from(&document).unwrap();
        let set = keys_of(&spec, &document)?;
        let values = set
            .keys
            .iter()
            .map(|key| {
                let values = values_of(&spec, &document, key);
                values
                    .iter()
                    .map(|element| RawBson::from(element.unwrap().1).try_into().unwrap())
                    .collect()
            })
            .collect();
        Ok((values, set.multikey))
    }

    fn check(spec: bson::Document, document: bson::Document, expected: Bson, multikey: u64) {
        let (values, mask) = keys(spec.clone(), document.clone()).unwrap();
        let values: Vec<Bson> = values.into_iter().map(Bson::Array).collect();
        assert_eq!(Bson::Array(values), expected, "{spec} of {document}");
        assert_eq!(mask, multikey, "{spec} of {document}");
    }

    #[test]
    fn every_shape_of_document() {
        use bson::bson;
        let a = || doc! { "key": { "a": 1 } };
        let ab = || doc! { "key": { "a.b": 1 } };
        check(a(), doc! { "a": 5 }, bson!([[5]]), 0);
        check(a(), doc! {}, bson!([[null]]), 0);
        check(a(), doc! { "a": null }, bson!([[null]]), 0);
        check(a(), doc! { "a": { "b": 1 } }, bson!([[{ "b": 1 }]]), 0);
        check(a(), doc! { "a": [3, 1, 2, 1] }, bson!([[1], [2], [3]]), 1);
        check(a(), doc! { "a": [] }, bson!([[Bson::Undefined]]), 1);
        check(a(), doc! { "a": [[1, 2], 3] }, bson!([[3], [[1, 2]]]), 1);
        check(ab(), doc! { "a": { "b": 1 } }, bson!([[1]]), 0);
        check(ab(), doc! { "a": 1 }, bson!([[null]]), 0);
        check(ab(), doc! { "a": { "b": [1, 2] } }, bson!([[1], [2]]), 1);
        check(
            ab(),
            doc! { "a": [{ "b": 1 }, { "b": [2, 3] }] },
            bson!([[1], [2], [3]]),
            1,
        );
        check(
            ab(),
            doc! { "a": [{ "b": 1 }, { "c": 1 }] },
            bson!([[null], [1]]),
            1,
        );
        check(ab(), doc! { "a": [1, { "b": 2 }] }, bson!([[null], [2]]), 1);
        check(ab(), doc! { "a": [] }, bson!([[null]]), 1);
        check(ab(), doc! { "a": [[{ "b": 1 }]] }, bson!([[null]]), 1);
    }

    #[test]
    fn positions_in_arrays() {
        use bson::bson;
        let key = |path: &str| doc! { "key": { path: 1 } };
        check(key("a.0"), doc! { "a": [5, 6] }, bson!([[5]]), 0);
        check(key("a.1.b"), doc! { "a": [1, { "b": 2 }] }, bson!([[2]]), 0);
        check(key("a.0"), doc! { "a": [[1, 2]] }, bson!([[1], [2]]), 1);
        check(key("a.0"), doc! { "a": { "0": 7 } }, bson!([[7]]), 0);
        check(
            key("a.0.b"),
            doc! { "a": [[{ "b": 1 }, { "b": 2 }]] },
            bson!([[1], [2]]),
            1,
        );
        check(key("a.00"), doc! { "a": [5] }, bson!([[null]]), 1);
        let error = keys(key("a.0"), doc! { "a": [{ "0": 1 }] }).unwrap_err();
        assert!(matches!(error, Error::AmbiguousPath { .. }));
    }

    #[test]
    fn compound_keys_move_through_one_array_together() {
        use bson::bson;
        check(
            doc! { "key": { "a.b": 1, "a.c": -1, "d": 1 } },
            doc! { "a": [{ "b": 1, "c": 10 }, { "b": 2, "c": 20 }], "d": 5 },
            bson!([[1, 10, 5], [2, 20, 5]]),
            0b011,
        );
        check(
            doc! { "key": { "a": 1, "b": -1 } },
            doc! { "a": 1, "b": [1, 2] },
            bson!([[1, 2], [1, 1]]),
            0b010,
        );
    }

    #[test]
    fn parallel_arrays_are_refused() {
        let spec = doc! { "key": { "x": 1, "a": 1, "b": 1 } };
        let error = keys(spec.clone(), doc! { "a": [1], "b": [2] }).unwrap_err();
        let Error::ParallelArrays { first, second } = error else {
            panic!("{error:?}")
        };
        assert_eq!((first.as_str(), second.as_str()), ("a", "b"));
        // Equal, but not the same.
        assert!(keys(spec, doc! { "a": [1], "b": [1] }).is_err());
        let spec = doc! { "key": { "a.b": 1, "a.c": 1 } };
        assert!(keys(spec, doc! { "a": [{ "b": [1], "c": [2] }] }).is_err());
    }

    #[test]
    fn sparse_indexes_leave_out_what_has_no_field() {
        use bson::bson;
        let sparse = || doc! { "key": { "a": 1, "b": 1 }, "sparse": true };
        check(sparse(), doc! { "c": 1 }, bson!([]), 0);
        check(sparse(), doc! { "a": 1 }, bson!([[1, null]]), 0);
        check(sparse(), doc! { "b": null }, bson!([[null, null]]), 0);
    }
}
