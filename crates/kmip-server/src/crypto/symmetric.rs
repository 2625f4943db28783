//! From Cryptographic Parameters (KMIP 1.4, section 3.6; 2.1, section 4.14) to a cipher.

use kmip::registry::{BlockCipherMode, CryptographicAlgorithm};
use kmip::structures::CryptographicParameters;

use super::block::{BlockStream, Cipher, Mode};
use super::chacha::{ChaCha, ChaChaPoly};
use super::gcm::{Authenticated, Gcm};
use super::padding::Padding;
use super::{Begun, Stream, random, unsupported};
use crate::failure::Failure;
use kmip::registry::ResultReason;

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Encrypt,
    Decrypt,
}

/// What is to be done with a symmetric key.
pub(crate) struct Task<'a> {
    pub(crate) direction: Direction,
    pub(crate) algorithm: CryptographicAlgorithm,
    pub(crate) key: &'a [u8],
    pub(crate) parameters: &'a CryptographicParameters,
    pub(crate) iv: Option<&'a [u8]>,
    pub(crate) additional: &'a [u8],
}

/// What a cipher is, parameters resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Aes(Mode),
    TripleDes(Mode),
    AesGcm,
    ChaCha20,
    ChaCha20Poly1305,
}

/// The shortest and the longest tag, in bytes; NIST SP 800-38D allows shorter ones for special uses only.
const TAG_BYTES: std::ops::RangeInclusive<i32> = 12..=16;

impl Task<'_> {
    fn kind(&self) -> Result<Kind, Failure> {
        use CryptographicAlgorithm as A;
        let mode = self.parameters.block_cipher_mode;
        let block = || {
            let mode = mode.ok_or_else(|| Failure::missing("the Block Cipher Mode"))?;
            Mode::of(mode).ok_or_else(|| unsupported(format!("the mode {mode} is not supported")))
        };
        match (self.algorithm, mode) {
            (A::AES, Some(BlockCipherMode::GCM | BlockCipherMode::AEAD)) => Ok(Kind::AesGcm),
            (A::AES, _) => block().map(Kind::Aes),
            (A::DES3, _) => block().map(Kind::TripleDes),
            (A::ChaCha20, None) => Ok(Kind::ChaCha20),
            (A::ChaCha20Poly1305, _) | (A::ChaCha20, Some(BlockCipherMode::AEAD)) => {
                Ok(Kind::ChaCha20Poly1305)
            }
            (algorithm, _) => Err(unsupported(format!(
                "{algorithm} keys do not encrypt on this server"
            ))),
        }
    }

    /// Whether the result comes with a tag, and how long it is.
    pub(crate) fn tag_bytes(&self) -> Result<Option<usize>, Failure> {
        if !matches!(self.kind()?, Kind::AesGcm | Kind::ChaCha20Poly1305) {
            return Ok(None);
        }
        let length = self.parameters.tag_length.unwrap_or(*TAG_BYTES.end());
        usize::try_from(length)
            .ok()
            .filter(|_| TAG_BYTES.contains(&length))
            .map(Some)
            // The published cases expect this reason (CS-BC-M-GCM-1-14).
            .ok_or_else(|| {
                Failure::new(
                    ResultReason::GeneralFailure,
                    format!("the Tag Length is {length} bytes, expected 12 to 16"),
                )
            })
    }
}

/// Begins, and gives the IV if the server has made it.
pub(crate) fn begin(task: &Task<'_>) -> Result<Begun, Failure> {
    let kind = task.kind()?;
    let tag_bytes = task.tag_bytes()?;
    let made = make_iv(task, kind)?;
    let iv = made.as_deref().or(task.iv).unwrap_or_default();
    let authenticated = Authenticated {
        additional: task.additional,
        tag_bytes: tag_bytes.unwrap_or(0),
    };
    let padding = Padding::of(task.parameters.padding_method)?;
    let stream: Box<dyn Stream> = match kind {
        Kind::Aes(mode) => Box::new(BlockStream::new(
            Cipher::aes(task.key)?,
            mode,
            task.direction,
            padding,
            iv,
        )?),
        Kind::TripleDes(mode) => Box::new(BlockStream::new(
            Cipher::triple_des(task.key)?,
            mode,
            task.direction,
            padding,
            iv,
        )?),
        Kind::AesGcm => {
            Cipher::aes(task.key)?;
            Box::new(Gcm::new(task.key, task.direction, iv, &authenticated)?)
        }
        Kind::ChaCha20 => {
            let counter = task.parameters.initial_counter_value.unwrap_or(0);
            let counter = u32::try_from(counter)
                .map_err(|_| Failure::invalid("the Initial Counter Value is negative"))?;
            Box::new(ChaCha::new(task.key, iv, counter)?)
        }
        Kind::ChaCha20Poly1305 => Box::new(ChaChaPoly::new(
            task.key,
            task.direction,
            iv,
            &authenticated,
        )?),
    };
    Ok((stream, made))
}

