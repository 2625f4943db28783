//! AES-GCM with an IV of any length, tags of 12 to 16 bytes, and part by part (NIST SP 800-38D): what AWS-LC's
//! interface does not offer. Clear text is given out only after its tag is verified.

use aes::{Aes128, Aes192, Aes256};
use ctr::Ctr32BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Direction, Finished, Plain, Stream, unsupported};
use crate::failure::Failure;

const BLOCK: usize = 16;

/// AES-GCM under way.
pub(super) struct Gcm {
    direction: Direction,
    key_stream: Box<dyn StreamCipher + Send>,
    /// Encrypts the tag.
    mask: [u8; BLOCK],
    hash: GHash,
    /// Cipher text that does not fill a block of the hash yet; all of it when it is to be decrypted.
    held: Vec<u8>,
    aad_bytes: u64,
    data_bytes: u64,
    tag_bytes: usize,
}

/// What is authenticated besides the data, and how.
pub(super) struct Authenticated<'a> {
    pub(super) additional: &'a [u8],
    /// In bytes, 12 to 16.
    pub(super) tag_bytes: usize,
}

/// The limits of the specification are 2^32 - 2 blocks of data; a message is far smaller.
impl Gcm {
    pub(super) fn new(
        key: &[u8],
        direction: Direction,
        iv: &[u8],
        authenticated: &Authenticated<'_>,
    ) -> Result<Self, Failure> {
        if iv.is_empty() {
            return Err(Failure::invalid("the IV is empty"));
        }
        let mut hash_key = [0; BLOCK];
        key_stream(key, &[0; BLOCK])?.apply_keystream(&mut hash_key);
        let hash = GHash::new(&hash_key.into());
        let first = first_counter(hash.clone(), iv);
        let mut stream = key_stream(key, &first)?;
        let mut mask = [0; BLOCK];
        stream.apply_keystream(&mut mask);
        let mut this = Self {
            direction,
            key_stream: stream,
            mask,
            hash,
            held: Vec::new(),
            aad_bytes: length(authenticated.additional),
            data_bytes: 0,
            tag_bytes: authenticated.tag_bytes,
        };
        this.hash.update_padded(authenticated.additional);
        Ok(this)
    }

    /// The tag over everything so far.
    fn tag(&mut self) -> Vec<u8> {
        let mut lengths = [0; BLOCK];
        let bits = (u128::from(self.aad_bytes) << 67) | (u128::from(self.data_bytes) << 3);
        lengths.copy_from_slice(&bits.to_be_bytes());
        self.hash.update_padded(&self.held);
        self.hash.update_padded(&lengths);
        let hash = self.hash.clone().finalize();
        let tag = hash.iter().zip(&self.mask).map(|(a, b)| a ^ b);
        tag.take(self.tag_bytes).collect()
    }
}

impl Stream for Gcm {
    fn update(&mut self, part: &[u8]) -> Result<Plain, Failure> {
        self.data_bytes = self.data_bytes.saturating_add(length(part));
        if self.direction == Direction::Decrypt {
            self.held.extend_from_slice(part);
            return Ok(Plain::default());
        }
        let mut data = Zeroizing::new(part.to_vec());
        self.key_stream.apply_keystream(&mut data);
        self.held.extend_from_slice(&data);
        let whole = self.held.len() / BLOCK * BLOCK;
        self.hash
            .update_padded(self.held.get(..whole).unwrap_or_default());
        self.held.drain(..whole);
        Ok(data)
    }

    fn finish(mut self: Box<Self>, expected: Option<&[u8]>) -> Result<Finished, Failure> {
        let tag = self.tag();
        if self.direction == Direction::Encrypt {
            return Ok((Plain::default(), Some(tag)));
        }
        verify(&tag, expected)?;
        let mut data = Zeroizing::new(std::mem::take(&mut self.held));
        self.key_stream.apply_keystream(&mut data);
        Ok((data, None))
    }
}

