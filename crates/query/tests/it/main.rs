//! The integration tests of the query language: one module for each area.

mod arbitrary;
mod filter;
mod projection;
mod sort;
mod update;
