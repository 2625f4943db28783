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
pub mod config;
pub mod cursor;
pub mod daemon;
pub mod dev;
pub mod encryption;
pub mod error;
pub mod exec;
pub mod exit;
pub mod field;
pub mod log;
pub mod namespace;
pub mod net;
pub mod preflight;
pub mod render;
pub mod reply;
pub mod request;
pub mod run;
pub mod startup;
pub mod state;
pub mod tool;
pub mod version;
