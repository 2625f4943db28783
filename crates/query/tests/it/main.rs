//! The integration tests of the query language: one module for each area.

mod filter;
mod plan;
mod sort;
