//! Block ciphers in the modes ECB, CBC, CFB (128 bits), OFB and CTR: AES by AWS-LC, 3DES in ECB and CBC.

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm, DecryptingKey, DecryptionContext, EncryptingKey,
    EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use des::TdesEde3;
use des::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use kmip::registry::BlockCipherMode;
use zeroize::Zeroizing;

use super::padding::Padding;
use super::{Direction, Finished, Plain, Stream, unsupported};
use crate::failure::Failure;

/// A block cipher with its key.
pub(super) enum Cipher {
    Aes(&'static Algorithm, Zeroizing<Vec<u8>>),
    TripleDes(Box<TdesEde3>),
}

/// A mode of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Ecb,
    Cbc,
    Cfb,
    Ofb,
    Ctr,
}

impl Mode {
    pub(super) fn of(mode: BlockCipherMode) -> Option<Self> {
        match mode {
            BlockCipherMode::ECB => Some(Self::Ecb),
            BlockCipherMode::CBC => Some(Self::Cbc),
            BlockCipherMode::CFB => Some(Self::Cfb),
            BlockCipherMode::OFB => Some(Self::Ofb),
            BlockCipherMode::CTR => Some(Self::Ctr),
            _ => None,
        }
    }

    /// Whether data of any length is its own last block.
    fn is_a_stream(self) -> bool {
        matches!(self, Self::Cfb | Self::Ofb | Self::Ctr)
    }
}

impl Cipher {
    pub(super) fn aes(key: &[u8]) -> Result<Self, Failure> {
        let algorithm = match key.len() {
            16 => &AES_128,
            24 => &AES_192,
            32 => &AES_256,
            bytes => return Err(unsupported(format!("AES has no keys of {bytes} bytes"))),
        };
        Ok(Self::Aes(algorithm, Zeroizing::new(key.to_vec())))
    }

    /// 3DES with two or three keys.
    pub(super) fn triple_des(key: &[u8]) -> Result<Self, Failure> {
        let mut whole = Zeroizing::new(key.to_vec());
        if let (16, Some(first)) = (key.len(), key.get(..8)) {
            whole.extend_from_slice(first);
        }
        TdesEde3::new_from_slice(&whole)
            .map(|cipher| Self::TripleDes(Box::new(cipher)))
            .map_err(|_| unsupported(format!("3DES has no keys of {} bytes", key.len())))
    }

    /// In bytes.
    pub(super) fn block_len(&self) -> usize {
        match self {
            Self::Aes(..) => 16,
            Self::TripleDes(_) => 8,
        }
    }
}

/// A block cipher in a mode, part by part.
pub(super) struct BlockStream {
    cipher: Cipher,
    mode: Mode,
    direction: Direction,
    padding: Padding,
    /// What the next block is chained to; the counter in CTR.
    iv: Vec<u8>,
    /// Less than a block, or the last block of what is to be decrypted: its padding is seen at the end.
    pending: Plain,
}

impl BlockStream {
    /// `iv` is empty in ECB, and has the length of a block otherwise.
    pub(super) fn new(
        cipher: Cipher,
        mode: Mode,
        direction: Direction,
        padding: Padding,
        iv: &[u8],
    ) -> Result<Self, Failure> {
        if matches!(cipher, Cipher::TripleDes(_)) && !matches!(mode, Mode::Ecb | Mode::Cbc) {
            return Err(unsupported("3DES is supported in the modes ECB and CBC"));
        }
        if mode.is_a_stream() && padding != Padding::None {
            return Err(unsupported("this mode takes no padding"));
        }
        let expected = if mode == Mode::Ecb {
            0
        } else {
            cipher.block_len()
        };
        if iv.len() != expected && mode != Mode::Ecb {
            return Err(Failure::invalid(format!(
                "the IV has {} bytes, expected {expected}",
                iv.len()
            )));
        }
        Ok(Self {
            cipher,
            mode,
            direction,
            padding,
            iv: iv.to_vec(),
            pending: Plain::default(),
        })
    }

    /// Whole blocks, in place; in the modes that are streams also a last one that is not whole.
    fn process(&mut self, data: &mut [u8]) -> Result<(), Failure> {
        if data.is_empty() {
            return Ok(());
        }
        let block = self.cipher.block_len();
        let last = |data: &[u8]| data.rchunks_exact(block).next().map(<[u8]>::to_vec);
        let before = last(data);
        match &self.cipher {
            Cipher::Aes(algorithm, key) => {
                aes(algorithm, key, self.mode, self.direction, &self.iv, data)
                    .map_err(|_| Failure::cryptographic("the block cipher failed"))?;
            }
            Cipher::TripleDes(cipher) => {
                let chained = self.mode == Mode::Cbc;
                triple_des(cipher, chained, self.direction, &self.iv, data);
            }
        }
        let (Some(before), Some(after)) = (before, last(data)) else {
            return Ok(());
        };
        match (self.mode, self.direction) {
            (Mode::Ecb, _) => {}
            (Mode::Cbc | Mode::Cfb, Direction::Encrypt) => self.iv = after,
            (Mode::Cbc | Mode::Cfb, Direction::Decrypt) => self.iv = before,
            (Mode::Ofb, _) => {
                self.iv = before.iter().zip(&after).map(|(a, b)| a ^ b).collect();
            }
            (Mode::Ctr, _) => {
                let counter = <[u8; 16]>::try_from(self.iv.as_slice())
                    .map(u128::from_be_bytes)
                    .unwrap_or_default();
                let blocks = u128::try_from(data.len() / block).unwrap_or_default();
                self.iv = counter.wrapping_add(blocks).to_be_bytes().to_vec();
            }
        }
        Ok(())
    }
}

