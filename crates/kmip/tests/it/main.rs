//! Tests of the library from outside.

mod cases;
mod fuzz;
mod messages;
mod properties;
mod secrets;
mod shared;
mod versions;
