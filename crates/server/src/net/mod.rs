//! The network: listening, one task for each connection, messages within limits.

mod budget;
mod connection;
mod listener;
mod receive;

pub use listener::Listener;