impl Stream for BlockStream {
    fn update(&mut self, part: &[u8]) -> Result<Plain, Failure> {
        let block = self.cipher.block_len();
        let mut data = Zeroizing::new(Vec::with_capacity(self.pending.len() + part.len()));
        data.extend_from_slice(&self.pending);
        data.extend_from_slice(part);
        let mut whole = data.len() / block * block;
        let holds_back = self.direction == Direction::Decrypt && self.padding != Padding::None;
        if holds_back && whole == data.len() {
            whole = whole.saturating_sub(block);
        }
        self.pending = Zeroizing::new(data.get(whole..).unwrap_or_default().to_vec());
        data.truncate(whole);
        self.process(&mut data)?;
        Ok(data)
    }

    fn finish(mut self: Box<Self>, _: Option<&[u8]>) -> Result<Finished, Failure> {
        let block = self.cipher.block_len();
        let mut rest = std::mem::take(&mut self.pending);
        if self.direction == Direction::Encrypt && !self.mode.is_a_stream() {
            self.padding.add(&mut rest, block)?;
        }
        if !self.mode.is_a_stream() && !rest.len().is_multiple_of(block) {
            return Err(Failure::cryptographic(format!(
                "the data does not fill its blocks of {block} bytes"
            )));
        }
        self.process(&mut rest)?;
        if self.direction == Direction::Decrypt {
            self.padding.remove(&mut rest, block)?;
        }
        Ok((rest, None))
    }
}

fn aes(
    algorithm: &'static Algorithm,
    key: &[u8],
    mode: Mode,
    direction: Direction,
    iv: &[u8],
    data: &mut [u8],
) -> Result<(), aws_lc_rs::error::Unspecified> {
    let key = UnboundCipherKey::new(algorithm, key)?;
    let iv = || FixedLength::<16>::try_from(iv);
    match direction {
        Direction::Encrypt => {
            let (key, context) = match mode {
                Mode::Ecb => (EncryptingKey::ecb(key)?, EncryptionContext::None),
                Mode::Cbc => (EncryptingKey::cbc(key)?, EncryptionContext::Iv128(iv()?)),
                Mode::Cfb => (EncryptingKey::cfb128(key)?, EncryptionContext::Iv128(iv()?)),
                Mode::Ofb => (EncryptingKey::ofb(key)?, EncryptionContext::Iv128(iv()?)),
                Mode::Ctr => (EncryptingKey::ctr(key)?, EncryptionContext::Iv128(iv()?)),
            };
            key.less_safe_encrypt(data, context).map(drop)
        }
        Direction::Decrypt => {
            let (key, context) = match mode {
                Mode::Ecb => (DecryptingKey::ecb(key)?, DecryptionContext::None),
                Mode::Cbc => (DecryptingKey::cbc(key)?, DecryptionContext::Iv128(iv()?)),
                Mode::Cfb => (DecryptingKey::cfb128(key)?, DecryptionContext::Iv128(iv()?)),
                Mode::Ofb => (DecryptingKey::ofb(key)?, DecryptionContext::Iv128(iv()?)),
                Mode::Ctr => (DecryptingKey::ctr(key)?, DecryptionContext::Iv128(iv()?)),
            };
            key.decrypt(data, context).map(drop)
        }
    }
}

/// Whole blocks of 8 bytes.
fn triple_des(cipher: &TdesEde3, chained: bool, direction: Direction, iv: &[u8], data: &mut [u8]) {
    let mut chain = <[u8; 8]>::try_from(iv).unwrap_or_default();
    for chunk in data.as_chunks_mut::<8>().0 {
        let mut block = Array::from(*chunk);
        match direction {
            Direction::Encrypt => {
                if chained {
                    xor(&mut block, &chain);
                }
                cipher.encrypt_block(&mut block);
                chain = block.into();
            }
            Direction::Decrypt => {
                cipher.decrypt_block(&mut block);
                if chained {
                    xor(&mut block, &chain);
                }
                chain = *chunk;
            }
        }
        *chunk = block.into();
    }
}

fn xor(block: &mut [u8], other: &[u8]) {
    for (byte, other) in block.iter_mut().zip(other) {
        *byte ^= other;
    }
}
