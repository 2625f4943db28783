//! Bytes, texts and items that must not be seen.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::ttlv::{Item, ItemValue};

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

/// Items that say they know not what, and may be secrets of any type: as [`SecretBytes`].
///
/// A key whose format is not known is such a structure: its secret may well be a text or a number.
#[derive(Clone, Default)]
pub struct SecretItems(Vec<Item>);

impl SecretItems {
    /// Takes over `items`.
    #[must_use]
    pub fn new(items: Vec<Item>) -> Self {
        Self(items)
    }

    /// The items themselves.
    #[must_use]
    pub fn expose(&self) -> &[Item] {
        &self.0
    }
}

impl Drop for SecretItems {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Wipes the values; what wipes itself when dropped has no need of it.
///
/// Recursion ends: as deep as the items were decoded, or built.
fn wipe(items: &mut [Item]) {
    for item in items {
        match &mut item.value {
            ItemValue::Structure(items) => wipe(items),
            ItemValue::Integer(value) => value.zeroize(),
            ItemValue::Enumeration(value) | ItemValue::Interval(value) => value.zeroize(),
            ItemValue::LongInteger(value)
            | ItemValue::DateTime(value)
            | ItemValue::DateTimeExtended(value) => value.zeroize(),
            ItemValue::Boolean(value) => value.zeroize(),
            ItemValue::TextString(text) => text.zeroize(),
            ItemValue::BigInteger(_) | ItemValue::ByteString(_) => {}
        }
    }
}

impl fmt::Debug for SecretItems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} secret items]", self.0.len())
    }
}

impl PartialEq for SecretItems {
    fn eq(&self, other: &Self) -> bool {
        same(&self.0, &other.0)
    }
}

impl Eq for SecretItems {}

/// Whether the items are equal. How many there are, their tags, types and lengths are no secret; their values are.
fn same(items: &[Item], others: &[Item]) -> bool {
    use ItemValue as V;
    let shaped = items.len() == others.len()
        && items
            .iter()
            .zip(others)
            .all(|(item, other)| item.tag == other.tag);
    let equal = items.iter().zip(others).fold(true, |equal, pair| {
        let this = match (&pair.0.value, &pair.1.value) {
            (V::Structure(a), V::Structure(b)) => same(a, b),
            (V::Integer(a), V::Integer(b)) => a.ct_eq(b).into(),
            (V::LongInteger(a), V::LongInteger(b)) => a.ct_eq(b).into(),
            (V::Enumeration(a), V::Enumeration(b)) => a.ct_eq(b).into(),
            (V::Interval(a), V::Interval(b)) => a.ct_eq(b).into(),
            (V::Boolean(a), V::Boolean(b)) => u8::from(*a).ct_eq(&u8::from(*b)).into(),
            (V::DateTime(a), V::DateTime(b)) => a.ct_eq(b).into(),
            (V::DateTimeExtended(a), V::DateTimeExtended(b)) => a.ct_eq(b).into(),
            (V::TextString(a), V::TextString(b)) => a.as_bytes().ct_eq(b.as_bytes()).into(),
            (V::BigInteger(a), V::BigInteger(b)) | (V::ByteString(a), V::ByteString(b)) => a == b,
            _ => false,
        };
        equal & this
    });
    shaped && equal
}

impl From<Vec<Item>> for SecretItems {
    fn from(items: Vec<Item>) -> Self {
        Self(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Tag;

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

    /// One value of each type, that of a text last.
    fn items(text: &str) -> Vec<Item> {
        let values = vec![
            ItemValue::Integer(0x5A5A),
            ItemValue::LongInteger(0x5A5A),
            ItemValue::BigInteger(SecretBytes::from(&[0x5A; 8])),
            ItemValue::Enumeration(0x5A5A),
            ItemValue::Boolean(true),
            ItemValue::ByteString(SecretBytes::from(&[0x5A; 8])),
            ItemValue::DateTime(0x5A5A),
            ItemValue::Interval(0x5A5A),
            ItemValue::DateTimeExtended(0x5A5A),
            ItemValue::TextString(text.to_owned()),
        ];
        let inner = values.into_iter().map(|value| Item::new(Tag::D, value));
        vec![
            Item::new(Tag::Key, ItemValue::Structure(inner.collect())),
            Item::new(Tag::D, ItemValue::TextString(text.to_owned())),
        ]
    }

    #[test]
    fn items_show_nothing_and_are_equal_by_value() {
        let secret = SecretItems::new(items("swordfish"));
        assert_eq!(format!("{secret:?}"), "[2 secret items]");
        assert_eq!(secret, SecretItems::new(items("swordfish")));
        assert_ne!(secret, SecretItems::new(items("swordfist")));
        assert_ne!(secret, SecretItems::default());
        // Each value, each tag and each type counts.
        let ItemValue::Structure(inner) = &secret.expose()[0].value else {
            panic!("a structure");
        };
        for place in 0..inner.len() {
            for other in [
                Item::new(Tag::D, ItemValue::Integer(1)),
                Item::new(Tag::Q, inner[place].value.clone()),
            ] {
                let mut changed = inner.clone();
                changed[place] = other;
                assert_ne!(
                    SecretItems::new(inner.clone()),
                    SecretItems::new(changed),
                    "{place}"
                );
            }
        }
    }

    #[test]
    fn items_are_wiped() {
        // What `drop` calls, on memory that we may still look at. Bytes wipe themselves.
        let mut wiped = items("swordfish");
        wipe(&mut wiped);
        let shown = format!("{wiped:?}");
        for trace in ["23130", "5a5a", "true", "swordfish"] {
            assert!(!shown.contains(trace), "{shown}");
        }
        assert!(shown.contains("secret bytes"), "{shown}");
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
