//! The binaries through the Rust driver.

mod crud;
mod encrypted;
mod support;
