//! Where a cursor's documents come from.

use std::collections::VecDeque;
use std::time::Instant;

use bson::{RawDocument, RawDocumentBuf};

use crate::error::Result;

/// What the receiver of a document made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It took it, and takes another one.
    More,
    /// It took it, and that is enough for now.
    Enough,
    /// It has no room for it: it must come again the next time.
    Refused,
}

/// Receives documents one by one, borrowed for the call.
pub type Sink<'a> = dyn FnMut(&RawDocument) -> Result<Taken> + 'a;

/// Produces documents, and can stop after any of them and go on later.
///
/// Pushing instead of pulling lets a source borrow from the storage engine for the length of a
/// batch: the bytes of a document are copied once, into the reply.
pub trait Source: Send {
    /// Hands documents to `sink` until it has enough, or there are no more: `true` then.
    fn run(&mut self, deadline: Option<Instant>, sink: &mut Sink<'_>) -> Result<bool>;

    /// Whether a batch may take long enough to be kept off the threads that serve other clients.
    fn is_long(&self) -> bool;
}

/// Documents that are all there.
#[derive(Debug, Default)]
pub struct Documents(VecDeque<RawDocumentBuf>);

impl Documents {
    /// A source of `documents`.
    pub fn new(documents: Vec<RawDocumentBuf>) -> Self {
        Self(documents.into())
    }
}

impl Source for Documents {
    fn run(&mut self, _: Option<Instant>, sink: &mut Sink<'_>) -> Result<bool> {
        while let Some(document) = self.0.front() {
            let taken = sink(document)?;
            if taken == Taken::Refused {
                return Ok(false);
            }
            self.0.pop_front();
            if taken == Taken::Enough {
                break;
            }
        }
        Ok(self.0.is_empty())
    }

    fn is_long(&self) -> bool {
        false
    }
}
