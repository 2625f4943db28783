//! The hook for updates that are pipelines: this module knows nothing of stages.

use bson::{RawArray, RawDocument, RawDocumentBuf};
use document::ErrorCode;

use super::rewriter::check_size;
use super::{Outcome, apply};
use crate::{Error, Result};

/// A compiled pipeline of `$set`, `$unset`, `$project`, `$replaceWith` … that makes one document of
/// another.
pub trait Transform: std::fmt::Debug + Send + Sync {
    /// The document that the stages make of `document`.
    ///
    /// # Errors
    ///
    /// What evaluating the stages' expressions can fail with.
    fn transform(&self, document: &RawDocument) -> Result<RawDocumentBuf>;
}

/// Compiles the stages of an update. Any closure of that shape is one.
pub trait TransformFactory {
    /// Compiles `stages`.
    ///
    /// # Errors
    ///
    /// What parsing the stages answers; `InvalidOptions` for a stage that an update may not have.
    fn compile(&self, stages: &RawArray) -> Result<Box<dyn Transform>>;
}

impl<F> TransformFactory for F
where
    F: Fn(&RawArray) -> Result<Box<dyn Transform>>,
{
    fn compile(&self, stages: &RawArray) -> Result<Box<dyn Transform>> {
        self(stages)
    }
}

/// Refuses pipelines.
#[derive(Debug, Clone, Copy)]
pub struct NoPipelines;

impl TransformFactory for NoPipelines {
    fn compile(&self, _: &RawArray) -> Result<Box<dyn Transform>> {
        Err(Error::new(
            ErrorCode::NotImplemented,
            "updates that are an aggregation pipeline are not supported here",
        ))
    }
}

/// Applies a pipeline; `_id` stays, and stays in front.
pub(super) fn apply(pipeline: &dyn Transform, document: &RawDocument) -> Result<Outcome> {
    use crate::raw::{Elements, write};

    let mut updated = pipeline.transform(document)?;
    if let Some(id) = Elements::of(document).find_name(b"_id") {
        match Elements::of(&updated).find_name(b"_id") {
            // A stage that drops `_id`, such as `$replaceWith`, does not change it.
            None => updated = with_id_first(id.whole, &updated),
            Some(_) => apply::check_id(document, &updated)?,
        }
    }
    check_size(updated.as_bytes().len())?;
    if crate::raw::levels(crate::raw::tag::DOCUMENT, updated.as_bytes())
        > document::limits::MAX_NESTING
    {
        return Err(super::operators::too_deep());
    }
    return Ok(if updated.as_bytes() == document.as_bytes() {
        Outcome::Unchanged
    } else {
        Outcome::Changed(updated)
    });

    fn with_id_first(id: &[u8], document: &RawDocument) -> RawDocumentBuf {
        let mut out = Vec::with_capacity(document.as_bytes().len() + id.len());
        let start = write::begin(&mut out);
        out.extend_from_slice(id);
        for field in Elements::of(document) {
            out.extend_from_slice(field.whole);
        }
        write::end(&mut out, start);
        RawDocumentBuf::from_bytes(out).unwrap_or_default()
    }
}
