//! One record, encrypted: `magic (8) | salt (16) | nonce (12) | AES-256-GCM(record) | tag (16)`. Magic and what the
//! record belongs to are authenticated, so that records cannot be swapped.
//!
//! Each record has a key of its own, `HMAC-SHA-256(key, salt)`: with salt and nonce, 28 random bytes name the key
//! stream, so that the number of records that one key may seal is no concern (with a nonce alone it would be 2^32,
//! which a busy server writes in weeks).

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

/// Names the format and its version.
const MAGIC: &[u8; 8] = b"SRKMOBJ2";
const SALT_LEN: usize = 16;

/// Seals and opens records under one key.
pub(super) struct Sealer(hmac::Key);

impl Sealer {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The key of the records with this salt.
    fn key(&self, salt: &[u8; SALT_LEN]) -> Option<LessSafeKey> {
        let derived = hmac::sign(&self.0, salt);
        UnboundKey::new(&AES_256_GCM, derived.as_ref())
            .ok()
            .map(LessSafeKey::new)
    }

    /// The sealed record of `what`. `None` without random numbers.
    pub(super) fn seal(&self, what: &[u8], record: &[u8]) -> Option<Vec<u8>> {
        let mut random = [0_u8; SALT_LEN + NONCE_LEN];
        getrandom::fill(&mut random).ok()?;
        let (salt, nonce) = random.split_first_chunk::<SALT_LEN>()?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = Zeroizing::new(record.to_vec());
        let tag = self
            .key(salt)?
            .seal_in_place_separate_tag(nonce, Aad::from(authenticated(what)), &mut body)
            .ok()?;
        let mut sealed =
            Vec::with_capacity(MAGIC.len() + random.len() + body.len() + tag.as_ref().len());
        sealed.extend_from_slice(MAGIC);
        sealed.extend_from_slice(&random);
        sealed.extend_from_slice(&body);
        sealed.extend_from_slice(tag.as_ref());
        Some(sealed)
    }

    /// The record; `None` if it is not one, is damaged, belongs to something else or was sealed under another key.
    pub(super) fn open(&self, what: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (salt, rest) = sealed.strip_prefix(MAGIC)?.split_first_chunk()?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let mut body = Zeroizing::new(body.to_vec());
        let record_bytes = self
            .key(salt)?
            .open_in_place(nonce, Aad::from(authenticated(what)), &mut body)
            .ok()?
            .len();
        body.truncate(record_bytes);
        Some(body)
    }
}

fn authenticated(what: &[u8]) -> Vec<u8> {
    [MAGIC.as_slice(), what].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let sealer = Sealer::new(&[7; 32]);
        let sealed = sealer.seal(b"id-1", b"record").unwrap();
        assert_eq!(sealer.open(b"id-1", &sealed).unwrap().as_slice(), b"record");
        assert!(!sealed.windows(6).any(|window| window == b"record"));
        assert_ne!(
            sealer.seal(b"id-1", b"record").unwrap(),
            sealed,
            "a key and a nonce of its own each time"
        );

        assert!(sealer.open(b"id-2", &sealed).is_none());
        assert!(Sealer::new(&[8; 32]).open(b"id-1", &sealed).is_none());
        for position in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[position] ^= 1;
            assert!(sealer.open(b"id-1", &damaged).is_none(), "byte {position}");
        }
        for length in 0..sealed.len() {
            assert!(
                sealer.open(b"id-1", &sealed[..length]).is_none(),
                "{length} bytes"
            );
        }
    }
}
