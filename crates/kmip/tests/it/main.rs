//! Tests of the library from outside.

mod cases;
mod fuzz;
mod messages;
mod operations;
mod properties;
mod secrets;
mod shared;
mod versions;
