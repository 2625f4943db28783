//! Key derivation (KMIP 1.4, section 4.6; 2.1, section 6.1.15 and 7.12): PBKDF2 (RFC 8018), hashes and HMAC,
//! encryption, HKDF (RFC 5869), and the three modes of NIST SP 800-108.

use std::num::NonZeroU32;

use aws_lc_rs::{hkdf, pbkdf2};
use kmip::operations::DerivationParameters;
use kmip::registry::{CryptographicAlgorithm, DerivationMethod, HashingAlgorithm};
use kmip::structures::CryptographicParameters;
use zeroize::Zeroizing;

use super::hash::{hash, hash_of_hmac, hmac_with};
use super::symmetric::{Direction, Task, begin};
use super::{Plain, unsupported};
use crate::failure::Failure;

/// The longest key or secret, in bytes.
pub(crate) const MOST_BYTES: usize = 8_192;

/// Derives so many bytes. `algorithm` is that of the key that it derives from. The caller bounds the Iteration Count.
pub(crate) fn derive(
    method: DerivationMethod,
    parameters: &DerivationParameters,
    algorithm: Option<CryptographicAlgorithm>,
    key: &[u8],
    data: &[u8],
    length: usize,
) -> Result<Plain, Failure> {
    let cryptographic = parameters
        .cryptographic_parameters
        .clone()
        .unwrap_or_default();
    let salt = parameters.salt.as_deref().unwrap_or_default();
    let derived = match method {
        DerivationMethod::PBKDF2 => {
            let count = parameters.iteration_count;
            password(&cryptographic, count, salt, key, length)?
        }
        DerivationMethod::HASH => Zeroizing::new(hash(prf(&cryptographic)?, key)?),
        DerivationMethod::HMAC => Zeroizing::new(hmac_with(prf(&cryptographic)?, key, data)?),
        DerivationMethod::ENCRYPT => {
            let algorithm = cryptographic
                .cryptographic_algorithm
                .or(algorithm)
                .ok_or_else(|| Failure::missing("the Cryptographic Algorithm"))?;
            let (mut stream, made) = begin(&Task {
                direction: Direction::Encrypt,
                algorithm,
                key,
                parameters: &cryptographic,
                iv: parameters.initialization_vector.as_deref(),
                additional: &[],
            })?;
            if made.is_some() {
                return Err(Failure::missing("the Initialization Vector"));
            }
            let mut all = stream.update(data)?;
            all.extend_from_slice(&stream.finish(None)?.0);
            all
        }
        DerivationMethod::HKDF => extract_and_expand(&cryptographic, salt, key, data, length)?,
        DerivationMethod::NIST800_108_C
        | DerivationMethod::NIST800_108_F
        | DerivationMethod::NIST800_108_DPI => {
            pseudo_random(method, &cryptographic, parameters, key, data, length)?
        }
        other => return Err(unsupported(format!("the method {other} is not supported"))),
    };
    match derived.get(..length) {
        Some(bytes) => Ok(Zeroizing::new(bytes.to_vec())),
        None => Err(Failure::cryptographic(format!(
            "the derivation yields {} bytes, {length} are asked for",
            derived.len()
        ))),
    }
}

/// The hash that a derivation is built on: of the Hashing Algorithm, or of an HMAC as Cryptographic Algorithm.
fn prf(parameters: &CryptographicParameters) -> Result<HashingAlgorithm, Failure> {
    let by_hmac = parameters.cryptographic_algorithm.and_then(hash_of_hmac);
    parameters
        .hashing_algorithm
        .or(by_hmac)
        .ok_or_else(|| Failure::missing("the Hashing Algorithm"))
}

