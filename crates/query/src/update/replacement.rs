//! Replacement documents.
//!
//! Source: the manual's page "db.collection.replaceOne()".

use bson::{RawDocument, RawDocumentBuf};
use document::ErrorCode;

use super::rewriter::check_size;
use super::{Outcome, UpdateContext, apply};
use crate::raw::{Element, Elements, tag, write};
use crate::{Error, Result};

/// A document that takes the place of another, which keeps its `_id`.
#[derive(Debug)]
pub(super) struct Replacement {
    document: RawDocumentBuf,
}

impl Replacement {
    pub(super) fn parse(document: &RawDocument) -> Result<Self> {
        if let Some(field) = Elements::of(document).find(|field| field.name.starts_with(b"$")) {
            let name = field.name_str();
            return Err(Error::new(
                ErrorCode::DollarPrefixedFieldName,
                format!(
                    "The dollar ($) prefixed field '{name}' in '{name}' is not allowed in the \
                     context of an update's replacement document. Consider using an aggregation \
                     pipeline with $replaceWith."
                ),
            ));
        }
        Ok(Self {
            document: document.to_owned(),
        })
    }

    /// The document that replaces `document`: its `_id`, then the other fields.
    pub(super) fn apply(&self, document: &RawDocument, context: &UpdateContext) -> Result<Outcome> {
        let id = Elements::of(document).find_name(b"_id");
        if id.is_some() && Elements::of(&self.document).find_name(b"_id").is_some() {
            apply::check_id(document, &self.document).map_err(|error| {
                Error::new(
                    error.code,
                    "After applying the update, the (immutable) field '_id' was found to have been \
                     altered",
                )
            })?;
        }
        let replaced = self.with_id(id, context)?;
        Ok(if replaced.as_bytes() == document.as_bytes() {
            Outcome::Unchanged
        } else {
            Outcome::Changed(replaced)
        })
    }

    /// The replacement with `id`, or with its own `_id`, in front.
    fn with_id(&self, id: Option<Element<'_>>, context: &UpdateContext) -> Result<RawDocumentBuf> {
        let mut out = Vec::with_capacity(self.document.as_bytes().len() + 32);
        let start = write::begin(&mut out);
        if let Some(id) = id.or_else(|| Elements::of(&self.document).find_name(b"_id")) {
            out.extend_from_slice(id.whole);
        }
        for field in Elements::of(&self.document).filter(|field| field.name != b"_id") {
            if field.is_identical(tag::TIMESTAMP, &[0; 8]) {
                let now = timestamp_bytes(context.timestamp);
                write::element(&mut out, tag::TIMESTAMP, field.name, &now);
            } else {
                out.extend_from_slice(field.whole);
            }
        }
        write::end(&mut out, start);
        check_size(out.len())?;
        Ok(RawDocumentBuf::from_bytes(out).unwrap_or_default())
    }
}

/// A timestamp as BSON has it: the increment, then the seconds, little-endian.
pub(super) fn timestamp_bytes(timestamp: bson::Timestamp) -> [u8; 8] {
    (u64::from(timestamp.time) << 32 | u64::from(timestamp.increment)).to_le_bytes()
}
