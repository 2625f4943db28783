//! The server: configuration, start-up, network, commands, cursors and logs.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

pub mod commands;
pub mod cursor;
pub mod error;
pub mod exec;
pub mod field;
pub mod namespace;
pub mod net;
pub mod render;
pub mod reply;
pub mod request;
pub mod run;
pub mod state;
pub mod version;