/// Whether the tag is the one that the client gives, whole.
pub(super) fn verify(tag: &[u8], expected: Option<&[u8]>) -> Result<(), Failure> {
    let expected = expected.ok_or_else(|| Failure::missing("the Authenticated Encryption Tag"))?;
    if expected.len() != tag.len() {
        return Err(Failure::cryptographic(format!(
            "the tag has {} bytes, expected {}",
            expected.len(),
            tag.len()
        )));
    }
    if !bool::from(tag.ct_eq(expected)) {
        return Err(Failure::cryptographic("the data is not authentic"));
    }
    Ok(())
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// J0 of the specification.
fn first_counter(mut hash: GHash, iv: &[u8]) -> [u8; BLOCK] {
    let mut counter = [0; BLOCK];
    if let (12, Some((nonce, last))) = (iv.len(), counter.split_at_mut_checked(12)) {
        nonce.copy_from_slice(iv);
        last.copy_from_slice(&1_u32.to_be_bytes());
        return counter;
    }
    hash.update_padded(iv);
    counter.copy_from_slice(&u128::from(length(iv).saturating_mul(8)).to_be_bytes());
    hash.update_padded(&counter);
    hash.finalize().into()
}

/// AES in counter mode with a counter of 32 bits, from this counter block on.
fn key_stream(key: &[u8], counter: &[u8; BLOCK]) -> Result<Box<dyn StreamCipher + Send>, Failure> {
    let no_key = |_| unsupported("AES has no keys of this length");
    Ok(match key.len() {
        16 => Box::new(Ctr32BE::<Aes128>::new_from_slices(key, counter).map_err(no_key)?),
        24 => Box::new(Ctr32BE::<Aes192>::new_from_slices(key, counter).map_err(no_key)?),
        _ => Box::new(Ctr32BE::<Aes256>::new_from_slices(key, counter).map_err(no_key)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(
        direction: Direction,
        iv: &[u8],
        data: &[u8],
        parts: usize,
        tag: Option<&[u8]>,
    ) -> Result<(Vec<u8>, Option<Vec<u8>>), Failure> {
        let authenticated = Authenticated {
            additional: b"additional",
            tag_bytes: 16,
        };
        let mut gcm = Box::new(Gcm::new(&[7; 32], direction, iv, &authenticated)?);
        let mut out = Vec::new();
        for part in data.chunks(parts) {
            out.extend_from_slice(&gcm.update(part)?);
        }
        let (rest, tag) = gcm.finish(tag)?;
        out.extend_from_slice(&rest);
        Ok((out, tag))
    }

    /// The same as AWS-LC's, in parts of any size.
    #[test]
    fn as_aws_lc() {
        use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).unwrap());
        for length in [0, 1, 15, 16, 17, 100] {
            let data = vec![3; length];
            let mut theirs = data.clone();
            let nonce = Nonce::assume_unique_for_key([9; 12]);
            let tag = key
                .seal_in_place_separate_tag(nonce, Aad::from(b"additional"), &mut theirs)
                .unwrap();
            for parts in [1, 7, 16, 50] {
                let (ours, our_tag) =
                    whole(Direction::Encrypt, &[9; 12], &data, parts, None).unwrap();
                assert_eq!(
                    (ours.as_slice(), our_tag.unwrap().as_slice()),
                    (theirs.as_slice(), tag.as_ref())
                );
            }
        }
    }

    #[test]
    fn only_what_is_authentic_is_decrypted() {
        for iv in [[1; 12].as_slice(), &[1; 1], &[1; 60]] {
            let (mut data, tag) = whole(Direction::Encrypt, iv, b"clear text", 3, None).unwrap();
            let mut tag = tag.unwrap();
            let (clear, none) = whole(Direction::Decrypt, iv, &data, 4, Some(&tag)).unwrap();
            assert_eq!((clear.as_slice(), none), (b"clear text".as_slice(), None));
            tag[15] ^= 1;
            assert!(whole(Direction::Decrypt, iv, &data, 4, Some(&tag)).is_err());
            tag[15] ^= 1;
            data[0] ^= 1;
            assert!(whole(Direction::Decrypt, iv, &data, 4, Some(&tag)).is_err());
        }
    }
}
