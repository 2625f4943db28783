#![doc = include_str!("../README.md")]
//!
//! # Where things are
//!
//! - A [`Client`] is cheap to keep and can connect any number of times; it reads changed
//!   certificate files again. [`Client::connect`] yields a [`Session`].
//! - A [`Session`] is one connection at a time to one server. When it breaks, the next operation
//!   connects again. Its methods are the operations; [`Session::request`] sends any other operation
//!   of the [`kmip`] crate, [`Session::send`] a [`Batch`], [`Session::submit`] what may take long.
//! - Every failure is an [`Error`] that names the server, the attempt and the operation, and has
//!   an [`ErrorKind`].

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

mod address;
mod asynchronous;
mod attributes;
mod backoff;
mod batch;
mod client;
mod config;
mod connection;
mod error;
mod exchange;
mod key;
mod message;
mod negotiate;
mod operations;
mod resolver;
mod session;
mod tls_error;

pub use address::{AddressError, DEFAULT_PORT, ServerAddress};
pub use asynchronous::{Pending, Submitted};
pub use attributes::ObjectAttributes;
pub use batch::{Answers, Batch, BatchItem};
pub use client::Client;
pub use config::{ClientConfig, VersionPolicy};
pub use error::{Attempt, Error, ErrorKind, Result};
pub use key::{NewSymmetricKey, SymmetricKey, material};
pub use message::RawAnswer;
pub use operations::encrypt::Encrypted;
pub use operations::locate::Hit;
pub use operations::query::ServerInformation;
pub use resolver::Resolver;
pub use session::Session;
