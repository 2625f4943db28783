//! The decision table against a KMIP server in this process, over mutual TLS.

mod crash;
mod data;
mod data_keys;
mod database_keys;
mod databases;
mod existing;
mod fresh;
mod migration;
mod peers;
mod polling;
mod preflight;
mod rotation;
mod support;
