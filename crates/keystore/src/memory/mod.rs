//! Keys in memory: locked against swapping, left out of core dumps, wiped on drop, never printed.

mod arena;
mod keys;

pub(crate) use arena::Locked32;
pub use keys::{DataKey, KEY_LEN, MasterKey};
