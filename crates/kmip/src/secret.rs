//! Bytes that must not be seen.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Secret bytes: wiped when dropped, never printed, compared in constant time.
///
/// Holds key material, passwords, and the clear text of cryptographic operations. Conversions from a `Vec` take its
/// allocation over, so that no copy stays behind.
#[derive(Clone, Default)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes over `bytes`.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes themselves. Named so that a reader notices.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} secret bytes]", self.0.len())
    }
}

impl PartialEq for SecretBytes {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretBytes {}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&[u8]> for SecretBytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for SecretBytes {
    fn from(bytes: &[u8; N]) -> Self {
        Self(bytes.to_vec())
    }
}

/// Secret text, such as a password: as [`SecretBytes`], and UTF-8.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretText(SecretBytes);

impl SecretText {
    /// Takes over `text`.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(SecretBytes(text.into_bytes()))
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        std::str::from_utf8(self.0.expose()).unwrap_or_default()
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret text]")
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        Self::new(text.to_owned())
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_and_equality_is_by_value() {
        let secret = SecretBytes::from(b"swordfish");
        assert_eq!(format!("{secret:?}"), "[9 secret bytes]");
        assert_eq!(secret, SecretBytes::new(b"swordfish".to_vec()));
        assert_ne!(secret, SecretBytes::new(b"swordfist".to_vec()));
        assert_ne!(secret, SecretBytes::default());
        let text = SecretText::from("swordfish");
        assert_eq!(format!("{text:?}"), "[secret text]");
        assert_eq!(text.expose(), "swordfish");
    }

    #[test]
    fn zeroize_wipes_the_whole_allocation() {
        // What `drop` calls, on memory that we may still look at.
        let mut bytes = vec![0xAA; 64];
        bytes.truncate(32);
        bytes.zeroize();
        bytes.resize(64, 0);
        assert!(bytes.iter().all(|byte| *byte == 0));
    }
}
