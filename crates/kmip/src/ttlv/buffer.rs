//! The one buffer that a message is written to.

use zeroize::Zeroize;

/// Bytes of an encoded message. What holds a secret is wiped: when dropped, when cleared, and when growing moves it.
///
/// Keep one for each connection: clearing keeps the allocation.
#[derive(Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    secret: bool,
}

impl Buffer {
    /// An empty buffer, without an allocation.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            secret: false,
        }
    }

    /// The encoded message.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Makes it empty; wipes it first if it holds a secret.
    pub fn clear(&mut self) {
        if self.secret {
            self.bytes.zeroize();
            self.secret = false;
        }
        self.bytes.clear();
    }

    /// From now on the contents are wiped.
    pub(super) fn mark_secret(&mut self) {
        self.secret = true;
    }

    #[inline]
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        if self.bytes.capacity() - self.bytes.len() < bytes.len() {
            self.grow(bytes.len());
        }
        self.bytes.extend_from_slice(bytes);
    }

    #[cold]
    fn grow(&mut self, more: usize) {
        let capacity = self
            .bytes
            .len()
            .saturating_add(more)
            .max(self.bytes.capacity() * 2)
            .max(512);
        let mut larger = Vec::with_capacity(capacity);
        larger.extend_from_slice(&self.bytes);
        if self.secret {
            self.bytes.zeroize();
        }
        self.bytes = larger;
    }

    pub(super) fn truncate(&mut self, length: usize) {
        self.bytes.truncate(length);
    }

    /// Writes `bytes` over what is at `position`.
    pub(super) fn patch(&mut self, position: usize, bytes: [u8; 4]) {
        if let Some(place) = self.bytes.get_mut(position..position + 4) {
            place.copy_from_slice(&bytes);
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.clear();
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Buffer({} bytes)", self.bytes.len())
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
