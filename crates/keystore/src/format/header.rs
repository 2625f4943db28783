//! The header: what a keystore says without the master key.

use std::fmt;

use uuid::Uuid;

use super::FormatError;
use super::record::{self, Input, Unknown};
use crate::crypto::Binding;
use crate::error::Error;

/// The longest Name of a master key, in bytes.
pub(crate) const MAX_NAME_LEN: usize = 256;
/// The longest Unique Identifier of a master key, in bytes.
pub(crate) const MAX_IDENTIFIER_LEN: usize = 1024;

mod kind {
    pub(super) const DBPATH_ID: u16 = 1;
    pub(super) const SEQUENCE: u16 = 2;
    pub(super) const CIPHER: u16 = 3;
    pub(super) const CURRENT: u16 = 4;
    pub(super) const PENDING: u16 = 5;
}

mod master_kind {
    pub(super) const PROVIDER: u16 = 1;
    pub(super) const GENERATION: u16 = 2;
    pub(super) const NAME: u16 = 3;
    pub(super) const IDENTIFIER: u16 = 4;
    pub(super) const SALT: u16 = 5;
    pub(super) const CHECK: u16 = 6;
}

/// Where a master key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Provider {
    /// A KMIP server (`security.kmip`).
    Kmip,
    /// A file (`security.encryptionKeyFile`).
    KeyFile,
}

impl Provider {
    fn code(self) -> u8 {
        match self {
            Provider::Kmip => 1,
            Provider::KeyFile => 2,
        }
    }

    fn from_code(code: u8) -> Option<Provider> {
        [Provider::Kmip, Provider::KeyFile]
            .into_iter()
            .find(|provider| provider.code() == code)
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Provider::Kmip => "KMIP",
            Provider::KeyFile => "key file",
        })
    }
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

/// The unique Name of the master key of a dbpath: product, dbpath id, generation.
pub fn key_name(dbpath_id: Uuid, generation: u32) -> String {
    format!("strongroom/{dbpath_id}/{generation}")
}

/// What a master key is called at its provider. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MasterKeyRef {
    /// Where the key comes from.
    pub provider: Provider,
    /// 1 for the dbpath's first master key, one more with each rotation.
    pub generation: u32,
    /// The Name under which the key was created on the KMIP server; `None` for a key that was not
    /// created for this dbpath, and for key files.
    pub name: Option<String>,
    /// The Unique Identifier that the KMIP server gave the key; `None` for key files, and as long as
    /// the key was only announced.
    pub identifier: Option<String>,
    pub(crate) unknown: Vec<Unknown>,
}

impl MasterKeyRef {
    /// A key on a KMIP server.
    ///
    /// # Errors
    /// [`Error::TooLong`] for a name over 256 or an identifier over 1,024 bytes, or empty ones.
    pub fn kmip(
        generation: u32,
        name: Option<String>,
        identifier: Option<String>,
    ) -> Result<MasterKeyRef, Error> {
        for (what, text, limit) in [
            ("Name", &name, MAX_NAME_LEN),
            ("Unique Identifier", &identifier, MAX_IDENTIFIER_LEN),
        ] {
            if let Some(text) = text
                && !(1..=limit).contains(&text.len())
            {
                let got = text.len();
                return Err(Error::TooLong { what, got, limit });
            }
        }
        Ok(MasterKeyRef {
            provider: Provider::Kmip,
            generation,
            name,
            identifier,
            unknown: Vec::new(),
        })
    }

    /// The key in the file named by `security.encryptionKeyFile`.
    pub fn key_file(generation: u32) -> MasterKeyRef {
        MasterKeyRef {
            provider: Provider::KeyFile,
            generation,
            name: None,
            identifier: None,
            unknown: Vec::new(),
        }
    }

