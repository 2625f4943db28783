//! The keystore from outside: a dbpath, its file, and what becomes of it.

mod copies;
mod corruption;
mod crash;
mod failover;
mod front;
mod history;
mod life_cycle;
mod pykmip;
mod revocation;
mod rotation;
mod rotation_crash;
mod support;
mod tenants;
mod tree_keys;
mod unreplicated;
mod world;
mod wrap_on_server;
