//! The one pass that proves a message well-formed before anything is made of it.

use super::{Element, ItemType, padded};
use crate::error::DecodeError;
use crate::limits::Limits;
use crate::registry::Tag;

/// Tag (3), type (1) and length (4).
pub const HEADER_BYTES: usize = 8;

/// How many bytes the message has that begins with `header`, those 8 included: what a reader of a stream needs to
/// know before it makes room.
///
/// # Errors
/// When it is no Request or Response Message, or longer than `limits` allow.
pub fn message_bytes(header: [u8; HEADER_BYTES], limits: &Limits) -> Result<usize, DecodeError> {
    let [t0, t1, t2, kind, l0, l1, l2, l3] = header;
    let tag = Tag(u32::from_be_bytes([0, t0, t1, t2]));
    if tag != Tag::RequestMessage && tag != Tag::ResponseMessage {
        return Err(DecodeError::NotAMessage { got: tag });
    }
    match ItemType::from_code(kind) {
        Some(ItemType::Structure) => {}
        Some(got) => {
            return Err(DecodeError::WrongType {
                tag,
                got,
                expected: ItemType::Structure,
            });
        }
        None => return Err(DecodeError::UnknownItemType { tag, got: kind }),
    }
    let total = (u32::from_be_bytes([l0, l1, l2, l3]) as usize).saturating_add(HEADER_BYTES);
    if total > limits.message_bytes {
        return Err(DecodeError::Limit {
            what: "bytes",
            max: limits.message_bytes,
        });
    }
    Ok(total)
}

/// Checks that `bytes` are exactly one item, well-formed to its leaves and within `limits`; returns it.
///
/// Lengths fit their parents, fixed sizes are right, texts are UTF-8, Booleans are 0 or 1. Padding is not looked at:
/// some peers leave rubbish in it. One pass, no allocation.
///
/// # Errors
/// The first thing that is wrong.
pub fn check<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Element<'a>, DecodeError> {
    if bytes.len() > limits.message_bytes {
        return Err(DecodeError::Limit {
            what: "bytes",
            max: limits.message_bytes,
        });
    }
    let (root, rest) = split(bytes)?;
    if !rest.is_empty() {
        return Err(DecodeError::TrailingBytes { extra: rest.len() });
    }

    let max_depth = limits.depth.min(Limits::MAX_DEPTH);
    // What is left to check of each structure that is open.
    let mut open: [&[u8]; Limits::MAX_DEPTH] = [&[]; Limits::MAX_DEPTH];
    let mut depth = 0_usize;
    let mut items = 0_usize;
    let mut next = Some(root);
    loop {
        if let Some(element) = next {
            items += 1;
            if items > limits.items {
                return Err(DecodeError::Limit {
                    what: "items",
                    max: limits.items,
                });
            }
            if element.item_type() == ItemType::Structure {
                if depth >= max_depth {
                    return Err(DecodeError::Limit {
                        what: "levels of nesting",
                        max: max_depth,
                    });
                }
                if let Some(slot) = open.get_mut(depth) {
                    *slot = element.raw();
                }
                depth += 1;
            } else {
                check_value(&element)?;
            }
        }
        // The next item of the innermost structure that still has one.
        next = None;
        let Some(slot) = depth.checked_sub(1).and_then(|top| open.get_mut(top)) else {
            return Ok(root);
        };
        if slot.is_empty() {
            depth -= 1;
        } else {
            let (element, rest) = split(slot).map_err(|error| overrun(error, slot))?;
            *slot = rest;
            next = Some(element);
        }
    }
}

/// Inside a structure, an item that does not fit is the peer's lie about a length, not a short read.
fn overrun(error: DecodeError, left: &[u8]) -> DecodeError {
    match (error, left) {
        (DecodeError::Truncated { expected, got }, [t0, t1, t2, ..]) => DecodeError::Overrun {
            tag: Tag(u32::from_be_bytes([0, *t0, *t1, *t2])),
            got: expected,
            available: got,
        },
        (error, _) => error,
    }
}

/// The first item of `bytes` and what follows it.
pub(super) fn split(bytes: &[u8]) -> Result<(Element<'_>, &[u8]), DecodeError> {
    let Some(([t0, t1, t2, kind, l0, l1, l2, l3], body)) =
        bytes.split_first_chunk::<HEADER_BYTES>()
    else {
        return Err(DecodeError::Truncated {
            got: bytes.len(),
            expected: HEADER_BYTES,
        });
    };
    let tag = Tag(u32::from_be_bytes([0, *t0, *t1, *t2]));
    let Some(item_type) = ItemType::from_code(*kind) else {
        return Err(DecodeError::UnknownItemType { tag, got: *kind });
    };
    let length = u32::from_be_bytes([*l0, *l1, *l2, *l3]) as usize;
    if let Some(fixed) = item_type.fixed_length()
        && fixed != length
    {
        return Err(DecodeError::WrongLength {
            tag,
            item_type,
            got: length,
        });
    }
    let on_wire = padded(length);
    match (body.get(..length), body.get(on_wire..)) {
        (Some(value), Some(rest)) => Ok((Element::new(tag, item_type, value), rest)),
        _ => Err(DecodeError::Truncated {
            got: bytes.len(),
            expected: on_wire.saturating_add(HEADER_BYTES),
        }),
    }
}

fn check_value(element: &Element<'_>) -> Result<(), DecodeError> {
    let tag = element.tag();
    match element.item_type() {
        ItemType::TextString => {
            element.text()?;
        }
        ItemType::Boolean => {
            element.boolean()?;
        }
        ItemType::BigInteger => {
            let got = element.raw().len();
            if got == 0 || !got.is_multiple_of(8) {
                return Err(DecodeError::WrongLength {
                    tag,
                    item_type: ItemType::BigInteger,
                    got,
                });
            }
        }
        _ => {}
    }
    Ok(())
}
