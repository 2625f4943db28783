//! The key-encryption key, and where it comes from.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use super::StoreError;

/// What a keystore says of a key that comes from a key file.
pub(super) const FILE_SOURCE: &str = "file";

/// The key that the keystore is encrypted with: 32 bytes, wiped when dropped, never shown.
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
    Given {
        /// The key.
        key: Arc<KeyEncryptionKey>,
        /// How it was found, for the keystore to say in clear ([`super::source`]): at most 4,096 bytes, no secrets.
        /// It is authenticated.
        source: String,
    },
}

impl KeySource {
    /// The key file, if it is one, of a store in this directory.
    pub(super) fn file(&self, directory: &Path) -> Option<PathBuf> {
        match self {
            Self::InDirectory => Some(directory.join("kek")),
            Self::File(path) => Some(path.clone()),
            Self::Given { .. } => None,
        }
    }

    /// What the keystore says of it.
    pub(super) fn description(&self) -> &str {
        match self {
            Self::InDirectory | Self::File(_) => FILE_SOURCE,
            Self::Given { source, .. } => source,
        }
    }

    /// The key. A key file that is not there is made if `may_create`.
    pub(super) fn key(
        &self,
        directory: &Path,
        may_create: bool,
    ) -> Result<Arc<KeyEncryptionKey>, StoreError> {
        let path = match (self, self.file(directory)) {
            (Self::Given { key, .. }, _) => return Ok(key.clone()),
            (_, Some(path)) => path,
            (_, None) => return Err(StoreError::Crypto),
        };
        match KeyEncryptionKey::read(&path)? {
            Some(key) => Ok(Arc::new(key)),
            None if may_create => KeyEncryptionKey::generate(&path).map(Arc::new),
            None => Err(StoreError::KeyMissing {
                key: path,
                objects: directory.to_owned(),
            }),
        }
    }
}

impl KeyEncryptionKey {
    /// These bytes.
    pub fn from_bytes(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// Reads the file: 32 bytes in base64, white space around them allowed. `None` if there is no such file.
    ///
    /// # Errors
    /// [`StoreError::KeyMalformed`], [`StoreError::KeyExposed`], [`StoreError::Io`].
    pub fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        let text = match fs::read(path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StoreError::io("read", path)(source)),
        };
        check_private(path)?;
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
        tls::write_private(path, text.as_bytes())
            .map_err(|error| StoreError::io("write", path)(std::io::Error::other(error)))?;
        Ok(Self(key))
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A key that others can read is no key.
fn check_private(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    {
        let metadata = fs::metadata(path).map_err(StoreError::io("read", path))?;
        if metadata.is_file()
            && let Some(mode) = tls::mode_open_to_others(&metadata)
        {
            return Err(StoreError::KeyExposed {
                path: path.to_owned(),
                mode,
            });
        }
    }
    Ok(())
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

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kek");
        KeyEncryptionKey::generate(&path).unwrap();
        for (mode, expected) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let read = KeyEncryptionKey::read(&path);
            assert_eq!(read.is_ok(), expected, "{mode:o}");
            if let Err(error) = read {
                assert!(error.to_string().contains("chmod 600"), "{error}");
            }
        }
    }
}
