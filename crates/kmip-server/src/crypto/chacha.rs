//! ChaCha20 (RFC 8439) and ChaCha20-Poly1305.

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use zeroize::Zeroizing;

use super::gcm::{Authenticated, verify};
use super::{Direction, Finished, Plain, Stream, unsupported};
use crate::failure::Failure;

/// ChaCha20 alone: the same in both directions.
pub(super) struct ChaCha(ChaCha20);

impl ChaCha {
    /// A nonce of 12 bytes as in RFC 8439, or of 8 as in the original, whose counter is longer: the two are one while
    /// the counter's upper half is 0, which is 256 GiB.
    pub(super) fn new(key: &[u8], nonce: &[u8], counter: u32) -> Result<Self, Failure> {
        let mut whole = [0; 12];
        let at = if nonce.len() == 8 { 4 } else { 0 };
        match whole.get_mut(at..) {
            Some(place) if place.len() == nonce.len() => place.copy_from_slice(nonce),
            _ => {
                return Err(Failure::invalid(format!(
                    "the nonce has {} bytes, expected 8 or 12",
                    nonce.len()
                )));
            }
        }
        let mut cipher = ChaCha20::new_from_slices(key, &whole)
            .map_err(|_| unsupported(format!("ChaCha20 has no keys of {} bytes", key.len())))?;
        cipher
            .try_seek(u64::from(counter) * 64)
            .map_err(|_| Failure::invalid("the Initial Counter Value is too large"))?;
        Ok(Self(cipher))
    }
}

impl Stream for ChaCha {
    fn update(&mut self, part: &[u8]) -> Result<Plain, Failure> {
        let mut data = Zeroizing::new(part.to_vec());
        self.0
            .try_apply_keystream(&mut data)
            .map_err(|_| Failure::cryptographic("the key stream is used up"))?;
        Ok(data)
    }

    fn finish(self: Box<Self>, _: Option<&[u8]>) -> Result<Finished, Failure> {
        Ok((Plain::default(), None))
    }
}

/// ChaCha20-Poly1305. Nothing is given out before the end.
pub(super) struct ChaChaPoly {
    key: LessSafeKey,
    direction: Direction,
    nonce: [u8; 12],
    additional: Vec<u8>,
    tag_bytes: usize,
    data: Plain,
}

impl ChaChaPoly {
    pub(super) fn new(
        key: &[u8],
        direction: Direction,
        nonce: &[u8],
        authenticated: &Authenticated<'_>,
    ) -> Result<Self, Failure> {
        let nonce = nonce.try_into().map_err(|_| {
            Failure::invalid(format!("the nonce has {} bytes, expected 12", nonce.len()))
        })?;
        let key = UnboundKey::new(&CHACHA20_POLY1305, key)
            .map_err(|_| unsupported("ChaCha20-Poly1305 has keys of 32 bytes"))?;
        Ok(Self {
            key: LessSafeKey::new(key),
            direction,
            nonce,
            additional: authenticated.additional.to_vec(),
            tag_bytes: authenticated.tag_bytes,
            data: Plain::default(),
        })
    }

    fn seal(&self, data: &mut [u8]) -> Result<Vec<u8>, Failure> {
        let nonce = Nonce::assume_unique_for_key(self.nonce);
        self.key
            .seal_in_place_separate_tag(nonce, Aad::from(&self.additional), data)
            .map(|tag| tag.as_ref().iter().copied().take(self.tag_bytes).collect())
            .map_err(|_| Failure::cryptographic("the encryption failed"))
    }
}

impl Stream for ChaChaPoly {
    fn update(&mut self, part: &[u8]) -> Result<Plain, Failure> {
        let mut data = Zeroizing::new(Vec::with_capacity(self.data.len() + part.len()));
        data.extend_from_slice(&self.data);
        data.extend_from_slice(part);
        self.data = data;
        Ok(Plain::default())
    }

    fn finish(mut self: Box<Self>, expected: Option<&[u8]>) -> Result<Finished, Failure> {
        let mut data = std::mem::take(&mut self.data);
        if self.direction == Direction::Encrypt {
            let tag = self.seal(&mut data)?;
            return Ok((data, Some(tag)));
        }
        // AWS-LC verifies whole tags only. The key stream is the same in both directions, so the clear text
        // comes of encrypting the cipher text, and the tag of encrypting the clear text again.
        self.seal(&mut data)?;
        let mut again = data.clone();
        let tag = self.seal(&mut again)?;
        verify(&tag, expected)?;
        Ok((data, None))
    }
}
