//! Where documents come from, and how they flow.

use bson::RawDocumentBuf;
use document::ErrorCode;

use super::Leading;
use crate::{Error, Result};

/// Documents on their way, pulled one by one. After an error there are no more.
pub type Documents = Box<dyn Iterator<Item = Result<RawDocumentBuf>> + Send>;

/// The other collections of the database, for `$lookup` and `$unionWith`. The server implements it
/// over its planner and one snapshot.
pub trait Collections: Send + Sync + std::fmt::Debug {
    /// The documents of `collection` that `access` asks for: all of it must be answered. A
    /// collection that does not exist is empty.
    ///
    /// # Errors
    /// What the storage answers.
    fn find(&self, collection: &str, access: Leading) -> Result<Documents>;
}

/// For pipelines that cannot read other collections.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCollections;

impl Collections for NoCollections {
    fn find(&self, _: &str, _: Leading) -> Result<Documents> {
        Err(Error::new(
            ErrorCode::NotImplemented,
            "this pipeline cannot read other collections",
        ))
    }
}

/// Documents that are already there.
pub fn from_documents<I>(documents: I) -> Documents
where
    I: IntoIterator<Item = RawDocumentBuf>,
    I::IntoIter: Send + 'static,
{
    Box::new(documents.into_iter().map(Ok))
}

/// The documents that `build` makes when the first one is asked for: how a stage that must see all
/// of its input starts.
pub(crate) fn deferred(build: impl FnOnce() -> Result<Documents> + Send + 'static) -> Documents {
    Box::new(Deferred {
        build: Some(build),
        documents: None,
    })
}

struct Deferred<F> {
    build: Option<F>,
    documents: Option<Documents>,
}

impl<F: FnOnce() -> Result<Documents>> Iterator for Deferred<F> {
    type Item = Result<RawDocumentBuf>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(build) = self.build.take() {
            match build() {
                Ok(documents) => self.documents = Some(documents),
                Err(error) => return Some(Err(error)),
            }
        }
        self.documents.as_mut()?.next()
    }
}

/// `input` up to and with its first error.
pub(crate) fn until_error(input: Documents) -> Documents {
    let mut input = Some(input);
    Box::new(std::iter::from_fn(move || {
        let document = input.as_mut()?.next();
        if !matches!(document, Some(Ok(_))) {
            // What a stage holds is let go as soon as nothing more comes.
            input = None;
        }
        document
    }))
}

/// `input` with each document changed.
pub(crate) fn mapped(
    input: Documents,
    mut change: impl FnMut(RawDocumentBuf) -> Result<RawDocumentBuf> + Send + 'static,
) -> Documents {
    Box::new(input.map(move |document| change(document?)))
}
