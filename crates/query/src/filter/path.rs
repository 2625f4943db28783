//! How a dotted path reaches the values of a document.
//!
//! A path that meets an array on its way goes on in each element that is a document, and, if its
//! next component is a number, in the element at that position. A path that ends at an array
//! reaches each element and then the array itself. A path that meets something else on its way
//! reaches "missing". Source: the manual's pages "Query an Array" and "Query an Array of Embedded
//! Documents".

use bson::{RawArray, RawBsonRef, RawDocument};

use crate::raw::{Elements, decode};

/// How often one walk may take both readings of a number in a path (position, and field name of
/// an element): each may double the work, and a document can be built so that all do.
const MAX_AMBIGUITIES: usize = 10_000;

/// A dotted path, split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    dotted: Box<str>,
    components: Box<[Component]>,
}

/// One name of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Component {
    name: Box<str>,
    /// The array position that the name is the canonical spelling of.
    index: Option<usize>,
}

/// What paths start from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject<'d> {
    /// A document: the first component of a path names its field.
    Document(&'d RawDocument),
    /// A value that the first component of every path stands for (`arrayFilters`).
    Root(RawBsonRef<'d>),
}

/// What a path that ends at an array reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeafArrays {
    /// Each element, then the array.
    ElementsAndWhole,
    /// The array only (`$size`, `$elemMatch`).
    Whole,
}

impl Path {
    pub(crate) fn new(dotted: &str) -> Self {
        Self {
            dotted: dotted.into(),
            components: dotted.split('.').map(Component::new).collect(),
        }
    }

    /// The path as it is written.
    pub(crate) fn as_str(&self) -> &str {
        &self.dotted
    }

    /// The names that it is made of.
    pub(crate) fn components(&self) -> &[Component] {
        &self.components
    }

    /// Whether a component may be read as an array position.
    pub(crate) fn has_positions(&self) -> bool {
        self.components
            .iter()
            .any(|component| component.index.is_some())
    }

    /// The first component.
    pub(crate) fn root(&self) -> &str {
        self.components.first().map_or("", |first| &first.name)
    }

    /// Calls `visit` with each value that the path reaches (`None` is missing) and the index in
    /// the outermost array walked through, until `visit` answers true; returns whether it did.
    ///
    /// # Errors
    ///
    /// [`TooAmbiguous`] if the walk was given up.
    pub(crate) fn any<'d, V>(
        &self,
        subject: Subject<'d>,
        leaf: LeafArrays,
        visit: V,
    ) -> Result<bool, TooAmbiguous>
    where
        V: FnMut(Option<RawBsonRef<'d>>, Option<usize>) -> bool,
    {
        let mut walk = Walk {
            leaf,
            visit,
            ambiguities: 0,
        };
        let found = match (subject, self.components.split_first()) {
            (Subject::Document(document), _) => walk.document(document, &self.components, None),
            (Subject::Root(value), Some((_, rest))) => walk.value(value, rest, None),
            (Subject::Root(_), None) => false,
        };
        if walk.ambiguities > MAX_AMBIGUITIES && !found {
            return Err(TooAmbiguous);
        }
        Ok(found)
    }
}

impl Component {
    fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            index: position(name),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The array position that the name is the canonical spelling of.
    pub(crate) fn index(&self) -> Option<usize> {
        self.index
    }
}

/// The array position that `name` is the canonical spelling of: `0`, `17`, but not `01` or `+1`.
pub(crate) fn position(name: &str) -> Option<usize> {
    let canonical = name == "0" || !name.starts_with(['0', '+']);
    canonical.then(|| name.parse().ok()).flatten()
}

/// A path of array positions that a document gives too many readings.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooAmbiguous;

struct Walk<V> {
    leaf: LeafArrays,
    visit: V,
    ambiguities: usize,
}

