//! Making a client's document ready to be stored: its `_id` there and first, within the limits.
//!
//! Source: the manual's pages "Documents" (the `_id` field, field order) and "Timestamps" (an
//! empty timestamp in a top-level field is replaced by the current one).

use std::borrow::Cow;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use bson::oid::ObjectId;
use bson::{RawBsonRef, RawDocument, RawDocumentBuf, Timestamp};
use document::limits::MAX_DOCUMENT_BYTES;
use document::{ErrorCode, Writer, types};

use crate::error::{CommandError, Result};

/// The document as it is to be stored. It is borrowed where nothing has to be changed.
pub fn prepare(document: &RawDocument) -> Result<Cow<'_, RawDocument>> {
    let mut id = None;
    let mut id_is_first = false;
    let mut empty_timestamp = false;
    for (index, element) in document
        .iter_elements()
        .map_while(std::result::Result::ok)
        .enumerate()
    {
        if element.key().as_str() == "_id" {
            if id.is_none() {
                id = element.value().ok();
                id_is_first = index == 0;
            }
        } else if element.element_type() == bson::spec::ElementType::Timestamp {
            empty_timestamp |= is_empty_timestamp(element.value().ok());
        }
    }
    if let Some(id) = id {
        check_id(id)?;
    }
    check_size(document.as_bytes().len())?;
    if id_is_first && !empty_timestamp {
        return Ok(Cow::Borrowed(document));
    }
    let written = rewrite(document, id);
    check_size(written.as_bytes().len())?;
    Ok(Cow::Owned(written))
}

/// Refuses a document that is too large to be stored.
pub fn check_size(bytes: usize) -> Result<()> {
    if bytes <= MAX_DOCUMENT_BYTES {
        return Ok(());
    }
    Err(CommandError::new(
        ErrorCode::BSONObjectTooLarge,
        format!(
            "object to insert too large. size in bytes: {bytes}, max size: {MAX_DOCUMENT_BYTES}"
        ),
    ))
}

/// Refuses an `_id` of a type that none may have.
fn check_id(id: RawBsonRef<'_>) -> Result<()> {
    match id {
        RawBsonRef::Array(_) | RawBsonRef::RegularExpression(_) | RawBsonRef::Undefined => {
            Err(CommandError::new(
                ErrorCode::InvalidIdField,
                format!(
                    "The '_id' value cannot be of type {}",
                    types::type_name(&id)
                ),
            ))
        }
        RawBsonRef::Document(document) => {
            let dollar = document
                .iter_elements()
                .map_while(std::result::Result::ok)
                .any(|element| element.key().as_str().starts_with('$'));
            if dollar {
                return Err(CommandError::new(
                    ErrorCode::DollarPrefixedFieldName,
                    "_id fields may not contain '$'-prefixed fields",
                ));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn rewrite(document: &RawDocument, id: Option<RawBsonRef<'_>>) -> RawDocumentBuf {
    let mut writer = Writer::new(Vec::with_capacity(document.as_bytes().len() + 22));
    writer.field(
        "_id",
        id.unwrap_or_else(|| RawBsonRef::ObjectId(ObjectId::new())),
    );
    for element in document.iter_elements().map_while(std::result::Result::ok) {
        let (name, value) = (element.key().as_str(), element.value());
        match value {
            _ if name == "_id" => {}
            Ok(value) if is_empty_timestamp(Some(value)) => {
                writer.field(name, RawBsonRef::Timestamp(current_timestamp()));
            }
            Ok(value) => writer.field(name, value),
            Err(_) => {}
        }
    }
    RawDocumentBuf::from_bytes(writer.finish()).unwrap_or_default()
}

fn is_empty_timestamp(value: Option<RawBsonRef<'_>>) -> bool {
    value
        == Some(RawBsonRef::Timestamp(Timestamp {
            time: 0,
            increment: 0,
        }))
}

/// A timestamp of now that no other call gets within the second.
pub fn current_timestamp() -> Timestamp {
    static INCREMENT: AtomicU32 = AtomicU32::new(1);
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    Timestamp {
        time: u32::try_from(seconds).unwrap_or(u32::MAX),
        increment: INCREMENT.fetch_add(1, Ordering::Relaxed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::rawdoc;

    #[test]
    fn the_id_is_there_and_first() {
        let as_is = rawdoc! { "_id": 1, "a": 2 };
        assert!(matches!(prepare(&as_is).unwrap(), Cow::Borrowed(_)));
        let moved = prepare(&rawdoc! { "a": 2, "_id": 1 }).unwrap().into_owned();
        assert_eq!(moved, as_is);
        let made = prepare(&rawdoc! { "a": 2 }).unwrap().into_owned();
        assert!(made.get_object_id("_id").is_ok());
        assert_eq!(made.get_i32("a").unwrap(), 2);
    }

    #[test]
    fn an_empty_timestamp_is_filled_in() {
        let empty = Timestamp {
            time: 0,
            increment: 0,
        };
        let filled = prepare(&rawdoc! { "_id": 1, "t": empty })
            .unwrap()
            .into_owned();
        assert_ne!(filled.get_timestamp("t").unwrap(), empty);
    }

    #[test]
    fn refuses_what_cannot_be_an_id() {
        let code = |document: RawDocumentBuf| prepare(&document).unwrap_err().code;
        assert_eq!(code(rawdoc! { "_id": [1] }), ErrorCode::InvalidIdField);
        assert_eq!(
            code(rawdoc! { "_id": { "$a": 1 } }),
            ErrorCode::DollarPrefixedFieldName
        );
        let large = rawdoc! { "_id": 1, "a": "x".repeat(MAX_DOCUMENT_BYTES) };
        assert_eq!(code(large), ErrorCode::BSONObjectTooLarge);
    }
}
