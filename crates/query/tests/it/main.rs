//! The integration tests of the query language: one module for each area.

mod expression;
mod filter;
mod generate;
mod pipeline;
mod sort;
