//! The key-encryption key, in a file of its own.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use super::StoreError;

/// The key that all objects are encrypted with: 32 bytes, wiped when dropped, never shown.
pub struct KeyEncryptionKey(Zeroizing<[u8; 32]>);

/// Where the key-encryption key comes from.
#[derive(Clone, Debug, Default)]
pub enum KeySource {
    /// The file `kek` in the directory of the objects.
    #[default]
    InDirectory,
    /// This file.
    File(PathBuf),
    /// The key itself: somebody else has found it.
    Given(Arc<KeyEncryptionKey>),
}

impl KeyEncryptionKey {
    /// These bytes.
    pub fn from_bytes(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// Reads the file: 32 bytes in base64, white space around them allowed. `None` if there is no such file.
    ///
    /// # Errors
    /// [`StoreError::KeyMalformed`], [`StoreError::Io`].
    pub fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        let text = match fs::read(path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(StoreError::Io {
                    action: "read",
                    path: path.to_owned(),
                    source,
                });
            }
        };
        let mut key = Zeroizing::new([0_u8; 32]);
        match BASE64_STANDARD.decode_slice(text.trim_ascii(), key.as_mut_slice()) {
            Ok(32) => Ok(Some(Self(key))),
            _ => Err(StoreError::KeyMalformed {
                path: path.to_owned(),
            }),
        }
    }

    /// Makes a new key and writes it to the file, mode 0600.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Crypto`] without random numbers.
    pub fn generate(path: &Path) -> Result<Self, StoreError> {
        let mut key = Zeroizing::new([0_u8; 32]);
        getrandom::fill(key.as_mut_slice()).map_err(|_| StoreError::Crypto)?;
        let mut text = Zeroizing::new(BASE64_STANDARD.encode(key.as_slice()));
        text.push('\n');
        tls::write_private(path, text.as_bytes()).map_err(|error| StoreError::Io {
            action: "write",
            path: path.to_owned(),
            source: std::io::Error::other(error),
        })?;
        Ok(Self(key))
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for KeyEncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyEncryptionKey(<redacted>)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kek");
        assert!(KeyEncryptionKey::read(&path).unwrap().is_none());
        let key = KeyEncryptionKey::generate(&path).unwrap();
        let again = KeyEncryptionKey::read(&path).unwrap().unwrap();
        assert_eq!(key.bytes(), again.bytes());
        assert!(!format!("{key:?}").contains(&format!("{}", key.bytes()[0])));
        for bad in ["", "AAAA", "not base64", &"A".repeat(64)] {
            fs::write(&path, bad).unwrap();
            assert!(KeyEncryptionKey::read(&path).is_err(), "{bad}");
        }
    }
}
