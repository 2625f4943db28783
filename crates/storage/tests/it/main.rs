//! The storage layer from outside.

mod engine;
mod support;
