//! `$addToSet`, with `$each`.

use bson::RawBsonRef;
use document::types;

use super::{Builder, Effect, Env, Modifier, Target, check_levels};
use crate::raw::{Value, levels, tag, type_name, write};
use crate::{Error, Result};

#[derive(Debug)]
struct AddToSet {
    /// Without duplicates, in the order in which they are added.
    values: Vec<Value>,
    /// Positions in `values`, sorted by value, for a binary search.
    sorted: Vec<usize>,
}

pub(super) fn parse(builder: &mut Builder, path: &str, argument: RawBsonRef<'_>) -> Result<()> {
    let path = builder.path(path)?;
    let values = match each(argument)? {
        Some(values) => values,
        None => vec![Value::new(argument)],
    };
    for value in &values {
        check_levels(&path, 1 + levels(value.tag(), value.bytes()))?;
    }
    builder.add(path, AddToSet::new(values));
    Ok(())
}

/// The values of `{ $each: [ … ] }`; `None` if the argument is a value itself.
fn each(argument: RawBsonRef<'_>) -> Result<Option<Vec<Value>>> {
    let RawBsonRef::Document(document) = argument else {
        return Ok(None);
    };
    let mut fields = document.iter().map_while(std::result::Result::ok);
    let values = match fields.next() {
        Some((name, values)) if name.as_str() == "$each" => values,
        _ => return Ok(None),
    };
    let RawBsonRef::Array(values) = values else {
        return Err(Error::type_mismatch(format!(
            "The argument to $each in $addToSet must be an array but it was of type {}",
            types::type_name(&values)
        )));
    };
    if let Some((name, _)) = fields.next() {
        return Err(Error::bad_value(format!(
            "Found unexpected fields after $each in $addToSet: {name}"
        )));
    }
    Ok(Some(
        values
            .into_iter()
            .map_while(std::result::Result::ok)
            .map(Value::new)
            .collect(),
    ))
}

impl AddToSet {
    fn new(values: Vec<Value>) -> Self {
        let mut keyed: Vec<(usize, Value)> = values.into_iter().enumerate().collect();
        // Stable, so that of equal values the first one is kept.
        keyed.sort_by(|(_, left), (_, right)| document::compare(left.get(), right.get()));
        keyed.dedup_by(|(_, later), (_, earlier)| {
            document::compare::equal(later.get(), earlier.get())
        });
        let mut order: Vec<usize> = (0..keyed.len()).collect();
        order.sort_by_key(|rank| keyed.get(*rank).map(|(position, _)| *position));
        let mut sorted = vec![0; order.len()];
        for (position, rank) in order.iter().enumerate() {
            if let Some(slot) = sorted.get_mut(*rank) {
                *slot = position;
            }
        }
        keyed.sort_by_key(|(position, _)| *position);
        Self {
            values: keyed.into_iter().map(|(_, value)| value).collect(),
            sorted,
        }
    }

    /// The position in `values` of the one that equals `item`.
    fn find(&self, item: RawBsonRef<'_>) -> Option<usize> {
        let value_at = |position: &usize| {
            self.values
                .get(*position)
                .map_or(RawBsonRef::Null, Value::get)
        };
        self.sorted
            .binary_search_by(|position| document::compare(value_at(position), item))
            .ok()
            .and_then(|rank| self.sorted.get(rank).copied())
    }
}

impl Modifier for AddToSet {
    fn update(&self, target: &Target<'_>, scratch: &mut Vec<u8>) -> Result<Effect<'_>> {
        let array = &target.element;
        if array.tag != tag::ARRAY {
            return Err(Error::bad_value(format!(
                "Cannot apply $addToSet to non-array field. Field named '{}' has non-array type {}",
                target.path,
                type_name(array.tag)
            )));
        }
        let mut present = vec![false; self.values.len()];
        let mut count = 0;
        for (_, item) in array.items() {
            count += 1;
            if let Some(slot) = self.find(item).and_then(|at| present.get_mut(at)) {
                *slot = true;
            }
        }
        if present.iter().all(|present| *present) {
            return Ok(Effect::Nothing);
        }
        let missing = self
            .values
            .iter()
            .zip(&present)
            .filter(|(_, present)| !**present)
            .map(|(value, _)| value);
        let start = write::begin(scratch);
        // The items as they stand, without the array's length and end.
        let items = array.value.get(4..array.value.len().saturating_sub(1));
        scratch.extend_from_slice(items.unwrap_or_default());
        for (index, value) in (count..).zip(missing) {
            write::index_element(scratch, value.tag(), index, value.bytes());
        }
        write::end(scratch, start);
        Ok(Effect::Written(tag::ARRAY))
    }

    fn create(&self, _: &Env<'_>, scratch: &mut Vec<u8>) -> Result<Effect<'_>> {
        let start = write::begin(scratch);
        for (index, value) in self.values.iter().enumerate() {
            write::index_element(scratch, value.tag(), index, value.bytes());
        }
        write::end(scratch, start);
        Ok(Effect::Written(tag::ARRAY))
    }

    fn creates(&self, _: &Env<'_>) -> bool {
        true
    }
}
