//! Integration tests, an area in each module.

mod arbitrary;
mod projection;
mod update;
