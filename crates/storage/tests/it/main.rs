//! The storage layer from outside.

mod catalog;
mod checkpoint;
mod crash;
mod data_keys;
mod documents;
mod engine;
mod indexes;
mod key_values;
mod leaks;
mod model;
mod store;
mod support;
mod transactions;
