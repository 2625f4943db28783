//! The integration tests of the query language: one module for each area.

mod arbitrary;
mod expression;
mod filter;
mod generate;
mod pipeline;
mod plan;
mod projection;
mod sort;
mod update;