/// The IV that an encryption needs and the client has not given, or has asked the server for.
fn make_iv(task: &Task<'_>, kind: Kind) -> Result<Option<Vec<u8>>, Failure> {
    let bytes = match kind {
        Kind::Aes(Mode::Ecb) | Kind::TripleDes(Mode::Ecb) => return Ok(None),
        Kind::Aes(_) => 16,
        Kind::TripleDes(_) => 8,
        Kind::AesGcm | Kind::ChaCha20 | Kind::ChaCha20Poly1305 => 12,
    };
    if task.direction == Direction::Decrypt {
        return match task.iv {
            Some(_) => Ok(None),
            // The published cases expect this reason (CS-BC-M-13-14).
            None => Err(Failure::new(
                ResultReason::InvalidMessage,
                "the IV is missing: decryption needs the one that was used to encrypt",
            )),
        };
    }
    if task.iv.is_some() && task.parameters.random_iv != Some(true) {
        return Ok(None);
    }
    random(bytes).map(|iv| Some(iv.to_vec()))
}

#[cfg(test)]
mod tests {
    use kmip::registry::PaddingMethod;

    use super::*;

    fn parameters(mode: Option<BlockCipherMode>) -> CryptographicParameters {
        CryptographicParameters {
            block_cipher_mode: mode,
            ..CryptographicParameters::default()
        }
    }

    fn run(
        task: &Task<'_>,
        data: &[u8],
        part: usize,
        tag: Option<&[u8]>,
    ) -> (Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>) {
        let (mut stream, iv) = begin(task).unwrap();
        let mut out = Vec::new();
        for part in data.chunks(part.max(1)) {
            out.extend_from_slice(&stream.update(part).unwrap());
        }
        let (rest, tag) = stream.finish(tag).unwrap();
        out.extend_from_slice(&rest);
        (out, iv, tag)
    }

    /// Every algorithm and mode, in parts of every size, with an IV of the server's.
    #[test]
    fn there_and_back() {
        use BlockCipherMode as M;
        use CryptographicAlgorithm as A;
        let key = [0x42; 32];
        for (algorithm, key_bytes, mode, padding) in [
            (A::AES, 16, Some(M::ECB), Some(PaddingMethod::PKCS5)),
            (A::AES, 24, Some(M::CBC), Some(PaddingMethod::PKCS5)),
            (A::AES, 32, Some(M::CBC), Some(PaddingMethod::ANSIX9_23)),
            (A::AES, 32, Some(M::CTR), None),
            (A::AES, 16, Some(M::CFB), None),
            (A::AES, 16, Some(M::OFB), None),
            (A::AES, 24, Some(M::GCM), None),
            (A::DES3, 16, Some(M::CBC), Some(PaddingMethod::PKCS5)),
            (A::DES3, 24, Some(M::ECB), Some(PaddingMethod::PKCS5)),
            (A::ChaCha20, 32, None, None),
            (A::ChaCha20Poly1305, 32, Some(M::AEAD), None),
        ] {
            let parameters = CryptographicParameters {
                padding_method: padding,
                ..parameters(mode)
            };
            for length in [0, 1, 16, 31, 100] {
                let clear: Vec<u8> = (0..length).collect();
                let mut task = Task {
                    direction: Direction::Encrypt,
                    algorithm,
                    key: &key[..key_bytes],
                    parameters: &parameters,
                    iv: None,
                    additional: b"",
                };
                let (cipher_text, iv, tag) = run(&task, &clear, 7, None);
                task.iv = iv.as_deref();
                let (at_once, ..) = run(&task, &clear, 1000, None);
                assert_eq!(at_once, cipher_text, "{algorithm} {mode:?}");
                task.direction = Direction::Decrypt;
                let (again, ..) = run(&task, &cipher_text, 5, tag.as_deref());
                assert_eq!(again, clear, "{algorithm} {mode:?} {length}");
            }
        }
    }

    #[test]
    fn what_cannot_be() {
        use BlockCipherMode as M;
        use CryptographicAlgorithm as A;
        let refused = |algorithm, mode, iv: Option<&[u8]>| {
            let parameters = parameters(mode);
            begin(&Task {
                direction: Direction::Encrypt,
                algorithm,
                key: &[1; 16],
                parameters: &parameters,
                iv,
                additional: b"",
            })
            .is_err()
        };
        assert!(refused(A::AES, None, None));
        assert!(refused(A::AES, Some(M::XTS), None));
        assert!(refused(A::AES, Some(M::CBC), Some(&[0; 15])));
        assert!(refused(A::AES, Some(M::GCM), Some(&[])));
        assert!(refused(A::HMAC_SHA256, Some(M::CBC), None));
        assert!(refused(A::ChaCha20, None, None));
        assert!(refused(A::DES3, Some(M::CTR), None));
        assert!(!refused(A::AES, Some(M::CBC), Some(&[0; 16])));
    }
}