fn password(
    parameters: &CryptographicParameters,
    count: Option<i32>,
    salt: &[u8],
    key: &[u8],
    length: usize,
) -> Result<Plain, Failure> {
    let algorithm = match prf(parameters)? {
        HashingAlgorithm::SHA_1 => pbkdf2::PBKDF2_HMAC_SHA1,
        HashingAlgorithm::SHA_256 => pbkdf2::PBKDF2_HMAC_SHA256,
        HashingAlgorithm::SHA_384 => pbkdf2::PBKDF2_HMAC_SHA384,
        HashingAlgorithm::SHA_512 => pbkdf2::PBKDF2_HMAC_SHA512,
        other => return Err(unsupported(format!("PBKDF2 with {other} is not supported"))),
    };
    let count = count.ok_or_else(|| Failure::missing("the Iteration Count"))?;
    let count = u32::try_from(count)
        .ok()
        .and_then(NonZeroU32::new)
        .ok_or_else(|| Failure::invalid(format!("the Iteration Count is {count}")))?;
    let mut out = Zeroizing::new(vec![0; length]);
    pbkdf2::derive(algorithm, count, salt, key, &mut out);
    Ok(out)
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn extract_and_expand(
    parameters: &CryptographicParameters,
    salt: &[u8],
    key: &[u8],
    info: &[u8],
    length: usize,
) -> Result<Plain, Failure> {
    let algorithm = match prf(parameters)? {
        HashingAlgorithm::SHA_1 => hkdf::HKDF_SHA1_FOR_LEGACY_USE_ONLY,
        HashingAlgorithm::SHA_256 => hkdf::HKDF_SHA256,
        HashingAlgorithm::SHA_384 => hkdf::HKDF_SHA384,
        HashingAlgorithm::SHA_512 => hkdf::HKDF_SHA512,
        other => return Err(unsupported(format!("HKDF with {other} is not supported"))),
    };
    let mut out = Zeroizing::new(vec![0; length]);
    let extracted = hkdf::Salt::new(algorithm, salt).extract(key);
    extracted
        .expand(&[info], Length(length))
        .and_then(|expanded| expanded.fill(&mut out))
        .map_err(|_| Failure::cryptographic("HKDF yields 255 times the hash at most"))?;
    Ok(out)
}

/// NIST SP 800-108 with HMAC. The data is what the specification calls label, 0x00, context and length: the client
/// brings it whole. Counters are of 32 bits and stand before it.
fn pseudo_random(
    method: DerivationMethod,
    cryptographic: &CryptographicParameters,
    parameters: &DerivationParameters,
    key: &[u8],
    data: &[u8],
    length: usize,
) -> Result<Plain, Failure> {
    let algorithm = prf(cryptographic)?;
    let iv = parameters.initialization_vector.as_deref();
    let mut feedback = Zeroizing::new(iv.unwrap_or_default().to_vec());
    let mut running = Zeroizing::new(data.to_vec());
    let mut out = Zeroizing::new(Vec::with_capacity(length + 64));
    let mut counter = 0_u32;
    while out.len() < length {
        counter = counter.saturating_add(1);
        let mut input = Zeroizing::new(Vec::new());
        match method {
            DerivationMethod::NIST800_108_F => input.extend_from_slice(&feedback),
            DerivationMethod::NIST800_108_DPI => {
                running = Zeroizing::new(hmac_with(algorithm, key, &running)?);
                input.extend_from_slice(&running);
            }
            _ => {}
        }
        input.extend_from_slice(&counter.to_be_bytes());
        input.extend_from_slice(data);
        feedback = Zeroizing::new(hmac_with(algorithm, key, &input)?);
        out.extend_from_slice(&feedback);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use kmip::Bytes;

    use super::*;

    fn with(hash: HashingAlgorithm) -> DerivationParameters {
        DerivationParameters {
            cryptographic_parameters: Some(CryptographicParameters {
                hashing_algorithm: Some(hash),
                ..CryptographicParameters::default()
            }),
            ..DerivationParameters::default()
        }
    }

    #[test]
    fn known_answers() {
        // RFC 6070, the second vector.
        let parameters = DerivationParameters {
            salt: Some(Bytes(b"salt".to_vec())),
            iteration_count: Some(2),
            ..with(HashingAlgorithm::SHA_1)
        };
        let method = DerivationMethod::PBKDF2;
        let key = derive(method, &parameters, None, b"password", b"", 20).unwrap();
        assert_eq!(key[..4], [0xea, 0x6c, 0x01, 0x4d]);
        // RFC 5869, test case 3.
        let parameters = with(HashingAlgorithm::SHA_256);
        let key = derive(
            DerivationMethod::HKDF,
            &parameters,
            None,
            &[0x0b; 22],
            b"",
            42,
        )
        .unwrap();
        assert_eq!(key[..4], [0x8d, 0xa4, 0xe7, 0x75]);
    }

    #[test]
    fn lengths() {
        let parameters = with(HashingAlgorithm::SHA_256);
        for method in [
            DerivationMethod::NIST800_108_C,
            DerivationMethod::NIST800_108_F,
            DerivationMethod::NIST800_108_DPI,
            DerivationMethod::HKDF,
        ] {
            let key = derive(method, &parameters, None, b"key", b"data", 100).unwrap();
            assert_eq!(key.len(), 100, "{method}");
            let shorter = derive(method, &parameters, None, b"key", b"data", 20).unwrap();
            assert_eq!(key[..20], shorter[..], "{method}");
        }
        for method in [DerivationMethod::HASH, DerivationMethod::HMAC] {
            assert!(derive(method, &parameters, None, b"key", b"data", 33).is_err());
            assert!(derive(method, &parameters, None, b"key", b"data", 32).is_ok());
        }
        let no_count = derive(DerivationMethod::PBKDF2, &parameters, None, b"key", b"", 16);
        assert!(no_count.is_err());
    }
}
