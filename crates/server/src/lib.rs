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

pub mod dev;
pub mod exit;
pub mod startup;
pub mod config;
pub mod log;
