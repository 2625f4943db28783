//! The format of the file `keystore`, version 1, byte by byte.
//!
//! Integers are big-endian, texts are UTF-8, lengths and offsets are in bytes.
//!
//! ```text
//! offset        size  what
//! 0             8     magic: 89 53 52 4B 45 59 0D 0A ("\x89SRKEY\r\n": shows a transfer in text mode)
//! 8             2     format version: 1
//! 10            2     reserved: 0
//! 12            4     H: length of the header, at most 65,536
//! 16            4     B: length of the sealed body; 0 if there is none
//! 20            H     header: records in clear
//! 20+H          B     sealed body: nonce (12), ciphertext (B-28), tag (16); AES-256-GCM under the key
//!                     "seal", with bytes 0 to 20+H-1 as associated data
//! 20+H+B        32    SHA-256 of all bytes before it (not keyed: finds damage, not forgery)
//! ```
//!
//! The digest is the last 32 bytes of the file in this and every later version, so that a version that
//! is not known can be told from damage. A file is at most 64 MiB.
//!
//! **Record**: `kind u16, length u32, value`. Kinds from 0x8000 are optional: who does not know one
//! skips it, and keeps it when he writes the file again. A file with an unknown kind below 0x8000 is
//! refused as newer. Each kind occurs at most once in its place, unless marked `*`.
//!
//! ```text
//! header records
//! 1    16      dbpath id: random, given once
//! 2    8       sequence: 1 for the first file, one more with each replacement
//! 3    1       cipher of the data: 1 AES-256-GCM, 2 XChaCha20-Poly1305
//! 4    nested  the master key that the body is under; absent until there is a body
//! 5    nested  a master key that is about to be used: announced before it is created
//!
//! master key records (in header 4 and 5, and in the body)
//! 1    1       provider: 1 KMIP, 2 key file
//! 2    4       generation: 1 for the dbpath's first master key, one more for each rotation
//! 3    <=256   Name under which the key was created on the KMIP server
//! 4    <=1024  Unique Identifier that the KMIP server gave the key
//! 5    32      salt of HKDF                  (only where something is under the key: required there)
//! 6    32      key check value               (the same)
//! 7    nested  wrapped master key            (only where 5 is, and only of provider KMIP)
//!
//! wrapped master key records: 256 random bits that play the master key's part, encrypted by the KMIP server
//! under the key of record 4 (AES-GCM), which never leaves it; associated data: "strongroom master key 1",
//! dbpath id, tree id (zeros for the dbpath's own), generation
//! 1    8..=64  nonce
//! 2    32      ciphertext
//! 3    16      tag
//!
//! body records (after decryption)
//! 1 *  nested  data key
//! 2 *  nested  master key of a tree: the data keys of the tree are wrapped under it
//! 3 *  nested  history: a master key that the body is or was under; oldest first, the last 64
//! 0x8001 *  nested  lineage of a tree: what is remembered of the master keys that it had of its own
//! 0x8002    60      the key "seal" of `keystore.previous`, wrapped as a data key is: nonce (12), ciphertext (32), tag
//!                   (16); AES-256-GCM under the key "wrap" of the dbpath's master key; associated data:
//!                   "strongroom previous seal 1", dbpath id
//!
//! records of the master key of a tree
//! 1    16      tree id; the tree has data keys, and only one such record
//! 2    nested  master key
//!
//! lineage records
//! 1    16      tree id; the tree has data keys, and only one such record
//! 2    4       generation of the last master key that it had of its own; the next one has a greater one
//! 3    nested  a master key of its own that is about to be used: announced before it is created
//!
//! history records
//! 1    8       seconds since 1970
//! 2    1       reason: 1 created, 2 rotated, 3 migrated
//! 3    nested  master key (without records 5 to 7)
//! 4    1       1 if the key did not leave the KMIP server, 0 if it was fetched
//! 0x8001  8    when it was revoked on the KMIP server by us, seconds since 1970; absent if it was not
//!
//! data key records
//! 1    16      tree id
//! 2    4       key id, unique in its tree
//! 3    1       state: 1 active (exactly one in each tree), 2 decrypt only
//! 4    60      the key, wrapped: nonce (12), ciphertext (32), tag (16); AES-256-GCM under the key "wrap" of
//!              the tree's master key if it has one, and of the dbpath's if not;
//!              associated data: "strongroom data key 1", dbpath id, tree id, key id
//! ```
//!
//! **Keys**: HKDF-SHA-256 of the master key with the salt beside it (record 5); `info` is
//! `strongroom keystore 1: wrap data keys`, `strongroom keystore 1: seal body` and
//! `strongroom keystore 1: key check value`; 32 bytes each. The master key is used for nothing else.
//!
//! **Order of checks**, each with an error of its own: digest (damage), version (newer), key check value
//! (another master key), the body's tag (forgery: the digest fits, the master key fits, the content
//! does not). A file without body announces a master key and holds nothing yet.

mod body;
mod error;
mod header;
mod history;
mod lineage;
mod master_key;
mod record;

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};

