//! `$push`, with `$each`, `$position`, `$sort` and `$slice`.

use std::cmp::Ordering;

use bson::{RawBsonRef, RawDocument};
use document::number::Number;
use document::types;
use smallvec::SmallVec;

use super::{Builder, Effect, Env, Modifier, Target, check_levels};
use crate::raw::{Elements, Value, levels, tag, type_name, write};
use crate::update::path::Path;
use crate::{Error, Result};

#[derive(Debug, Default)]
struct Push {
    values: Vec<Value>,
    /// Where the values are put; from the end if negative; after all others without it.
    position: Option<i64>,
    sort: Option<Sort>,
    /// How many items stay: the first ones, or the last ones if negative.
    slice: Option<i64>,
}

/// How the array is sorted after the values were added.
#[derive(Debug)]
enum Sort {
    /// By the items themselves.
    Items { descending: bool },
    /// By fields of items that are documents; those of others count as absent.
    Fields(Vec<(Box<str>, bool)>),
}

/// An item on its way to its place.
#[derive(Clone, Copy)]
struct Item<'a> {
    tag: u8,
    bytes: &'a [u8],
    value: RawBsonRef<'a>,
}

pub(super) fn parse(builder: &mut Builder, path: &str, argument: RawBsonRef<'_>) -> Result<()> {
    let path = builder.path(path)?;
    let push = match argument {
        RawBsonRef::Document(clauses) if matches!(clauses.get("$each"), Ok(Some(_))) => {
            parse_clauses(clauses)?
        }
        value => Push {
            values: vec![Value::new(value)],
            ..Push::default()
        },
    };
    check_values(&path, &push.values)?;
    builder.add(path, push);
    Ok(())
}

fn check_values(path: &Path, values: &[Value]) -> Result<()> {
    values
        .iter()
        .try_for_each(|value| check_levels(path, 1 + levels(value.tag(), value.bytes())))
}

fn parse_clauses(clauses: &RawDocument) -> Result<Push> {
    let mut push = Push::default();
    for clause in clauses.iter().map_while(std::result::Result::ok) {
        match (clause.0.as_str(), clause.1) {
            ("$each", RawBsonRef::Array(values)) => {
                push.values = values
                    .into_iter()
                    .map_while(std::result::Result::ok)
                    .map(Value::new)
                    .collect();
            }
            ("$each", other) => {
                return Err(Error::bad_value(format!(
                    "The argument to $each in $push must be an array but it was of type: {}",
                    types::type_name(&other)
                )));
            }
            ("$position", value) => push.position = Some(integer("$position", value)?),
            ("$slice", value) => push.slice = Some(integer("$slice", value)?),
            ("$sort", value) => push.sort = Some(parse_sort(value)?),
            (other, _) => {
                return Err(Error::bad_value(format!(
                    "Unrecognized clause in $push: {other}"
                )));
            }
        }
    }
    Ok(push)
}

fn integer(clause: &str, value: RawBsonRef<'_>) -> Result<i64> {
    Number::from_raw(&value)
        .and_then(Number::to_i64_exact)
        .ok_or_else(|| {
            Error::bad_value(format!(
                "The value for {clause} must be an integer value but was given type: {}",
                types::type_name(&value)
            ))
        })
}

fn parse_sort(value: RawBsonRef<'_>) -> Result<Sort> {
    if let Some(direction) = Number::from_raw(&value) {
        return match direction.to_i64_exact() {
            Some(1) => Ok(Sort::Items { descending: false }),
            Some(-1) => Ok(Sort::Items { descending: true }),
            _ => Err(Error::bad_value(
                "The $sort element value must be either 1 or -1",
            )),
        };
    }
    let RawBsonRef::Document(pattern) = value else {
        return Err(Error::bad_value(
            "The $sort is invalid: use 1/-1 to sort the whole element, or {field:1/-1} to sort \
             embedded fields",
        ));
    };
    let mut fields = Vec::new();
    for field in pattern.iter().map_while(std::result::Result::ok) {
        let path = field.0.as_str();
        if path.is_empty() {
            return Err(Error::bad_value("The $sort field cannot be empty"));
        }
        if path.split('.').any(str::is_empty) {
            return Err(Error::bad_value(format!(
                "The $sort field is a dotted field but has an empty part: {path}"
            )));
        }
        let descending = match Number::from_raw(&field.1).and_then(Number::to_i64_exact) {
            Some(1) => false,
            Some(-1) => true,
            _ => {
                return Err(Error::bad_value(
                    "The $sort element value must be either 1 or -1",
                ));
            }
        };
        fields.push((path.into(), descending));
    }
    if fields.is_empty() {
        return Err(Error::bad_value(
            "The $sort pattern is empty when it should be a set of fields.",
        ));
    }
    Ok(Sort::Fields(fields))
}

