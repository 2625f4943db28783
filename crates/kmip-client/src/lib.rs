//! A KMIP client: finds a server that answers, agrees on a protocol version, and offers the
//! operations that a user of keys needs as typed calls.
//!
//! ```no_run
//! # async fn example(tls: tls::ClientTls) -> kmip_client::Result<()> {
//! use kmip_client::{Client, ClientConfig, DEFAULT_PORT, NewSymmetricKey, ServerAddress};
//!
//! let servers = ServerAddress::parse_list("kms1, kms2:15696, [::1]", DEFAULT_PORT).unwrap();
//! let client = Client::new(ClientConfig::new(servers, tls))?;
//! // Connection, authentication and version are settled here: whatever is wrong with them is
//! // known before a key exists.
//! let mut session = client.connect().await?;
//! let id = session.create_symmetric_key(&NewSymmetricKey::aes256("strongroom/db-1/1")).await?;
//! session.activate(&id).await?;
//! let key = session.get_symmetric_key(&id).await?;
//! # let _ = key;
//! # Ok(())
//! # }
//! ```
//!
//! - A [`Client`] is cheap to keep and can connect any number of times; it reads changed
//!   certificate files again.
//! - A [`Session`] is one connection at a time to one server. When it breaks, the next operation
//!   connects again; operations that are safe to repeat are repeated once, and Create and
//!   Register look for the key by its unique Name instead of making a second one.
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
mod negotiate;
mod operations;
mod session;
mod tls_error;

pub use address::{AddressError, DEFAULT_PORT, ServerAddress};
pub use asynchronous::{Pending, Submitted};
pub use attributes::ObjectAttributes;
pub use batch::{Answers, Batch, BatchItem};
pub use client::Client;
pub use config::{ClientConfig, VersionPolicy};
pub use error::{Attempt, Error, ErrorKind, Result};
pub use key::{NewSymmetricKey, SymmetricKey};
pub use operations::encrypt::Encrypted;
pub use operations::query::ServerInformation;
pub use session::Session;