pub use error::FormatError;
pub use header::{Cipher, Header};
pub use history::{HistoryEntry, HistoryReason, MAX_HISTORY};
pub use master_key::{MasterKeyRef, Provider, WrappedMasterKey, key_name, tree_key_name};

pub(crate) use body::{Body, Entry};
pub use body::{KeyState, MAX_DATA_KEYS};
pub(crate) use lineage::Lineage;
pub(crate) use master_key::Current;

/// The format version that this program writes, and the newest that it reads.
pub const VERSION: u16 = 1;
/// The longest keystore that is read or written, in bytes.
pub const MAX_FILE_LEN: usize = 64 << 20;
/// The longest header, in bytes.
pub const MAX_HEADER_LEN: usize = 1 << 16;

const MAGIC: [u8; 8] = *b"\x89SRKEY\r\n";
const PREFIX_LEN: usize = 20;
const DIGEST_LEN: usize = SHA256_OUTPUT_LEN;

/// A keystore file taken apart, its body still sealed.
#[derive(Debug)]
pub(crate) struct File<'a> {
    pub(crate) header: Header,
    /// What the body is authenticated together with: the prefix and the header.
    pub(crate) before_body: &'a [u8],
    /// Empty if the file only announces a master key.
    pub(crate) sealed: &'a [u8],
}

/// Takes a file apart after its digest was checked.
pub(crate) fn decode(bytes: &[u8]) -> Result<File<'_>, FormatError> {
    if bytes.len() > MAX_FILE_LEN {
        return Err(FormatError::TooLong {
            got: bytes.len() as u64,
            limit: MAX_FILE_LEN,
        });
    }
    let (content, expected) = bytes
        .split_last_chunk::<DIGEST_LEN>()
        .filter(|(content, _)| content.len() >= PREFIX_LEN)
        .ok_or(FormatError::TooShort {
            got: bytes.len(),
            expected: PREFIX_LEN + DIGEST_LEN,
        })?;
    if !content.starts_with(&MAGIC) {
        return Err(FormatError::Magic);
    }
    if digest(&SHA256, content).as_ref() != expected {
        return Err(FormatError::Digest);
    }
    decode_content(content)
}

/// Takes the part before the digest apart.
fn decode_content(content: &[u8]) -> Result<File<'_>, FormatError> {
    let mut input = record::Input::new(content);
    let magic: [u8; 8] = input.array()?;
    if magic != MAGIC {
        return Err(FormatError::Magic);
    }
    match input.u16()? {
        VERSION => {}
        0 => return Err(FormatError::Value { field: "version" }),
        got => return Err(FormatError::NewerVersion { got }),
    }
    if input.u16()? != 0 {
        return Err(FormatError::Value { field: "reserved" });
    }
    let header_len = input.u32()? as usize;
    let body_len = input.u32()? as usize;
    if header_len > MAX_HEADER_LEN {
        return Err(FormatError::Value {
            field: "header length",
        });
    }
    let header = Header::decode(input.take(header_len)?)?;
    let sealed = input.take(body_len)?;
    input.end()?;
    let (before_body, _) = content.split_at(content.len() - body_len);
    if header.current.is_some() == sealed.is_empty() {
        return Err(FormatError::Value {
            field: "body length",
        });
    }
    Ok(File {
        header,
        before_body,
        sealed,
    })
}

/// Writes a file. `seal` gets what is before the body and returns the sealed body, which must have
/// the given length; a file without body has length 0.
pub(crate) fn encode<E>(
    header: &Header,
    body_len: usize,
    seal: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<Vec<u8>, E> {
    let header = header.encode();
    let mut file = Vec::with_capacity(PREFIX_LEN + header.len() + body_len + DIGEST_LEN);
    file.extend_from_slice(&MAGIC);
    file.extend_from_slice(&VERSION.to_be_bytes());
    file.extend_from_slice(&0u16.to_be_bytes());
    // Both lengths are bounded far below 4 GiB by the limits of what goes into them.
    file.extend_from_slice(&(header.len() as u32).to_be_bytes());
    file.extend_from_slice(&(body_len as u32).to_be_bytes());
    file.extend_from_slice(&header);
    let sealed = seal(&file)?;
    debug_assert_eq!(sealed.len(), body_len);
    file.extend_from_slice(&sealed);
    let digest = digest(&SHA256, &file);
    file.extend_from_slice(digest.as_ref());
    Ok(file)
}

/// Decodes arbitrary bytes as the fuzz target does: the digest is not checked, so that what lies behind
/// it is reached. What decodes must encode to something that decodes to the same.
#[doc(hidden)]
pub fn fuzz(bytes: &[u8]) {
    let _ = decode(bytes);
    if let Ok(file) = decode_content(bytes) {
        let again = Header::decode(&file.header.encode());
        assert_eq!(again, Ok(file.header));
    }
    if let Ok(header) = Header::decode(bytes) {
        assert_eq!(Header::decode(&header.encode()), Ok(header));
    }
    if let Ok(body) = Body::decode(bytes) {
        assert_eq!(Body::decode(&body.encode()), Ok(body));
    }
}

#[cfg(test)]
mod tests;
