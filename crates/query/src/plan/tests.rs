//! Plans against an emulated collection: a plan never loses a document, says truly whether the
//! filter is covered, and comes in the order that it promises.

use std::sync::Arc;

use bson::raw::RawBson;
use bson::{Bson, Document, RawBsonRef, RawDocumentBuf, doc};
use proptest::prelude::*;

use super::*;
use crate::filter::Matcher;
use crate::filter::path::Path;
use crate::sort::{self, SortSpec, keys};

fn raw(document: &Document) -> RawDocumentBuf {
    RawDocumentBuf::try_from(document).unwrap()
}

/// Documents and the indexes over them, kept as storage keeps them.
struct Collection {
    documents: Vec<RawDocumentBuf>,
    indexes: Vec<IndexInfo>,
}

/// The key of a document in an index, and which document that is.
type Entry = (Vec<RawBson>, usize);

impl Collection {
    /// Leaves out the documents that an index would refuse.
    fn new(documents: Vec<Document>, mut indexes: Vec<IndexInfo>) -> Self {
        let documents: Vec<RawDocumentBuf> = documents
            .iter()
            .map(raw)
            .filter(|document| {
                indexes
                    .iter()
                    .all(|index| keys_of(index, document).is_some())
            })
            .collect();
        for (number, index) in indexes.iter_mut().enumerate() {
            index.name = format!("{} #{number}", index.name);
            for (position, field) in index.key.iter().enumerate() {
                let multikey = documents.iter().any(|document| {
                    let document = Document::try_from(document.as_ref()).unwrap();
                    meets_array(&Bson::Document(document), &field.path)
                });
                index.multikey_fields |= u64::from(multikey) << position;
            }
        }
        Self { documents, indexes }
    }

    fn id(&self, position: usize) -> RawBsonRef<'_> {
        self.documents[position].get("_id").unwrap().unwrap()
    }

    /// The entries of an index in its order.
    fn entries(&self, index: &IndexInfo) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (position, document) in self.documents.iter().enumerate() {
            if let Some(partial) = &index.partial_filter
                && !partial.matches(document).unwrap()
            {
                continue;
            }
            for key in keys_of(index, document).unwrap() {
                if index.sparse && key.iter().all(Option::is_none) {
                    continue;
                }
                let key: Vec<RawBson> = key
                    .into_iter()
                    .map(|value| value.unwrap_or(RawBson::Null))
                    .collect();
                entries.push((key, position));
            }
        }
        entries.sort_by(|left, right| {
            for ((left, right), field) in left.0.iter().zip(&right.0).zip(&index.key) {
                let order = document::compare(left.as_raw_bson_ref(), right.as_raw_bson_ref());
                if order.is_ne() {
                    return field.direction.apply(order);
                }
            }
            document::compare(self.id(left.1), self.id(right.1))
        });
        entries
    }

    /// The documents in the order of `_id`.
    fn by_id(&self) -> Vec<usize> {
        let mut positions: Vec<usize> = (0..self.documents.len()).collect();
        positions.sort_by(|&left, &right| document::compare(self.id(left), self.id(right)));
        positions
    }

    fn read(&self, access: &Access) -> Vec<usize> {
        let directed = |mut positions: Vec<usize>, direction: &Direction| {
            if *direction == Direction::Backward {
                positions.reverse();
            }
            positions
        };
        match access {
            Access::Nothing => Vec::new(),
            Access::CollectionScan { direction } => directed(self.by_id(), direction),
            Access::IdLookup { values } => {
                let mut found = Vec::new();
                for value in values {
                    found.extend((0..self.documents.len()).filter(|&position| {
                        document::compare(self.id(position), value.as_raw_bson_ref()).is_eq()
                    }));
                }
                found
            }
            Access::IdRange {
                intervals,
                direction,
            } => {
                let mut positions = self.by_id();
                positions.retain(|&position| {
                    intervals
                        .iter()
                        .any(|interval| interval.contains(self.id(position)))
                });
                directed(positions, direction)
            }
            Access::IndexScan(scan) => {
                let mut positions = Vec::new();
                for (key, position) in self.entries(&self.indexes[scan.index]) {
                    let within = key.iter().zip(&scan.bounds).all(|(value, intervals)| {
                        intervals
                            .iter()
                            .any(|interval| interval.contains(value.as_raw_bson_ref()))
                    });
                    if within {
                        positions.push(position);
                    }
                }
                once_each(directed(positions, &scan.direction))
            }
            Access::Union(accesses) => once_each(
                accesses
                    .iter()
                    .flat_map(|access| self.read(access))
                    .collect(),
            ),
        }
    }

    fn check(&self, matcher: &Matcher, sort: Option<&SortSpec>, hint: Option<&Hint>) {
        let Ok(plan) = choose(matcher, sort, &self.indexes, hint) else {
            return;
        };
        let found = self.read(&plan.access);
        for (position, document) in self.documents.iter().enumerate() {
            let passes = matcher.matches(document).unwrap();
            let is_found = found.contains(&position);
            assert!(
                is_found || !passes,
                "lost {document:?}\n by {plan:?}\n of {:?}\n on {:?}",
                matcher.source(),
                self.indexes
            );
            assert!(
                passes || !is_found || !plan.filter_covered,
                "covered, but found {document:?}\n by {plan:?}\n of {:?}\n on {:?}",
                matcher.source(),
                self.indexes
            );
        }
        let Some(sort) = sort.filter(|_| plan.sort_provided) else {
            return;
        };
        for pair in found.windows(2) {
            let order = sort.compare(&self.documents[pair[0]], &self.documents[pair[1]]);
            assert!(
                // Parallel arrays have no order to be in.
                order.is_err() || order.is_ok_and(std::cmp::Ordering::is_le),
                "not in order: {pair:?}\n by {plan:?}\n of {sort:?}\n on {:?}",
                self.indexes
            );
        }
    }
}

