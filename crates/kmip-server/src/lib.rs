//! A KMIP server: mutual TLS, KMIP 1.0 to 2.1, objects sealed on disk. `kmipd` runs it with a policy and
//! an audit log; `strongroom dev` runs it in its own process, and so do tests. What it offers:
//! COMPATIBILITY.md, "KMIP server".
//!
//! ```no_run
//! # async fn example(tls: tls::ServerTls) -> Result<(), kmip_server::Error> {
//! use kmip_server::{Server, ServerConfig};
//!
//! let listen = ([127, 0, 0, 1], 0).into();
//! let server = Server::bind(ServerConfig::new(listen, tls, "/var/lib/kmip")).await?;
//! println!("listening on {}", server.local_addr());
//! server.run(async { let _ = tokio::signal::ctrl_c().await; }).await;
//! # Ok(())
//! # }
//! ```
//!
//! - Who a client is, and what it may do, an [`Authority`] says; by default the common name of its certificate is
//!   the owner of its objects. To everybody else an object does not exist.
//! - Every batch item is told to an [`AuditSink`] before it is answered.
//! - Nothing is written in clear (`store`), and a change is answered after its sync (`objects`). Objects are found by
//!   indexes (`index`), and only those in use are in memory (`cache`).
//! - Operations are in `operations`, one file each, with one table that registers them; the state machine is in
//!   `lifecycle`, who may set which attribute in `attribute_rules`, whether a key may be used in `usage`, and the
//!   cryptography, which knows nothing of objects, in `crypto`.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

mod answering;
mod attribute_rules;
mod audit;
mod audited;
mod batch;
mod budget;
mod cache;
mod certificate;
mod clients;
mod clock;
mod config;
mod connection;
mod costs;
mod crypto;
mod digest;
mod error;
mod failure;
#[cfg(test)]
mod fuzz;
mod group_commit;
mod identity;
mod index;
mod lifecycle;
mod object;
mod objects;
mod operations;
mod refusals;
mod server;
mod service;
mod stats;
mod store;
mod streams;
mod templates;
mod transaction;
mod usage;
mod view;
mod waiting;
mod way;
mod writing;

pub use audit::{AuditError, AuditEvent, AuditSink, MAX_AUDITED_OBJECTS, NoAudit, changes};
pub use clients::RequestRate;
pub use clock::Clock;
pub use config::ServerConfig;
pub use costs::CryptoLimits;
pub use error::Error;
pub use identity::{AllowedOperations, Authority, CommonNameAuthority, Identity, Peer, Refusal};
pub use operations::OFFERED;
pub use server::{Server, ServerHandle};
pub use stats::{Counter, OperationCount, REQUEST_SECONDS, Stats};
pub use store::{
    KeyEncryptionKey, KeySource, OnProgress, StoreError, change_key, check_key,
    source as key_source_of,
};
