//! What MongoDB says of a BSON value, over raw bytes: its order, its numbers, its limits, its
//! names, and the table of error codes.
//!
//! The layers above agree on these by sharing them: the filter that says `1 == 1.0`, the sort that
//! puts numbers before strings, and the index key that must sort as both of them do.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

pub mod compare;
pub mod decimal;
mod error_code;
pub mod limits;
pub mod number;
pub mod types;
pub mod validate;
pub mod writer;

pub use compare::compare;
pub use error_code::ErrorCode;
pub use number::Number;
pub use validate::{ValidationError, validate};
pub use writer::Writer;
