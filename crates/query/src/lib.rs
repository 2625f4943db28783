//! MongoDB's query language over raw BSON: filters, access paths, sort orders, updates,
//! projections, expressions and pipeline stages.
//!
//! Pure: nothing here reads a clock, a file, a socket or the storage. Everything is parsed once
//! into a tree that then runs over raw documents without deserialising them.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

mod error;
pub mod expression;
pub mod filter;
pub mod pipeline;
pub mod plan;
pub mod projection;
mod raw;
pub mod sort;
pub mod update;

pub use error::{Error, Result};
