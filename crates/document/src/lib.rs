//! What MongoDB says of a BSON value, over raw bytes: its order, its numbers, its limits, its
//! names, and the table of error codes.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

mod error_code;

pub use error_code::ErrorCode;
