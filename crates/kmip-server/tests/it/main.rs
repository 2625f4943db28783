//! The server over mutual TLS, with the client of the `kmip-client` crate.

mod attributes;
mod audited;
mod ciphers;
mod clock;
mod ends;
mod failover;
mod hostile_clients;
mod life;
mod messages;
mod oasis;
mod operations;
mod owners;
mod peer;
mod pkcs12;
mod restart;
mod rig;
mod taken_away;
mod together;
mod versions;
