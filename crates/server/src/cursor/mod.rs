//! Cursors: results that are handed out in batches.
//!
//! A [`Source`] produces documents; [`answer`] writes the first batch of it into a reply and keeps
//! it in [`Cursors`] for `getMore` if there is more.

mod batch;
mod registry;
mod source;

pub use batch::{CursorOptions, answer, more};
pub use registry::Cursors;
pub use source::{Documents, Sink, Source, Taken};