fn once_each(positions: Vec<usize>) -> Vec<usize> {
    let mut once = Vec::new();
    for position in positions {
        if !once.contains(&position) {
            once.push(position);
        }
    }
    once
}

fn keys_of(index: &IndexInfo, document: &RawDocumentBuf) -> Option<Vec<Vec<Option<RawBson>>>> {
    let paths: Vec<Path> = index
        .key
        .iter()
        .map(|field| Path::new(&field.path))
        .collect();
    let mut keys = Vec::new();
    keys::for_each(paths.iter(), document, &mut |key| {
        keys.push(key.iter().map(|value| value.map(Into::into)).collect());
    })
    .ok()?;
    Some(keys)
}

fn meets_array(value: &Bson, path: &str) -> bool {
    match value {
        Bson::Array(_) => true,
        Bson::Document(document) if !path.is_empty() => {
            let (name, rest) = path.split_once('.').unwrap_or((path, ""));
            document
                .get(name)
                .is_some_and(|value| meets_array(value, rest))
        }
        _ => false,
    }
}

fn scalar() -> impl Strategy<Value = Bson> {
    prop_oneof![
        2 => Just(Bson::Null),
        8 => (0..5_i32).prop_map(Bson::Int32),
        1 => Just(Bson::Double(f64::NAN)),
        1 => Just(Bson::Double(1.5)),
        1 => Just(Bson::MinKey),
        1 => Just(Bson::MaxKey),
        2 => "[ab]{0,2}".prop_map(Bson::String),
        1 => any::<bool>().prop_map(Bson::Boolean),
        1 => Just(Bson::RegularExpression(bson::Regex {
            pattern: "^a".to_owned().try_into().unwrap(),
            options: String::new().try_into().unwrap(),
        })),
    ]
}

fn value() -> impl Strategy<Value = Bson> {
    let inner = prop_oneof![
        4 => scalar(),
        1 => proptest::collection::vec(scalar(), 0..3).prop_map(Bson::Array),
    ];
    let fields = proptest::collection::vec((prop_oneof![Just("b"), Just("c")], inner), 0..3)
        .prop_map(|fields| Bson::Document(fields.into_iter().map(own_name).collect()))
        .boxed();
    let element = prop_oneof![
        3 => scalar(),
        4 => fields.clone(),
        1 => proptest::collection::vec(scalar(), 0..3).prop_map(Bson::Array),
    ];
    prop_oneof![
        5 => scalar(),
        2 => fields,
        3 => proptest::collection::vec(element, 0..4).prop_map(Bson::Array),
    ]
}

