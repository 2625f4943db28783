//! The decision table against a KMIP server in this process, over mutual TLS.

mod crash;
mod data;
mod existing;
mod fresh;
mod peers;
mod polling;
mod preflight;
mod support;
