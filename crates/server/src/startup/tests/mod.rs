//! The decision table against a KMIP server in this process, over mutual TLS.

mod crash;
mod existing;
mod fresh;
mod peers;
mod support;
