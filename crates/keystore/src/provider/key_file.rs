//! The master key in a file (`security.encryptionKeyFile`): 32 bytes as base64, as `mongod` has it.
//!
//! For tests and for those whose disks are safe otherwise: a key in a file is as safe as the file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::memory::{KEY_LEN, MasterKey};

/// The longest key file, in bytes: the key takes 44, the rest may be white space.
pub const MAX_LEN: u64 = 1024;

/// Why a key file is not used. Each message names the file and says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file cannot be read.
    #[error("cannot read the key file {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The path is a directory or a device.
    #[error("the key file {path} is not a regular file")]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Group or others have rights on the file.
    #[error(
        "the permissions {got:04o} of the key file {path} are too open: make them 0600 or 0400 (chmod 600)"
    )]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        got: u32,
    },
    /// The file is far too long.
    #[error(
        "the key file {path} is longer than {MAX_LEN} bytes; it must hold 32 bytes as base64 (44 characters)"
    )]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// The content is not base64.
    #[error("the key file {path} is not base64; create one with: openssl rand -base64 32")]
    NotBase64 {
        /// The file.
        path: PathBuf,
    },
    /// The key has another length.
    #[error(
        "the key in the key file {path} is {got} bytes long, and must be {KEY_LEN}; \
         create one with: openssl rand -base64 32"
    )]
    Length {
        /// The file.
        path: PathBuf,
        /// The key's length in bytes.
        got: usize,
    },
}

/// Reads the master key from a key file.
///
/// # Errors
/// See [`KeyFileError`].
pub fn read(path: &Path) -> Result<MasterKey, KeyFileError> {
    let io_error = |source| KeyFileError::Io {
        path: path.to_path_buf(),
        source,
    };
    let file = File::open(path).map_err(io_error)?;
    // Of the open file, so that it cannot be exchanged between the check and the reading.
    let metadata = file.metadata().map_err(io_error)?;
    let path = path.to_path_buf();
    if !metadata.is_file() {
        return Err(KeyFileError::NotAFile { path });
    }
    if let Some(got) = tls::mode_open_to_others(&metadata) {
        return Err(KeyFileError::TooOpen { path, got });
    }
    // With room for all of it, so that no copy is left behind by growing.
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_LEN as usize + 2));
    file.take(MAX_LEN + 1)
        .read_to_end(&mut text)
        .map_err(io_error_at(&path))?;
    if text.len() as u64 > MAX_LEN {
        return Err(KeyFileError::TooLong { path });
    }
    text.retain(|byte| !byte.is_ascii_whitespace());
    let mut key = Zeroizing::new(Vec::with_capacity(MAX_LEN as usize));
    if STANDARD.decode_vec(&text[..], &mut key).is_err() {
        return Err(KeyFileError::NotBase64 { path });
    }
    MasterKey::from_slice(&key).ok_or(KeyFileError::Length {
        path,
        got: key.len(),
    })
}

fn io_error_at(path: &Path) -> impl FnOnce(io::Error) -> KeyFileError + use<> {
    let path = path.to_path_buf();
    move |source| KeyFileError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn check(content: &str, mode: u32) -> Result<MasterKey, KeyFileError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        read(&path)
    }

    #[test]
    fn reads_32_bytes_with_or_without_a_newline() {
        let text = STANDARD.encode([7; 32]);
        for content in [text.clone(), format!("{text}\n"), format!(" {text}\r\n\n")] {
            assert_eq!(check(&content, 0o600).unwrap().expose(), &[7; 32]);
        }
        assert!(check(&text, 0o400).is_ok());
    }

    #[test]
    fn refuses_what_others_can_read() {
        let text = STANDARD.encode([7; 32]);
        for mode in [0o640, 0o604, 0o660, 0o644, 0o610, 0o700 | 0o001] {
            let error = check(&text, mode).unwrap_err();
            assert!(matches!(error, KeyFileError::TooOpen { got, .. } if got == mode));
            assert!(
                error.to_string().contains(&format!("{mode:04o}")),
                "{error}"
            );
        }
    }

    #[test]
    fn refuses_other_content_without_showing_it() {
        let cases = [
            ("", "0 bytes"),
            ("not base64!", "not base64"),
            (&STANDARD.encode([7; 16]), "16 bytes"),
            (&STANDARD.encode([7; 33]), "33 bytes"),
            (&"A".repeat(2000), "longer than"),
        ];
        for (content, expected) in cases {
            let message = check(content, 0o600).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
            assert!(
                content.is_empty() || !message.contains(content),
                "{message}"
            );
        }
    }

    #[test]
    fn refuses_what_is_not_there_or_not_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let missing = read(&directory.path().join("key")).unwrap_err();
        assert!(matches!(missing, KeyFileError::Io { .. }));
        assert!(matches!(
            read(directory.path()).unwrap_err(),
            KeyFileError::NotAFile { .. } | KeyFileError::Io { .. }
        ));
    }
}
