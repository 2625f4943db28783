//! The storage layer from outside.

mod catalog;
mod crash;
mod documents;
mod engine;
mod indexes;
mod leaks;
mod model;
mod store;
mod support;
mod transactions;