fn own_name<T: Into<Bson>>((name, value): (&'static str, T)) -> (String, Bson) {
    (name.to_owned(), value.into())
}

fn documents() -> impl Strategy<Value = Vec<Document>> {
    let document = proptest::collection::vec((prop_oneof![Just("a"), Just("b")], value()), 0..3);
    proptest::collection::vec(document, 1..12).prop_map(|documents| {
        documents
            .into_iter()
            .enumerate()
            .map(|(id, fields)| {
                let mut document = doc! { "_id": i32::try_from(id).unwrap() };
                document.extend(fields.into_iter().map(own_name));
                document
            })
            .collect()
    })
}

fn operators(nested: bool) -> BoxedStrategy<Document> {
    let operand = prop_oneof![
        6 => scalar(),
        1 => proptest::collection::vec(scalar(), 0..3).prop_map(Bson::Array),
    ]
    .prop_filter("not an operand of an order", |value| {
        !matches!(value, Bson::RegularExpression(_))
    });
    let comparison = (
        prop_oneof![
            Just("$gt"),
            Just("$gte"),
            Just("$lt"),
            Just("$lte"),
            Just("$eq"),
            Just("$ne")
        ],
        operand,
    )
        .prop_map(|(name, value)| doc! { name: value });
    let set = (
        prop_oneof![Just("$in"), Just("$nin")],
        proptest::collection::vec(scalar(), 0..3),
    )
        .prop_map(|(name, values)| doc! { name: values });
    let other = prop_oneof![
        any::<bool>().prop_map(|exists| doc! { "$exists": exists }),
        prop_oneof![
            Just("int"),
            Just("string"),
            Just("null"),
            Just("array"),
            Just("number")
        ]
        .prop_map(|name| doc! { "$type": name }),
        (0..3_i32).prop_map(|size| doc! { "$size": size }),
        Just(doc! { "$regex": "^a" }),
        Just(doc! { "$mod": [2, 1] }),
        proptest::collection::vec(scalar(), 0..3).prop_map(|values| doc! { "$all": values }),
    ];
    let simple = prop_oneof![5 => comparison, 2 => set, 2 => other];
    let both = (simple.clone(), simple.clone()).prop_map(|(mut left, right)| {
        left.extend(right);
        left
    });
    if !nested {
        return prop_oneof![3 => simple, 1 => both].boxed();
    }
    let inner = operators(false);
    prop_oneof![
        6 => simple,
        2 => both,
        1 => inner.clone().prop_map(|inner| doc! { "$not": inner }),
        1 => inner.clone().prop_map(|inner| doc! { "$elemMatch": inner }),
        2 => proptest::collection::vec((prop_oneof![Just("b"), Just("c")], inner), 1..3)
            .prop_map(|fields| {
                let inner: Document = fields.into_iter().map(own_name).collect();
                doc! { "$elemMatch": inner }
            }),
    ]
    .boxed()
}

fn path() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        3 => Just("a"),
        2 => Just("b"),
        3 => Just("a.b"),
        1 => Just("a.c"),
        1 => Just("a.0"),
        1 => Just("_id"),
    ]
}

fn filter() -> impl Strategy<Value = Document> {
    let fields = proptest::collection::vec((path(), operators(true)), 1..4)
        .prop_map(|fields| fields.into_iter().map(own_name).collect::<Document>())
        .boxed();
    let branches = proptest::collection::vec(fields.clone(), 1..3).boxed();
    prop_oneof![
        6 => fields.clone(),
        1 => (fields.clone(), branches.clone()).prop_map(|(mut fields, branches)| {
            fields.insert("$or", branches);
            fields
        }),
        1 => branches.clone().prop_map(|branches| doc! { "$or": branches }),
        1 => branches.prop_map(|branches| doc! { "$nor": branches }),
    ]
}

fn index_key() -> impl Strategy<Value = Document> {
    prop_oneof![
        3 => Just(doc! { "a": 1 }),
        2 => Just(doc! { "a.b": 1 }),
        1 => Just(doc! { "b": -1 }),
        2 => Just(doc! { "a": 1, "b": 1 }),
        1 => Just(doc! { "b": 1, "a": -1 }),
        2 => Just(doc! { "a.b": 1, "a.c": 1 }),
        1 => Just(doc! { "a": 1, "a.b": 1 }),
        1 => Just(doc! { "b": 1, "a.b": 1, "a.c": -1 }),
        1 => Just(doc! { "a.0": 1 }),
    ]
}

fn index() -> impl Strategy<Value = IndexInfo> {
    let partial = prop_oneof![
        4 => Just(None),
        1 => Just(Some(doc! { "a": { "$exists": true } })),
        1 => Just(Some(doc! { "a": { "$gt": 1 } })),
        1 => Just(Some(doc! { "b": 1 })),
        1 => Just(Some(doc! { "a.b": { "$lte": 2 }, "a": { "$type": "array" } })),
    ];
    (index_key(), prop::bool::weighted(0.3), partial).prop_map(|(key, sparse, partial)| IndexInfo {
        sparse,
        partial_filter: partial.map(|filter| Arc::new(Matcher::parse(&raw(&filter)).unwrap())),
        ..IndexInfo::new(key.to_string(), IndexInfo::parse_key(&raw(&key)).unwrap())
    })
}

