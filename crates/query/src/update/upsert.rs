//! The document that an upsert inserts.
//!
//! Source: the manual's page "db.collection.updateOne()", "Upsert with Operator Expressions".

use bson::oid::ObjectId;
use bson::{RawDocument, RawDocumentBuf};
use document::ErrorCode;
use document::limits::MAX_NESTING;

use super::{Outcome, Update, UpdateContext};
use crate::filter::Matcher;
use crate::raw::{Elements, Value, levels, tag, type_name, write};
use crate::{Error, Result};

/// The document to insert when nothing matches `filter`: what the filter demands of fields by
/// equality, with the update applied to it (for a replacement: the filter's `_id`). `_id` comes
/// first; it is `new_id` if neither filter nor update says otherwise.
///
/// # Errors
///
/// `NotSingleValueField` if the filter demands two values of one field, `ImmutableField` if filter
/// and update differ on `_id`, `InvalidIdField` for an `_id` of a type that it cannot have, and
/// what [`Update::apply`] answers.
pub fn upsert_document(
    filter: &Matcher,
    update: &Update,
    context: &UpdateContext,
    new_id: ObjectId,
) -> Result<RawDocumentBuf> {
    let context = UpdateContext {
        is_insert: true,
        ..*context
    };
    let demanded = demanded(filter, update.is_replacement())?;
    let updated = match update.apply(&demanded, &context)? {
        Outcome::Changed(updated) => updated,
        Outcome::Unchanged => demanded.clone(),
    };
    with_id_first(&updated, new_id)
}

/// A document of the fields on which the filter demands equality.
fn demanded(filter: &Matcher, only_id: bool) -> Result<RawDocumentBuf> {
    let mut fields: Vec<(Vec<&str>, Value)> = Vec::new();
    for (path, value) in filter.equalities() {
        if only_id && path != "_id" {
            if path.starts_with("_id.") {
                return Err(Error::new(
                    ErrorCode::NotExactValueField,
                    format!(
                        "field at '_id' must be exactly specified, field at sub-path '{path}' found"
                    ),
                ));
            }
            continue;
        }
        let parts: Vec<&str> = path.split('.').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return Err(Error::new(
                ErrorCode::EmptyFieldName,
                format!("the filter's path '{path}' contains an empty field name"),
            ));
        }
        let value = Value::new(value);
        if parts.len() + levels(value.tag(), value.bytes()) > MAX_NESTING {
            return Err(super::operators::too_deep());
        }
        fields.push((parts, value));
    }
    let is_id = |parts: &[&str]| parts.first() == Some(&"_id");
    fields.sort_by(|(left, _), (right, _)| {
        (is_id(right).cmp(&is_id(left))).then_with(|| left.cmp(right))
    });
    for (path, next) in fields.iter().zip(fields.iter().skip(1)) {
        let (path, next) = (&path.0, &next.0);
        if next.starts_with(path) {
            let (path, next) = (path.join("."), next.join("."));
            return Err(Error::new(
                ErrorCode::NotSingleValueField,
                if path == next {
                    format!("cannot infer query fields to set, path '{path}' is matched twice")
                } else {
                    format!(
                        "cannot infer query fields to set, both paths '{path}' and '{next}' are \
                         matched"
                    )
                },
            ));
        }
    }
    let mut out = Vec::new();
    write_fields(&fields, 0, &mut out);
    Ok(RawDocumentBuf::from_bytes(out).unwrap_or_default())
}

/// Writes the document of fields that agree in their first `depth` components.
fn write_fields(fields: &[(Vec<&str>, Value)], depth: usize, out: &mut Vec<u8>) {
    let start = write::begin(out);
    let part = |field: &(Vec<&str>, Value)| field.0.get(depth).map_or("", |part| part).to_owned();
    for group in fields.chunk_by(|left, right| part(left) == part(right)) {
        let Some(first) = group.first() else { continue };
        let name = part(first);
        if first.0.len() == depth + 1 {
            write::element(out, first.1.tag(), name.as_bytes(), first.1.bytes());
        } else {
            write::header(out, tag::DOCUMENT, name.as_bytes());
            write_fields(group, depth + 1, out);
        }
    }
    write::end(out, start);
}

fn with_id_first(document: &RawDocument, new_id: ObjectId) -> Result<RawDocumentBuf> {
    let id = Elements::of(document).find_name(b"_id");
    if let Some(id) = &id {
        check_id_value(id.tag, id.value)?;
        if id.start == 4 {
            return Ok(document.to_owned());
        }
    }
    let mut out = Vec::with_capacity(document.as_bytes().len() + 32);
    let start = write::begin(&mut out);
    match id {
        Some(id) => out.extend_from_slice(id.whole),
        None => write::element(&mut out, tag::OBJECT_ID, b"_id", &new_id.bytes()),
    }
    for field in Elements::of(document).filter(|field| field.name != b"_id") {
        out.extend_from_slice(field.whole);
    }
    write::end(&mut out, start);
    super::rewriter::check_size(out.len())?;
    Ok(RawDocumentBuf::from_bytes(out).unwrap_or_default())
}

/// Refuses what cannot be an `_id`.
///
/// Source: the manual's page "Documents", "The _id Field".
fn check_id_value(tag: u8, value: &[u8]) -> Result<()> {
    match tag {
        tag::ARRAY | tag::REGEX | tag::UNDEFINED => Err(Error::new(
            ErrorCode::InvalidIdField,
            format!("The '_id' value cannot be of type {}", type_name(tag)),
        )),
        tag::DOCUMENT if Elements::of_bytes(value).any(|field| field.name.starts_with(b"$")) => {
            Err(Error::new(
                ErrorCode::DollarPrefixedFieldName,
                "_id fields may not contain '$'-prefixed fields",
            ))
        }
        _ => Ok(()),
    }
}
