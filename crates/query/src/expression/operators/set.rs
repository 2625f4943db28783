//! Arrays as sets: `$setUnion`, `$setIntersection`, `$setDifference`, `$setEquals`,
//! `$setIsSubset`, `$anyElementTrue`, `$allElementsTrue`. Order and duplicates do not count; a
//! nested array is one element.

use std::collections::HashSet;

use bson::RawArray;
use bson::raw::RawBsonRef;
use indexmap::IndexMap;

use super::{Definition, Table, location};
use crate::Result;
use crate::expression::bounds::ArrayBuilder;
use crate::expression::key::{Key, key_of};
use crate::expression::{Value, items};

pub(super) const TABLE: Table = &[
    (
        "$setUnion",
        Definition::Variadic {
            min: 0,
            max: usize::MAX,
            eval: union,
        },
    ),
    (
        "$setIntersection",
        Definition::Variadic {
            min: 0,
            max: usize::MAX,
            eval: intersection,
        },
    ),
    ("$setDifference", Definition::Binary(difference)),
    (
        "$setEquals",
        Definition::Variadic {
            min: 2,
            max: usize::MAX,
            eval: equals,
        },
    ),
    ("$setIsSubset", Definition::Binary(is_subset)),
    (
        "$anyElementTrue",
        Definition::Unary(|value| {
            let array = array_of(&value, 17041, || "$anyElementTrue's argument".to_owned())?;
            Ok(items(array).any(is_true).into())
        }),
    ),
    (
        "$allElementsTrue",
        Definition::Unary(|value| {
            let array = array_of(&value, 17040, || "$allElementsTrue's argument".to_owned())?;
            Ok(items(array).all(is_true).into())
        }),
    ),
];

fn is_true(item: RawBsonRef<'_>) -> bool {
    Value::Borrowed(item).is_true()
}

fn array_of<'v>(
    value: &'v Value<'_>,
    code: i32,
    what: impl FnOnce() -> String,
) -> Result<&'v RawArray> {
    value.as_array().ok_or_else(|| {
        location(
            code,
            format!("{} must be an array, but is {}", what(), value.type_name()),
        )
    })
}

fn keys(array: &RawArray) -> HashSet<Key> {
    items(array).map(|item| key_of(Some(item))).collect()
}

/// The distinct items, in MongoDB's order: the manual leaves it open, a stable one is kinder.
fn sorted<'c>(items: IndexMap<Key, RawBsonRef<'_>>) -> Result<Value<'c>> {
    let mut all: Vec<_> = items.into_values().collect();
    all.sort_by(|left, right| document::compare(*left, *right));
    let mut result = ArrayBuilder::new();
    all.into_iter().try_for_each(|item| result.push(item))?;
    Ok(result.finish())
}

fn union<'c>(arguments: &mut [Value<'c>]) -> Result<Value<'c>> {
    let mut found = IndexMap::new();
    for argument in &*arguments {
        if argument.is_nullish() {
            return Ok(Value::NULL);
        }
        let array = array_of(argument, 17043, || "each operand of $setUnion".to_owned())?;
        for item in items(array) {
            found.entry(key_of(Some(item))).or_insert(item);
        }
    }
    sorted(found)
}

fn intersection<'c>(arguments: &mut [Value<'c>]) -> Result<Value<'c>> {
    let mut found: Option<IndexMap<Key, RawBsonRef<'_>>> = None;
    for argument in &*arguments {
        if argument.is_nullish() {
            return Ok(Value::NULL);
        }
        let array = array_of(argument, 17047, || {
            "each operand of $setIntersection".to_owned()
        })?;
        match &mut found {
            None => {
                let mut first = IndexMap::new();
                for item in items(array) {
                    first.entry(key_of(Some(item))).or_insert(item);
                }
                found = Some(first);
            }
            Some(found) => {
                let keys = keys(array);
                found.retain(|key, _| keys.contains(key));
            }
        }
    }
    sorted(found.unwrap_or_default())
}

fn difference<'c>(left: Value<'c>, right: Value<'c>) -> Result<Value<'c>> {
    if left.is_nullish() || right.is_nullish() {
        return Ok(Value::NULL);
    }
    let first = array_of(&left, 17048, || {
        "the first operand of $setDifference".to_owned()
    })?;
    let second = array_of(&right, 17049, || {
        "the second operand of $setDifference".to_owned()
    })?;
    let mut seen = keys(second);
    let mut result = ArrayBuilder::new();
    for item in items(first) {
        if seen.insert(key_of(Some(item))) {
            result.push(item)?;
        }
    }
    Ok(result.finish())
}

fn equals<'c>(arguments: &mut [Value<'c>]) -> Result<Value<'c>> {
    let mut first = None;
    let mut equal = true;
    for argument in &*arguments {
        let keys = keys(array_of(argument, 17044, || {
            "each operand of $setEquals".to_owned()
        })?);
        match &first {
            None => first = Some(keys),
            Some(first) => equal &= *first == keys,
        }
    }
    Ok(equal.into())
}

fn is_subset<'c>(left: Value<'c>, right: Value<'c>) -> Result<Value<'c>> {
    let first = array_of(&left, 17046, || {
        "the first operand of $setIsSubset".to_owned()
    })?;
    let second = array_of(&right, 17042, || {
        "the second operand of $setIsSubset".to_owned()
    })?;
    let second = keys(second);
    Ok(items(first)
        .all(|item| second.contains(&key_of(Some(item))))
        .into())
}
