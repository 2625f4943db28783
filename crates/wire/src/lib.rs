//! The MongoDB wire protocol, sans-IO: message headers, `OP_MSG`, the `OP_QUERY`/`OP_REPLY` pair of
//! the handshake, and `OP_COMPRESSED`.
//!
//! Everything here takes bytes that some client sent. A message is borrowed, never copied; its
//! documents have passed [`document::validate()`] when they leave this crate, and nothing is allocated
//! by a length that was not checked first.
//!
//! Source: the manual's page "MongoDB Wire Protocol" and the specification `OP_MSG` of the drivers.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

pub mod compressed;
mod error;
pub mod header;
pub mod msg;
pub mod query;
mod read;

pub use compressed::Compressor;
pub use error::{Error, Result};
pub use header::{HEADER_BYTES, Header, OpCode};
pub use msg::{Msg, Sequence};
pub use query::Query;
