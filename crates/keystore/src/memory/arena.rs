//! Pages that are locked into memory, handed out in slots of 32 bytes.
//!
//! Locks are per page and do not nest: were each key locked on its own, on the heap, dropping one would
//! unlock its neighbours on the same page. So whole pages are mapped and locked once, divided into
//! slots, and kept until the process ends; a slot that is given back is wiped first.
//!
//! A page holds 128 keys, so the usual limit of locked memory (8 MiB, or 64 KiB in containers) is
//! enough for 262,144 or 2,048 keys. Beyond it the keys still work, unlocked, and a warning says so once.

use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Once;

use parking_lot::Mutex;
use zeroize::Zeroize;

/// Bytes in a slot.
pub(crate) const SLOT_LEN: usize = 32;
/// Bytes mapped at a time: one page of the smallest page size.
const CHUNK_LEN: usize = 4096;

static ARENA: Mutex<Arena> = Mutex::new(Arena { free: Vec::new() });
static WARN_ONCE: Once = Once::new();

struct Arena {
    free: Vec<Slot>,
}

/// The address of a slot in a mapping that is never unmapped.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Slot(NonNull<[u8; SLOT_LEN]>);

// SAFETY: a slot is plain memory that belongs to whoever holds the `Slot`; no thread is special to it.
unsafe impl Send for Slot {}
// SAFETY: a shared `Slot` is only read through `&Locked32`.
unsafe impl Sync for Slot {}

impl Arena {
    fn take(&mut self) -> Slot {
        if self.free.is_empty() {
            self.grow();
        }
        match self.free.pop() {
            Some(slot) => slot,
            // As when the allocator fails: there is no memory at all.
            None => std::alloc::handle_alloc_error(std::alloc::Layout::new::<[u8; CHUNK_LEN]>()),
        }
    }

    fn grow(&mut self) {
        let Ok(pages) = region::alloc(CHUNK_LEN, region::Protection::READ_WRITE) else {
            return;
        };
        let (start, len) = pages.into_raw_parts::<u8>();
        match region::lock(start, len) {
            // Stays locked for as long as the process lives.
            Ok(guard) => std::mem::forget(guard),
            Err(error) => WARN_ONCE.call_once(|| {
                tracing::warn!(
                    %error,
                    "Keys cannot be locked into memory and might be swapped out. \
                     Raise the limit on locked memory (ulimit -l, LimitMEMLOCK=)"
                );
            }),
        }
        #[cfg(target_os = "linux")]
        // SAFETY: the range is the mapping made above, and the advice does not change its contents.
        // A kernel that does not know the advice leaves the pages in core dumps, which the server
        // turns off besides.
        let _ =
            unsafe { rustix::mm::madvise(start.cast(), len, rustix::mm::Advice::LinuxDontDump) };
        for offset in (0..len / SLOT_LEN).map(|slot| slot * SLOT_LEN) {
            // SAFETY: `offset` lies within the mapping, which is never unmapped.
            let address = unsafe { start.add(offset) };
            if let Some(address) = NonNull::new(address.cast()) {
                self.free.push(Slot(address));
            }
        }
    }

    fn give_back(&mut self, slot: Slot) {
        let mut address = slot.0;
        // SAFETY: the owner gave the slot up, so nothing else refers to its bytes.
        unsafe { address.as_mut() }.zeroize();
        self.free.push(slot);
    }
}

/// 32 bytes of locked memory, zero at first, wiped on drop.
pub(crate) struct Locked32(Slot);

impl Locked32 {
    /// A slot of zeros.
    pub(crate) fn zeroed() -> Locked32 {
        Locked32(ARENA.lock().take())
    }
}

impl Deref for Locked32 {
    type Target = [u8; SLOT_LEN];

    fn deref(&self) -> &[u8; SLOT_LEN] {
        // SAFETY: the slot is initialised (mapped zero), never unmapped, and ours alone.
        unsafe { self.0.0.as_ref() }
    }
}

impl DerefMut for Locked32 {
    fn deref_mut(&mut self) -> &mut [u8; SLOT_LEN] {
        // SAFETY: as for `deref`, and `&mut self` makes the access exclusive.
        unsafe { self.0.0.as_mut() }
    }
}

impl Drop for Locked32 {
    fn drop(&mut self) {
        ARENA.lock().give_back(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_wiped_when_given_back() {
        let mut secret = Locked32::zeroed();
        secret.fill(0xA5);
        let slot = secret.0;
        std::mem::forget(secret);
        // Held while looking, so that no other test takes the slot meanwhile.
        let mut arena = ARENA.lock();
        // SAFETY: slots are never unmapped.
        assert_eq!(unsafe { *slot.0.as_ref() }, [0xA5; SLOT_LEN]);
        arena.give_back(slot);
        // SAFETY: slots are never unmapped.
        assert_eq!(unsafe { *slot.0.as_ref() }, [0; SLOT_LEN]);
        assert!(arena.free.last() == Some(&slot));
    }

    #[test]
    fn slots_do_not_overlap() {
        let mut slots: Vec<_> = (0..300).map(|_| Locked32::zeroed()).collect();
        for (i, slot) in slots.iter_mut().enumerate() {
            assert_eq!(**slot, [0; SLOT_LEN]);
            slot.fill(i as u8);
        }
        for (i, slot) in slots.iter().enumerate() {
            assert_eq!(**slot, [i as u8; SLOT_LEN]);
        }
    }
}
