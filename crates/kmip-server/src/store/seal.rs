//! One record, encrypted: `magic (8) | nonce (12) | AES-256-GCM(record) | tag (16)`. Magic and
//! identifier are authenticated, so that files cannot be swapped.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

/// Names the format and its version.
const MAGIC: &[u8; 8] = b"SRKMOBJ1";

/// Seals and opens records under one key.
pub(super) struct Sealer(LessSafeKey);

impl Sealer {
    /// `None` if the key is refused, which a key of 32 bytes is not.
    pub(super) fn new(key: &[u8; 32]) -> Option<Self> {
        UnboundKey::new(&AES_256_GCM, key)
            .ok()
            .map(LessSafeKey::new)
            .map(Self)
    }

    /// The file's contents. Nonces are random: one key is good for 2^32 records written.
    pub(super) fn seal(&self, identifier: &str, record: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0_u8; NONCE_LEN];
        getrandom::fill(&mut nonce).ok()?;
        let tag_bytes = AES_256_GCM.tag_len();
        let mut body = Zeroizing::new(Vec::with_capacity(record.len() + tag_bytes));
        body.extend_from_slice(record);
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(authenticated(identifier)),
                &mut *body,
            )
            .ok()?;
        let mut file = Vec::with_capacity(MAGIC.len() + NONCE_LEN + body.len());
        file.extend_from_slice(MAGIC);
        file.extend_from_slice(&nonce);
        file.extend_from_slice(&body);
        Some(file)
    }

    /// The record; `None` if the file is not one, is damaged, belongs to another identifier or
    /// was sealed under another key.
    pub(super) fn open(&self, identifier: &str, file: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, body) = file.strip_prefix(MAGIC)?.split_first_chunk::<NONCE_LEN>()?;
        let mut body = Zeroizing::new(body.to_vec());
        let record_bytes = self
            .0
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(authenticated(identifier)),
                &mut body,
            )
            .ok()?
            .len();
        body.truncate(record_bytes);
        Some(body)
    }
}

fn authenticated(identifier: &str) -> Vec<u8> {
    [MAGIC.as_slice(), identifier.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let sealer = Sealer::new(&[7; 32]).unwrap();
        let file = sealer.seal("id-1", b"record").unwrap();
        assert_eq!(sealer.open("id-1", &file).unwrap().as_slice(), b"record");
        assert!(!file.windows(6).any(|window| window == b"record"));
        assert_ne!(
            sealer.seal("id-1", b"record").unwrap(),
            file,
            "a nonce of its own each time"
        );

        assert!(sealer.open("id-2", &file).is_none());
        assert!(Sealer::new(&[8; 32]).unwrap().open("id-1", &file).is_none());
        for position in 0..file.len() {
            let mut damaged = file.clone();
            damaged[position] ^= 1;
            assert!(sealer.open("id-1", &damaged).is_none(), "byte {position}");
        }
        for length in 0..file.len() {
            assert!(
                sealer.open("id-1", &file[..length]).is_none(),
                "{length} bytes"
            );
        }
    }
}