impl Push {
    /// Whether the values simply come after what is there.
    const fn only_appends(&self) -> bool {
        self.position.is_none() && self.sort.is_none() && self.slice.is_none()
    }

    /// Puts the values among `items` and writes the array.
    fn write<'a>(&'a self, mut items: Vec<Item<'a>>, scratch: &mut Vec<u8>) {
        let at = match self.position {
            None => items.len(),
            Some(position) => match usize::try_from(position) {
                Ok(position) => position.min(items.len()),
                Err(_) => items.len().saturating_sub(magnitude(position)),
            },
        };
        let values = self.values.iter().map(|value| Item {
            tag: value.tag(),
            bytes: value.bytes(),
            value: value.get(),
        });
        items.splice(at..at, values);
        match &self.sort {
            None => {}
            Some(Sort::Items { descending }) => {
                items.sort_by(|left, right| {
                    directed(document::compare(left.value, right.value), *descending)
                });
            }
            Some(Sort::Fields(fields)) => sort_by_fields(&mut items, fields),
        }
        let kept = match self.slice {
            None => items.as_slice(),
            Some(slice) if slice < 0 => {
                let from = items.len().saturating_sub(magnitude(slice));
                items.get(from..).unwrap_or_default()
            }
            Some(slice) => {
                let to = magnitude(slice).min(items.len());
                items.get(..to).unwrap_or_default()
            }
        };
        let start = write::begin(scratch);
        for (index, item) in kept.iter().enumerate() {
            write::index_element(scratch, item.tag, index, item.bytes);
        }
        write::end(scratch, start);
    }
}

fn magnitude(number: i64) -> usize {
    usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX)
}

fn directed(order: Ordering, descending: bool) -> Ordering {
    if descending { order.reverse() } else { order }
}

fn sort_by_fields(items: &mut [Item<'_>], fields: &[(Box<str>, bool)]) {
    items.sort_by_cached_key(|item| {
        Key(fields
            .iter()
            .map(|(path, descending)| (field(item.value, path), *descending))
            .collect())
    });
}

/// The fields by which an item is sorted.
struct Key<'a>(SmallVec<[(RawBsonRef<'a>, bool); 2]>);

impl Ord for Key<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0
            .iter()
            .zip(&other.0)
            .map(|((left, descending), (right, _))| {
                directed(document::compare(*left, *right), *descending)
            })
            .find(|order| *order != Ordering::Equal)
            .unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Key<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Key<'_> {}

/// The value at a dotted path in documents; null if there is none.
fn field<'a>(value: RawBsonRef<'a>, path: &str) -> RawBsonRef<'a> {
    path.split('.')
        .try_fold(value, |value, name| match value {
            RawBsonRef::Document(document) => document.get(name).ok().flatten(),
            _ => None,
        })
        .unwrap_or(RawBsonRef::Null)
}

impl Modifier for Push {
    fn update(&self, target: &Target<'_>, scratch: &mut Vec<u8>) -> Result<Effect<'_>> {
        let array = &target.element;
        if array.tag != tag::ARRAY {
            return Err(Error::bad_value(format!(
                "The field '{}' must be an array but is of type {} in document",
                target.path,
                type_name(array.tag)
            )));
        }
        if self.only_appends() {
            let start = write::begin(scratch);
            // The items as they stand, without the array's length and end.
            let items = array.value.get(4..array.value.len().saturating_sub(1));
            scratch.extend_from_slice(items.unwrap_or_default());
            let count = Elements::of_bytes(array.value).count();
            for (index, value) in (count..).zip(&self.values) {
                write::index_element(scratch, value.tag(), index, value.bytes());
            }
            write::end(scratch, start);
        } else {
            let items = array
                .items()
                .map(|(item, value)| Item {
                    tag: item.tag,
                    bytes: item.value,
                    value,
                })
                .collect();
            self.write(items, scratch);
        }
        Ok(Effect::Written(tag::ARRAY))
    }

    fn create(&self, _: &Env<'_>, scratch: &mut Vec<u8>) -> Result<Effect<'_>> {
        self.write(Vec::new(), scratch);
        Ok(Effect::Written(tag::ARRAY))
    }

    fn creates(&self, _: &Env<'_>) -> bool {
        true
    }
}
