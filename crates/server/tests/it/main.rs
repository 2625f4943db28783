//! The binaries through the Rust driver.

mod compatibility;
mod crud;
mod encrypted;
mod hygiene;
mod support;