    fn decode(bytes: &[u8]) -> Result<(MasterKeyRef, Option<Binding>), FormatError> {
        let (mut provider, mut generation, mut name, mut identifier) = (None, None, None, None);
        let (mut salt, mut check, mut unknown) = (None, None, Vec::new());
        let mut input = Input::new(bytes);
        while let Some(record) = input.record()? {
            match record.kind {
                master_kind::PROVIDER => {
                    let field = "master key's provider";
                    let [code] = record.array(field)?;
                    let value = Provider::from_code(code).ok_or(FormatError::Value { field })?;
                    record::set(&mut provider, field, value)?;
                }
                master_kind::GENERATION => {
                    let field = "master key's generation";
                    let value = u32::from_be_bytes(record.array(field)?);
                    record::set(&mut generation, field, value)?;
                }
                master_kind::NAME => {
                    let field = "master key's Name";
                    record::set(&mut name, field, record.text(field, MAX_NAME_LEN)?)?;
                }
                master_kind::IDENTIFIER => {
                    let field = "master key's Unique Identifier";
                    let value = record.text(field, MAX_IDENTIFIER_LEN)?;
                    record::set(&mut identifier, field, value)?;
                }
                master_kind::SALT => {
                    let field = "salt";
                    record::set(&mut salt, field, record.array(field)?)?;
                }
                master_kind::CHECK => {
                    let field = "key check value";
                    record::set(&mut check, field, record.array(field)?)?;
                }
                _ => record.unknown("master key", &mut unknown)?,
            }
        }
        let binding = match (salt, check) {
            (Some(salt), Some(check)) => Some(Binding { salt, check }),
            (None, None) => None,
            (None, _) => return Err(FormatError::Missing { field: "salt" }),
            (_, None) => {
                return Err(FormatError::Missing {
                    field: "key check value",
                });
            }
        };
        let key = MasterKeyRef {
            provider: provider.ok_or(FormatError::Missing {
                field: "master key's provider",
            })?,
            generation: generation.ok_or(FormatError::Missing {
                field: "master key's generation",
            })?,
            name,
            identifier,
            unknown,
        };
        Ok((key, binding))
    }

    fn encode(&self, binding: Option<&Binding>) -> Vec<u8> {
        let mut out = Vec::new();
        record::put(&mut out, master_kind::PROVIDER, &[self.provider.code()]);
        let generation = self.generation.to_be_bytes();
        record::put(&mut out, master_kind::GENERATION, &generation);
        if let Some(name) = &self.name {
            record::put(&mut out, master_kind::NAME, name.as_bytes());
        }
        if let Some(identifier) = &self.identifier {
            record::put(&mut out, master_kind::IDENTIFIER, identifier.as_bytes());
        }
        if let Some(binding) = binding {
            record::put(&mut out, master_kind::SALT, &binding.salt);
            record::put(&mut out, master_kind::CHECK, &binding.check);
        }
        record::put_unknown(&mut out, &self.unknown);
        out
    }
}

/// For messages: provider, identifier and Name.
impl fmt::Display for MasterKeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.provider)?;
        if let Some(identifier) = &self.identifier {
            write!(f, " key {identifier}")?;
        }
        if let Some(name) = &self.name {
            write!(f, " named {name}")?;
        }
        write!(f, ", generation {}", self.generation)
    }
}

/// The master key that the body is under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Current {
    pub(crate) key: MasterKeyRef,
    pub(crate) binding: Binding,
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
                    let (key, binding) = MasterKeyRef::decode(record.value)?;
                    let binding = binding.ok_or(FormatError::Missing { field: "salt" })?;
                    record::set(&mut current, "master key", Current { key, binding })?;
                }
                kind::PENDING => {
                    let (key, binding) = MasterKeyRef::decode(record.value)?;
                    if binding.is_some() {
                        return Err(FormatError::Value {
                            field: "announced master key",
                        });
                    }
                    record::set(&mut pending, "announced master key", key)?;
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
        if let Some(Current { key, binding }) = &self.current {
            record::put(&mut out, kind::CURRENT, &key.encode(Some(binding)));
        }
        if let Some(key) = &self.pending {
            record::put(&mut out, kind::PENDING, &key.encode(None));
        }
        record::put_unknown(&mut out, &self.unknown);
        out
    }
}
