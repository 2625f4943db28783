//! A range of keys, read where it lies.

use std::borrow::Cow;

use surrealkv::LSMIterator;

use super::errors::Translate;
use crate::engine::Cursor;
use crate::error::Result;

pub(super) struct RangeCursor<'a, I> {
    iterator: I,
    translate: &'a Translate,
    /// A value that the engine could not lend.
    owned: Vec<u8>,
}

impl<'a, I: LSMIterator> RangeCursor<'a, I> {
    pub(super) fn new(iterator: I, translate: &'a Translate) -> Self {
        Self {
            iterator,
            translate,
            owned: Vec::new(),
        }
    }

    fn done(&self, result: surrealkv::Result<bool>) -> Result<bool> {
        result.map_err(|error| self.translate.error(error))
    }
}

impl<I: LSMIterator> Cursor for RangeCursor<'_, I> {
    fn first(&mut self) -> Result<bool> {
        let moved = self.iterator.seek_first();
        self.done(moved)
    }

    fn last(&mut self) -> Result<bool> {
        let moved = self.iterator.seek_last();
        self.done(moved)
    }

    fn seek(&mut self, key: &[u8]) -> Result<bool> {
        let moved = self.iterator.seek(key);
        self.done(moved)
    }

    fn seek_before(&mut self, key: &[u8]) -> Result<bool> {
        if self.seek(key)? {
            self.previous()
        } else {
            self.last()
        }
    }

    fn next(&mut self) -> Result<bool> {
        let moved = self.iterator.next();
        self.done(moved)
    }

    fn previous(&mut self) -> Result<bool> {
        let moved = self.iterator.prev();
        self.done(moved)
    }

    fn key(&self) -> &[u8] {
        if self.iterator.valid() {
            self.iterator.key().user_key()
        } else {
            &[]
        }
    }

    fn value(&mut self) -> Result<&[u8]> {
        let Self {
            iterator,
            translate,
            owned,
        } = self;
        if !iterator.valid() {
            return Ok(&[]);
        }
        match iterator
            .value_ref()
            .map_err(|error| translate.error(error))?
        {
            Cow::Borrowed(value) => Ok(value),
            Cow::Owned(value) => {
                *owned = value;
                Ok(owned)
            }
        }
    }
}
