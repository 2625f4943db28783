//! The header: what a keystore says without the master key.

use std::fmt;

use uuid::Uuid;

use super::FormatError;
use super::master_key::{Current, MasterKeyRef};
use super::record::{self, Input, Unknown};
use crate::crypto::DerivedKeys;
use crate::error::Error;
use crate::memory::MasterKey;

mod kind {
    pub(super) const DBPATH_ID: u16 = 1;
    pub(super) const SEQUENCE: u16 = 2;
    pub(super) const CIPHER: u16 = 3;
    pub(super) const CURRENT: u16 = 4;
    pub(super) const PENDING: u16 = 5;
}

/// How the data of a dbpath is encrypted (`security.encryptionCipherMode`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cipher {
    /// AES-256 in Galois/Counter Mode.
    #[default]
    Aes256Gcm,
    /// XChaCha20 with Poly1305.
    XChaCha20Poly1305,
}

impl Cipher {
    fn code(self) -> u8 {
        match self {
            Cipher::Aes256Gcm => 1,
            Cipher::XChaCha20Poly1305 => 2,
        }
    }

    fn from_code(code: u8) -> Option<Cipher> {
        [Cipher::Aes256Gcm, Cipher::XChaCha20Poly1305]
            .into_iter()
            .find(|cipher| cipher.code() == code)
    }

    /// The value of `security.encryptionCipherMode` that means this cipher.
    pub fn mode(self) -> &'static str {
        match self {
            Cipher::Aes256Gcm => "AES256-GCM",
            Cipher::XChaCha20Poly1305 => "XCHACHA20-POLY1305",
        }
    }

    /// The cipher that a value of `security.encryptionCipherMode` means.
    pub fn from_mode(mode: &str) -> Option<Cipher> {
        [Cipher::Aes256Gcm, Cipher::XChaCha20Poly1305]
            .into_iter()
            .find(|cipher| cipher.mode() == mode)
    }
}

impl fmt::Display for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.mode())
    }
}

/// What a keystore says without the master key. Read by [`crate::Keystore::inspect`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub(crate) dbpath_id: Uuid,
    pub(crate) sequence: u64,
    pub(crate) cipher: Cipher,
    pub(crate) current: Option<Current>,
    pub(crate) pending: Option<MasterKeyRef>,
    pub(crate) unknown: Vec<Unknown>,
}

impl Header {
    /// The header of the first file of a dbpath.
    pub(crate) fn new(dbpath_id: Uuid, cipher: Cipher) -> Header {
        Header {
            dbpath_id,
            sequence: 1,
            cipher,
            current: None,
            pending: None,
            unknown: Vec::new(),
        }
    }

    /// The random identifier that the dbpath was given when its keystore was first written.
    pub fn dbpath_id(&self) -> Uuid {
        self.dbpath_id
    }

    /// How often the file was written: 1 at first.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// How the data is encrypted.
    pub fn cipher(&self) -> Cipher {
        self.cipher
    }

    /// The master key that the data keys are wrapped under; `None` if the keystore was never
    /// completed and only announces one.
    pub fn master_key(&self) -> Option<&MasterKeyRef> {
        self.current.as_ref().map(|current| &current.key)
    }

    /// The master key that was about to be created when the file was written.
    pub fn pending(&self) -> Option<&MasterKeyRef> {
        self.pending.as_ref()
    }

    /// Whether the keystore was written under this master key. `false` for one that was never completed.
    ///
    /// # Errors
    /// Those of the cryptographic library.
    pub fn is_under(&self, master: &MasterKey) -> Result<bool, Error> {
        match &self.current {
            Some(current) => Ok(DerivedKeys::recover(master, &current.binding)?.is_some()),
            None => Ok(false),
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Header, FormatError> {
        let (mut dbpath_id, mut sequence, mut cipher) = (None, None, None);
        let (mut current, mut pending, mut unknown) = (None, None, Vec::new());
        let mut input = Input::new(bytes);
        while let Some(record) = input.record()? {
            match record.kind {
                kind::DBPATH_ID => {
                    let field = "dbpath id";
                    let value = Uuid::from_bytes(record.array(field)?);
                    record::set(&mut dbpath_id, field, value)?;
                }
                kind::SEQUENCE => {
                    let field = "sequence";
                    let value = u64::from_be_bytes(record.array(field)?);
                    record::set(&mut sequence, field, value)?;
                }
                kind::CIPHER => {
                    let field = "cipher";
                    let [code] = record.array(field)?;
                    let value = Cipher::from_code(code).ok_or(FormatError::Value { field })?;
                    record::set(&mut cipher, field, value)?;
                }
                kind::CURRENT => {
                    let value = Current::decode(record.value)?;
                    record::set(&mut current, "master key", value)?;
                }
                kind::PENDING => {
                    let field = "announced master key";
                    let value = MasterKeyRef::decode_unbound(record.value, field)?;
                    record::set(&mut pending, field, value)?;
                }
                _ => record.unknown("header", &mut unknown)?,
            }
        }
        let missing = |field| FormatError::Missing { field };
        if current.is_none() && pending.is_none() {
            return Err(missing("master key"));
        }
        Ok(Header {
            dbpath_id: dbpath_id.ok_or(missing("dbpath id"))?,
            sequence: sequence.ok_or(missing("sequence"))?,
            cipher: cipher.ok_or(missing("cipher"))?,
            current,
            pending,
            unknown,
        })
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        record::put(&mut out, kind::DBPATH_ID, self.dbpath_id.as_bytes());
        record::put(&mut out, kind::SEQUENCE, &self.sequence.to_be_bytes());
        record::put(&mut out, kind::CIPHER, &[self.cipher.code()]);
        if let Some(current) = &self.current {
            record::put(&mut out, kind::CURRENT, &current.encode());
        }
        if let Some(key) = &self.pending {
            record::put(&mut out, kind::PENDING, &key.encode(None));
        }
        record::put_unknown(&mut out, &self.unknown);
        out
    }
}
