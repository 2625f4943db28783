#![doc = include_str!("../README.md")]
//!
//! # Where things are
//!
//! [`KmipArguments`] is the command line, [`run`] does what it says. One subcommand a file in `commands`, registered in
//! one table there. What a subcommand finds out is a report: written for people, or as one JSON document with `--json`
//! (docs/kmip-tool.md has its fields).
//!
//! - Key material stays in wiped memory and is shown only when that is asked for ([`secrecy`]).
//! - What a server sends is printed with its control characters escaped, and bounded by [`limits`].
//! - What is sent to a server is the client library's affair (`kmip_client::Session`), lost answers included.
//! - Nothing here knows `strongroomd`'s configuration: whoever calls [`run`] reads `--config`.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

mod arguments;
mod attribute;
mod commands;
mod connection;
mod failure;
mod find;
mod identify;
pub mod limits;
mod log;
mod material;
mod page;
mod raw;
pub mod secrecy;
mod shown;
mod summary;
mod tool;
mod words;

pub use arguments::KmipArguments;
pub use commands::NAMES as SUBCOMMANDS;
pub use connection::{ConnectionArguments, ConnectionOptions, PASSWORD_VARIABLE, VersionChoice};
pub use failure::{Cause, Failure};
pub use log::subscriber;
pub use tool::{Io, run};
