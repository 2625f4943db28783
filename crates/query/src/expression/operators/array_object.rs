//! `$arrayToObject`, `$objectToArray`.

use bson::raw::{CStr, CString, RawBsonRef, cstr};
use bson::{RawDocument, RawDocumentBuf};
use indexmap::IndexMap;

use super::{Definition, Table, location};
use crate::Result;
use crate::expression::bounds::ArrayBuilder;
use crate::expression::{Value, fields, items};

pub(super) const TABLE: Table = &[
    ("$arrayToObject", Definition::Unary(array_to_object)),
    ("$objectToArray", Definition::Unary(object_to_array)),
];

fn object_to_array<'c>(value: Value<'c>) -> Result<Value<'c>> {
    if value.is_nullish() {
        return Ok(Value::NULL);
    }
    let document = value.as_document().ok_or_else(|| {
        location(
            40390,
            format!(
                "$objectToArray requires a document input, found: {}",
                value.type_name()
            ),
        )
    })?;
    let mut result = ArrayBuilder::new();
    for (name, value) in fields(document) {
        let mut pair = RawDocumentBuf::new();
        pair.append(cstr!("k"), name.as_str());
        pair.append(cstr!("v"), value);
        result.push(RawBsonRef::Document(&pair))?;
    }
    Ok(result.finish())
}

fn array_to_object<'c>(value: Value<'c>) -> Result<Value<'c>> {
    if value.is_nullish() {
        return Ok(Value::NULL);
    }
    let array = value.as_array().ok_or_else(|| {
        location(
            40386,
            format!(
                "$arrayToObject requires an array input, found: {}",
                value.type_name()
            ),
        )
    })?;
    // A name that comes again keeps its place and takes the later value.
    let mut members: IndexMap<&str, RawBsonRef<'_>> = IndexMap::new();
    let mut pairs_are_arrays = None;
    for item in items(array) {
        let is_array = matches!(item, RawBsonRef::Array(_));
        let (name, value) = match item {
            RawBsonRef::Array(pair) => {
                let parts: Vec<_> = items(pair).take(3).collect();
                let [name, value] = parts[..] else {
                    return Err(location(
                        40397,
                        "$arrayToObject requires an array of size 2 arrays, found an array of \
                         another size",
                    ));
                };
                let RawBsonRef::String(name) = name else {
                    return Err(location(
                        40395,
                        format!(
                            "$arrayToObject requires an array of key-value pairs, where the key \
                             must be of type string. Found key type: {}",
                            document::types::type_name(&name)
                        ),
                    ));
                };
                (name, value)
            }
            RawBsonRef::Document(pair) => key_and_value(pair)?,
            other => {
                return Err(location(
                    40398,
                    format!(
                        "Unrecognised input type format for $arrayToObject: {}",
                        document::types::type_name(&other)
                    ),
                ));
            }
        };
        if *pairs_are_arrays.get_or_insert(is_array) != is_array {
            let (code, first, second) = if is_array {
                (40391, "Object", "array")
            } else {
                (40396, "Array", "object")
            };
            return Err(location(
                code,
                format!(
                    "$arrayToObject requires a consistent input format. Elements must all be \
                     arrays or all be objects. {first} was detected, now found: {second}"
                ),
            ));
        }
        members.insert(name, value);
    }
    let mut result = RawDocumentBuf::new();
    for (name, value) in members {
        let name: &CStr = name
            .try_into()
            .map_err(|_| location(4_940_400, "Key field cannot contain an embedded null byte"))?;
        result.append(CString::from(name), value);
    }
    Ok(result.into())
}

fn key_and_value(pair: &RawDocument) -> Result<(&str, RawBsonRef<'_>)> {
    if fields(pair).count() != 2 {
        return Err(location(
            40392,
            "$arrayToObject requires an object keys of 'k' and 'v'. Found incorrect number of keys",
        ));
    }
    let (Ok(Some(name)), Ok(Some(value))) = (pair.get("k"), pair.get("v")) else {
        return Err(location(
            40393,
            "$arrayToObject requires an object with keys 'k' and 'v'. Missing either or both keys",
        ));
    };
    let RawBsonRef::String(name) = name else {
        return Err(location(
            40394,
            format!(
                "$arrayToObject requires an object with keys 'k' and 'v', where the value of 'k' \
                 must be of type string. Found type: {}",
                document::types::type_name(&name)
            ),
        ));
    };
    Ok((name, value))
}
