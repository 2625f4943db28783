//! What a keystore says about a master key.

use std::fmt;

use uuid::Uuid;

use super::FormatError;
use super::record::{self, Input, Unknown};
use crate::crypto::{Binding, TAG_LEN};
use crate::error::Error;
use crate::memory::KEY_LEN;
use crate::tree_id::TreeId;

/// The longest Name of a master key, in bytes.
pub(crate) const MAX_NAME_LEN: usize = 256;
/// The longest Unique Identifier of a master key, in bytes.
pub(crate) const MAX_IDENTIFIER_LEN: usize = 1024;
/// The lengths that a nonce of a KMIP server may have, in bytes: 12 is usual, PyKMIP makes 16.
const NONCE_LEN: std::ops::RangeInclusive<usize> = 8..=64;

mod kind {
    pub(super) const PROVIDER: u16 = 1;
    pub(super) const GENERATION: u16 = 2;
    pub(super) const NAME: u16 = 3;
    pub(super) const IDENTIFIER: u16 = 4;
    pub(super) const SALT: u16 = 5;
    pub(super) const CHECK: u16 = 6;
    pub(super) const WRAPPED: u16 = 7;
}

mod wrapped_kind {
    pub(super) const NONCE: u16 = 1;
    pub(super) const CIPHERTEXT: u16 = 2;
    pub(super) const TAG: u16 = 3;
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

/// The unique Name of the master key of a dbpath: product, dbpath id, generation.
pub fn key_name(dbpath_id: Uuid, generation: u32) -> String {
    format!("strongroom/{dbpath_id}/{generation}")
}

/// The unique Name of a master key that a tree has of its own: product, dbpath id, tree, generation.
pub fn tree_key_name(dbpath_id: Uuid, tree: TreeId, generation: u32) -> String {
    format!("strongroom/{dbpath_id}/{tree}/{generation}")
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
    pub(crate) wrapped: Option<WrappedMasterKey>,
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
            wrapped: None,
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
            wrapped: None,
            unknown: Vec::new(),
        }
    }

    /// Whether it is the key on a KMIP server that has this Unique Identifier there. (Servers that do not replicate may
    /// each have a key of the same one.)
    pub fn is_kmip_key(&self, identifier: &str) -> bool {
        self.provider == Provider::Kmip && self.identifier.as_deref() == Some(identifier)
    }

    /// The same key, used in another way (`security.kmip.wrapOnServer`): it never leaves the KMIP server, which
    /// unwraps with it what plays the master key's part here. `None` is the usual way.
    #[must_use]
    pub fn with_wrapped(mut self, wrapped: Option<WrappedMasterKey>) -> MasterKeyRef {
        self.wrapped = wrapped;
        self
    }

    /// What the KMIP server has to unwrap; `None` if the key itself is fetched.
    pub fn wrapped(&self) -> Option<&WrappedMasterKey> {
        self.wrapped.as_ref()
    }

    /// Whether the KMIP key never leaves its server (`security.kmip.wrapOnServer`).
    pub fn is_wrapped_on_server(&self) -> bool {
        self.wrapped.is_some()
    }

    fn decode_any(bytes: &[u8]) -> Result<(MasterKeyRef, Option<Binding>), FormatError> {
        let (mut provider, mut generation, mut name, mut identifier) = (None, None, None, None);
        let (mut salt, mut check, mut wrapped, mut unknown) = (None, None, None, Vec::new());
        let mut input = Input::new(bytes);
        while let Some(record) = input.record()? {
            match record.kind {
                kind::PROVIDER => {
                    let field = "master key's provider";
                    let [code] = record.array(field)?;
                    let value = Provider::from_code(code).ok_or(FormatError::Value { field })?;
                    record::set(&mut provider, field, value)?;
                }
                kind::GENERATION => {
                    let field = "master key's generation";
                    let value = u32::from_be_bytes(record.array(field)?);
                    record::set(&mut generation, field, value)?;
                }
                kind::NAME => {
                    let field = "master key's Name";
                    record::set(&mut name, field, record.text(field, MAX_NAME_LEN)?)?;
                }
                kind::IDENTIFIER => {
                    let field = "master key's Unique Identifier";
                    let value = record.text(field, MAX_IDENTIFIER_LEN)?;
                    record::set(&mut identifier, field, value)?;
                }
                kind::SALT => {
                    let field = "salt";
                    record::set(&mut salt, field, record.array(field)?)?;
                }
                kind::CHECK => {
                    let field = "key check value";
                    record::set(&mut check, field, record.array(field)?)?;
                }
                kind::WRAPPED => {
                    let value = WrappedMasterKey::decode(record.value)?;
                    record::set(&mut wrapped, "wrapped master key", value)?;
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
            wrapped,
            unknown,
        };
        if key.wrapped.is_some() && key.provider != Provider::Kmip {
            return Err(FormatError::Value {
                field: "wrapped master key",
            });
        }
        Ok((key, binding))
    }

    /// Decodes a key that nothing is under: announced, or of the past. `field` is its place.
    pub(super) fn decode_unbound(
        bytes: &[u8],
        field: &'static str,
    ) -> Result<MasterKeyRef, FormatError> {
        match MasterKeyRef::decode_any(bytes)? {
            (key, None) if key.wrapped.is_none() => Ok(key),
            _ => Err(FormatError::Value { field }),
        }
    }

    pub(super) fn encode(&self, binding: Option<&Binding>) -> Vec<u8> {
        let mut out = Vec::new();
        record::put(&mut out, kind::PROVIDER, &[self.provider.code()]);
        let generation = self.generation.to_be_bytes();
        record::put(&mut out, kind::GENERATION, &generation);
        if let Some(name) = &self.name {
            record::put(&mut out, kind::NAME, name.as_bytes());
        }
        if let Some(identifier) = &self.identifier {
            record::put(&mut out, kind::IDENTIFIER, identifier.as_bytes());
        }
        if let Some(binding) = binding {
            record::put(&mut out, kind::SALT, &binding.salt);
            record::put(&mut out, kind::CHECK, &binding.check);
        }
        if let Some(wrapped) = &self.wrapped {
            record::put(&mut out, kind::WRAPPED, &wrapped.encode());
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
        write!(f, ", generation {}", self.generation)?;
        if self.wrapped.is_some() {
            f.write_str(", which stays on the KMIP server")?;
        }
        Ok(())
    }
}

/// 256 random bits that play the master key's part, encrypted by a KMIP server under a key that never leaves it
/// (`security.kmip.wrapOnServer`): AES-GCM, with [`crate::WrapContext`] as associated data. Not secret: only that
/// server can open it.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedMasterKey {
    pub(crate) nonce: Vec<u8>,
    pub(crate) ciphertext: [u8; KEY_LEN],
    pub(crate) tag: [u8; TAG_LEN],
}

impl WrappedMasterKey {
    /// What a KMIP server made of the key; `None` unless the lengths are those of AES-GCM.
    pub(crate) fn new(nonce: &[u8], ciphertext: &[u8], tag: &[u8]) -> Option<WrappedMasterKey> {
        NONCE_LEN.contains(&nonce.len()).then_some(())?;
        Some(WrappedMasterKey {
            nonce: nonce.to_vec(),
            ciphertext: ciphertext.try_into().ok()?,
            tag: tag.try_into().ok()?,
        })
    }

    fn decode(bytes: &[u8]) -> Result<WrappedMasterKey, FormatError> {
        let field = "wrapped master key";
        let (mut nonce, mut ciphertext, mut tag) = (None, None, None);
        let mut input = Input::new(bytes);
        while let Some(record) = input.record()? {
            let slot = match record.kind {
                wrapped_kind::NONCE => &mut nonce,
                wrapped_kind::CIPHERTEXT => &mut ciphertext,
                wrapped_kind::TAG => &mut tag,
                kind => return Err(FormatError::UnknownRecord { place: field, kind }),
            };
            record::set(slot, field, record.value)?;
        }
        match (nonce, ciphertext, tag) {
            (Some(nonce), Some(ciphertext), Some(tag)) => {
                WrappedMasterKey::new(nonce, ciphertext, tag).ok_or(FormatError::Value { field })
            }
            _ => Err(FormatError::Missing { field }),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        record::put(&mut out, wrapped_kind::NONCE, &self.nonce);
        record::put(&mut out, wrapped_kind::CIPHERTEXT, &self.ciphertext);
        record::put(&mut out, wrapped_kind::TAG, &self.tag);
        out
    }
}

impl fmt::Debug for WrappedMasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrappedMasterKey(..)")
    }
}

/// A master key that something is under: the body, or the data keys of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Current {
    pub(crate) key: MasterKeyRef,
    pub(crate) binding: Binding,
}

impl Current {
    pub(super) fn decode(bytes: &[u8]) -> Result<Current, FormatError> {
        let (key, binding) = MasterKeyRef::decode_any(bytes)?;
        let binding = binding.ok_or(FormatError::Missing { field: "salt" })?;
        Ok(Current { key, binding })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        self.key.encode(Some(&self.binding))
    }
}