impl<'d, V> Walk<V>
where
    V: FnMut(Option<RawBsonRef<'d>>, Option<usize>) -> bool,
{
    fn document(
        &mut self,
        document: &'d RawDocument,
        path: &[Component],
        outer: Option<usize>,
    ) -> bool {
        let Some((first, rest)) = path.split_first() else {
            return false;
        };
        match field(document, &first.name) {
            Some(value) => self.value(value, rest, outer),
            None => (self.visit)(None, outer),
        }
    }

    fn value(&mut self, value: RawBsonRef<'d>, rest: &[Component], outer: Option<usize>) -> bool {
        match (value, rest.is_empty()) {
            (RawBsonRef::Array(array), true) if self.leaf == LeafArrays::ElementsAndWhole => {
                elements(array)
                    .any(|(index, element)| (self.visit)(Some(element), outer.or(Some(index))))
                    || (self.visit)(Some(value), outer)
            }
            (_, true) => (self.visit)(Some(value), outer),
            (RawBsonRef::Document(document), false) => self.document(document, rest, outer),
            (RawBsonRef::Array(array), false) => self.array(array, rest, outer),
            (_, false) => (self.visit)(None, outer),
        }
    }

    fn array(&mut self, array: &'d RawArray, path: &[Component], outer: Option<usize>) -> bool {
        let Some((first, rest)) = path.split_first() else {
            return false;
        };
        for (index, element) in elements(array) {
            if let RawBsonRef::Document(document) = element
                && self.document(document, path, outer.or(Some(index)))
            {
                return true;
            }
            if first.index == Some(index) && self.position(element, rest, outer) {
                return true;
            }
        }
        false
    }

    /// The element that a path names by its position: reached as it is, without a look at the
    /// elements of an array that it may be.
    fn position(
        &mut self,
        element: RawBsonRef<'d>,
        rest: &[Component],
        outer: Option<usize>,
    ) -> bool {
        if rest.is_empty() {
            return (self.visit)(Some(element), outer);
        }
        match element {
            RawBsonRef::Document(document) => {
                self.ambiguities += 1;
                self.ambiguities <= MAX_AMBIGUITIES && self.document(document, rest, outer)
            }
            RawBsonRef::Array(array) => self.nested_array(array, rest, outer),
            _ => false,
        }
    }

    /// An array named by its position in another one: only positions lead on from here.
    fn nested_array(
        &mut self,
        array: &'d RawArray,
        path: &[Component],
        outer: Option<usize>,
    ) -> bool {
        let Some((first, rest)) = path.split_first() else {
            return false;
        };
        match first.index.and_then(|index| elements(array).nth(index)) {
            Some((_, element)) => self.value(element, rest, outer),
            None => (self.visit)(None, outer),
        }
    }
}

/// The first field called `name`. Names are compared as bytes, and only this field's value is
/// decoded: most of what filtering costs is this walk.
pub(crate) fn field<'d>(document: &'d RawDocument, name: &str) -> Option<RawBsonRef<'d>> {
    let element = Elements::of(document).find_name(name.as_bytes())?;
    // What cannot be read in place, arrays above all, is left to the library.
    decode(element.tag, element.value).or_else(|| {
        document
            .iter_elements()
            .map_while(Result::ok)
            .find(|element| element.key().as_str() == name)?
            .value()
            .ok()
    })
}

/// The elements of an array with their positions, whatever their keys say.
pub(crate) fn elements(array: &RawArray) -> impl Iterator<Item = (usize, RawBsonRef<'_>)> {
    array.into_iter().map_while(Result::ok).enumerate()
}

/// An array read as the document that its bytes are: its fields are called by the positions.
pub(crate) fn as_document(array: &RawArray) -> Option<&RawDocument> {
    RawDocument::from_bytes(array.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::raw::RawBson;
    use bson::{RawDocumentBuf, bson, rawdoc};

    fn reached(document: &RawDocumentBuf, path: &str) -> Vec<Option<RawBson>> {
        let mut values = Vec::new();
        Path::new(path)
            .any(
                Subject::Document(document),
                LeafArrays::ElementsAndWhole,
                |value, _| {
                    values.push(value.map(RawBson::from));
                    false
                },
            )
            .unwrap();
        values
    }

    fn values(values: &[bson::Bson]) -> Vec<Option<RawBson>> {
        values
            .iter()
            .map(|value| Some(value.clone().try_into().unwrap()))
            .collect()
    }

    #[test]
    fn goes_through_arrays_of_documents() {
        let document = rawdoc! { "a": [{ "b": 1 }, 5, { "b": [2, 3] }] };
        let expected = values(&[bson!(1), bson!(2), bson!(3), bson!([2, 3])]);
        assert_eq!(reached(&document, "a.b"), expected);
    }

    #[test]
    fn reaches_missing_through_scalars_but_not_through_arrays_of_them() {
        assert_eq!(reached(&rawdoc! { "a": 1 }, "a.b"), [None]);
        assert_eq!(reached(&rawdoc! {}, "a.b"), [None]);
        assert_eq!(reached(&rawdoc! { "a": [{}] }, "a.b"), [None]);
        assert_eq!(reached(&rawdoc! { "a": [1] }, "a.b"), []);
        assert_eq!(reached(&rawdoc! { "a": [] }, "a.b"), []);
        assert_eq!(reached(&rawdoc! { "a": [[{ "b": 1 }]] }, "a.b"), []);
    }

    #[test]
    fn reads_numbers_as_positions_and_as_names() {
        let document = rawdoc! { "a": [{ "0": 7, "b": 8 }, [1, [2]]] };
        assert_eq!(
            reached(&document, "a.0"),
            values(&[bson!(7), bson!({ "0": 7, "b": 8 })])
        );
        assert_eq!(reached(&document, "a.0.b"), {
            let mut expected = vec![None];
            expected.extend(values(&[bson!(8)]));
            expected
        });
        assert_eq!(reached(&document, "a.1.0"), {
            let mut expected = vec![None];
            expected.extend(values(&[bson!(1)]));
            expected
        });
        assert_eq!(reached(&document, "a.01"), [None]);
        assert_eq!(
            reached(&rawdoc! { "a": { "0": 5 } }, "a.0"),
            values(&[bson!(5)])
        );
    }

    #[test]
    fn gives_up_on_documents_built_to_be_ambiguous() {
        let mut value = bson!(1);
        for _ in 0..40 {
            value = bson!([{ "0": value }]);
        }
        let document = RawDocumentBuf::try_from(bson::doc! { "a": value }).unwrap();
        let path = Path::new(&format!("a{}", ".0".repeat(60)));
        let outcome = path.any(
            Subject::Document(&document),
            LeafArrays::ElementsAndWhole,
            |_, _| false,
        );
        assert_eq!(outcome, Err(TooAmbiguous));
    }
}