fn order() -> impl Strategy<Value = Option<Document>> {
    let direction = prop_oneof![Just(1), Just(-1)];
    prop_oneof![
        2 => Just(None),
        4 => proptest::collection::vec((path(), direction), 1..4).prop_map(|fields| {
            Some(fields.into_iter().map(|(name, direction)| {
                (name.to_owned(), Bson::Int32(direction))
            }).collect())
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]
    #[test]
    fn plans_are_sound(
        documents in documents(),
        filter in filter(),
        indexes in proptest::collection::vec(index(), 0..4),
        order in order(),
    ) {
        let collection = Collection::new(documents, indexes);
        let matcher = Matcher::parse(&raw(&filter)).unwrap();
        let sort = order.map(|order| SortSpec::parse(&raw(&order)).unwrap());
        collection.check(&matcher, sort.as_ref(), None);
        for index in &collection.indexes {
            // A hint to a sparse index asks for what is in it.
            if !index.sparse {
                let hint = Hint::Name(index.name.clone());
                collection.check(&matcher, sort.as_ref(), Some(&hint));
            }
        }
        collection.check(&matcher, sort.as_ref(), Some(&Hint::Key(raw(&doc! { "_id": 1 }))));
        let backward = Hint::Natural(Direction::Backward);
        collection.check(&matcher, sort.as_ref(), Some(&backward));
    }
}

/// Shapes that chance seldom makes: each document passes, and a planner that is careless in one
/// way loses it.
#[test]
fn traps() {
    let filters = [
        // Different elements fulfil the conditions.
        (
            doc! { "a.b": 1, "a.c": 1 },
            None,
            doc! { "a.b": 1, "a.c": 2 },
            doc! { "a": [{ "b": 1, "c": 9 }, { "b": 9, "c": 2 }] },
        ),
        (
            doc! { "a.b": 1, "a.c": 1 },
            None,
            doc! { "$and": [
                { "a": { "$elemMatch": { "b": 1 } } },
                { "a": { "$elemMatch": { "c": 2 } } },
            ] },
            doc! { "a": [{ "b": 1, "c": 9 }, { "b": 9, "c": 2 }] },
        ),
        (
            doc! { "a.x.b": 1, "a.x.c": 1 },
            None,
            doc! { "a": { "$elemMatch": { "x.b": 1, "x.c": 2 } } },
            doc! { "a": [{ "x": [{ "b": 1, "c": 9 }, { "b": 9, "c": 2 }] }] },
        ),
        // The key of a nested array is the array.
        (
            doc! { "a": 1 },
            None,
            doc! { "a": { "$elemMatch": { "$elemMatch": { "$gte": 80 } } } },
            doc! { "a": [[82]] },
        ),
        // Nothing is there, and yet it does not equal null.
        (
            doc! { "b": 1 },
            Some(doc! { "a.b": null }),
            doc! { "b": 1, "a.b": { "$exists": false } },
            doc! { "a": [1], "b": 1 },
        ),
        (
            doc! { "a.b": 1 },
            None,
            doc! { "a.b": { "$ne": null } },
            doc! { "a": [] },
        ),
        // An element equals MaxKey, but the array is less.
        (
            doc! { "a": 1 },
            None,
            doc! { "a": { "$lt": Bson::MaxKey } },
            doc! { "a": [Bson::MaxKey] },
        ),
    ];
    for (key, partial, filter, mut document) in filters {
        document.insert("_id", 1);
        let index = IndexInfo {
            partial_filter: partial.map(|filter| Arc::new(Matcher::parse(&raw(&filter)).unwrap())),
            ..IndexInfo::new("index", IndexInfo::parse_key(&raw(&key)).unwrap())
        };
        let collection = Collection::new(vec![document], vec![index]);
        let matcher = Matcher::parse(&raw(&filter)).unwrap();
        assert!(
            matcher.matches(&collection.documents[0]).unwrap(),
            "{filter}"
        );
        let hint = Hint::Name(collection.indexes[0].name.clone());
        collection.check(&matcher, None, None);
        collection.check(&matcher, None, Some(&hint));
    }
}

/// The emulation itself: an index on arrays has a key for each element.
#[test]
fn the_emulation_has_multikey_entries() {
    let index = IndexInfo::new(
        "a_1",
        vec![KeyField {
            path: "a".to_owned(),
            direction: sort::Direction::Ascending,
        }],
    );
    let collection = Collection::new(vec![doc! { "_id": 1, "a": [2, 1] }], vec![index]);
    assert_eq!(collection.indexes[0].multikey_fields, 1);
    let entries = collection.entries(&collection.indexes[0]);
    assert_eq!(
        entries,
        [(vec![RawBson::Int32(1)], 0), (vec![RawBson::Int32(2)], 0)]
    );
}
