//! Collections and indexes of a database.

mod collection;
mod index;

pub use collection::Collection;
pub use index::{Index, IndexState};
