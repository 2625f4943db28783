//! TTLV, the binary encoding (KMIP 1.4, section 9.1; 2.1, section 10).
//!
//! [`check`] proves a whole message well-formed and within the limits, in one pass and without allocating; what it
//! returns is an [`Element`] that borrows from the message. [`Writer`] writes one buffer. [`Item`] is an owned tree
//! for what has no type of its own.

mod buffer;
mod check;
mod element;
mod item;
mod item_type;
mod writer;

pub use buffer::Buffer;
pub use check::{HEADER_BYTES, check, message_bytes};
pub use element::{Element, Elements};
pub use item::{Item, ItemValue};
pub use item_type::ItemType;
pub use writer::{Newer, Writer};

/// `length` with the padding that TTLV adds: the next multiple of 8; saturates.
pub(crate) const fn padded(length: usize) -> usize {
    match length.checked_add(7) {
        Some(sum) => sum & !7,
        None => usize::MAX,
    }
}
