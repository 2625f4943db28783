//! Hashes and message authentication codes, by AWS-LC.

use aws_lc_rs::{cmac, digest, hmac};
use kmip::registry::{BlockCipherMode, CryptographicAlgorithm, HashingAlgorithm};
use kmip::structures::CryptographicParameters;
use sha2::Digest;
use sha2::Sha512_224;
use sha3::Sha3_224;

use super::unsupported;
use crate::failure::Failure;

/// The hash of the data.
pub(crate) fn hash(algorithm: HashingAlgorithm, data: &[u8]) -> Result<Vec<u8>, Failure> {
    match algorithm {
        // AWS-LC has them, but its crate does not offer them.
        HashingAlgorithm::SHA_512_224 => Ok(Sha512_224::digest(data).to_vec()),
        HashingAlgorithm::SHA3_224 => Ok(Sha3_224::digest(data).to_vec()),
        _ => {
            digest_of(algorithm).map(|algorithm| digest::digest(algorithm, data).as_ref().to_vec())
        }
    }
}

/// How long its digests are, in bytes.
pub(super) fn digest_bytes(algorithm: HashingAlgorithm) -> Result<usize, Failure> {
    match algorithm {
        HashingAlgorithm::SHA_512_224 | HashingAlgorithm::SHA3_224 => Ok(28),
        _ => digest_of(algorithm).map(digest::Algorithm::output_len),
    }
}

/// AWS-LC's name for it.
fn digest_of(algorithm: HashingAlgorithm) -> Result<&'static digest::Algorithm, Failure> {
    use HashingAlgorithm as H;
    Ok(match algorithm {
        H::SHA_1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        H::SHA_224 => &digest::SHA224,
        H::SHA_256 => &digest::SHA256,
        H::SHA_384 => &digest::SHA384,
        H::SHA_512 => &digest::SHA512,
        H::SHA_512_256 => &digest::SHA512_256,
        H::SHA3_256 => &digest::SHA3_256,
        H::SHA3_384 => &digest::SHA3_384,
        H::SHA3_512 => &digest::SHA3_512,
        other => return Err(unsupported(format!("the hash {other} is not supported"))),
    })
}

/// HMAC with this hash.
pub(super) fn hmac_of(algorithm: HashingAlgorithm) -> Result<hmac::Algorithm, Failure> {
    use HashingAlgorithm as H;
    Ok(match algorithm {
        H::SHA_1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        H::SHA_224 => hmac::HMAC_SHA224,
        H::SHA_256 => hmac::HMAC_SHA256,
        H::SHA_384 => hmac::HMAC_SHA384,
        H::SHA_512 => hmac::HMAC_SHA512,
        other => return Err(unsupported(format!("HMAC with {other} is not supported"))),
    })
}

/// The hash of an HMAC algorithm.
pub(super) fn hash_of_hmac(algorithm: CryptographicAlgorithm) -> Option<HashingAlgorithm> {
    use CryptographicAlgorithm as A;
    Some(match algorithm {
        A::HMAC_SHA1 => HashingAlgorithm::SHA_1,
        A::HMAC_SHA224 => HashingAlgorithm::SHA_224,
        A::HMAC_SHA256 => HashingAlgorithm::SHA_256,
        A::HMAC_SHA384 => HashingAlgorithm::SHA_384,
        A::HMAC_SHA512 => HashingAlgorithm::SHA_512,
        _ => return None,
    })
}

/// The code of the data: HMAC, or CMAC with AES. `algorithm` is the key's; the parameters may say another.
pub(crate) fn mac(
    algorithm: CryptographicAlgorithm,
    parameters: Option<&CryptographicParameters>,
    key: &[u8],
    data: &[u8],
) -> Result<Vec<u8>, Failure> {
    let said = parameters.and_then(|parameters| parameters.cryptographic_algorithm);
    let mode = parameters.and_then(|parameters| parameters.block_cipher_mode);
    let algorithm = said.unwrap_or(algorithm);
    if let Some(hash) = hash_of_hmac(algorithm) {
        return hmac_with(hash, key, data);
    }
    if algorithm == CryptographicAlgorithm::AES && mode == Some(BlockCipherMode::CMAC) {
        let algorithm = match key.len() {
            16 => cmac::AES_128,
            24 => cmac::AES_192,
            _ => cmac::AES_256,
        };
        return cmac::Key::new(algorithm, key)
            .and_then(|key| cmac::sign(&key, data))
            .map(|tag| tag.as_ref().to_vec())
            .map_err(|_| Failure::cryptographic("the code cannot be made"));
    }
    Err(unsupported(format!(
        "{algorithm} makes no code: expected an HMAC, or AES in the mode CMAC"
    )))
}

/// HMAC.
pub(super) fn hmac_with(
    hash: HashingAlgorithm,
    key: &[u8],
    data: &[u8],
) -> Result<Vec<u8>, Failure> {
    let key = hmac::Key::new(hmac_of(hash)?, key);
    Ok(hmac::sign(&key, data).as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        // RFC 4231, test case 2; NIST SP 800-38B, AES-128, the empty message.
        let code = mac(
            CryptographicAlgorithm::HMAC_SHA256,
            None,
            b"Jefe",
            b"what do ya want for nothing?",
        );
        assert_eq!(code.unwrap()[..4], [0x5b, 0xdc, 0xc1, 0x46]);
        let parameters = CryptographicParameters {
            block_cipher_mode: Some(BlockCipherMode::CMAC),
            ..CryptographicParameters::default()
        };
        let key: Vec<u8> = (0..16)
            .map(|n| {
                [
                    0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09,
                    0xcf, 0x4f, 0x3c,
                ][n]
            })
            .collect();
        let code = mac(CryptographicAlgorithm::AES, Some(&parameters), &key, b"");
        assert_eq!(code.unwrap()[..4], [0xbb, 0x1d, 0x69, 0x29]);
        assert_eq!(
            hash(HashingAlgorithm::SHA_256, b"").unwrap()[..2],
            [0xe3, 0xb0]
        );
        // FIPS 180-4 and 202: the empty message.
        for (algorithm, start) in [
            (HashingAlgorithm::SHA_512_224, [0x6e, 0xd0, 0xdd, 0x02]),
            (HashingAlgorithm::SHA3_224, [0x6b, 0x4e, 0x03, 0x42]),
            (HashingAlgorithm::SHA3_256, [0xa7, 0xff, 0xc6, 0xf8]),
        ] {
            let digest = hash(algorithm, b"").unwrap();
            assert_eq!(digest[..4], start, "{algorithm}");
            assert_eq!(digest.len(), digest_bytes(algorithm).unwrap());
        }
        assert!(hash(HashingAlgorithm::MD2, b"").is_err());
        assert!(mac(CryptographicAlgorithm::AES, None, &key, b"").is_err());
    }
}
