//! Keys that OpenSSL encrypted in its own PEM form (`Proc-Type: 4,ENCRYPTED`): the key comes
//! from MD5 over password and salt, and the salt is the start of the IV (`EVP_BytesToKey`,
//! openssl-pem manual page, "PEM encryption format").

use std::path::Path;

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, KeyIvInit};
use md5::{Digest, Md5};
use zeroize::{Zeroize, Zeroizing};

use super::{is_one_sequence, needed, pbes2};
use crate::{Error, Password, Result};

/// The salt is this many bytes of the IV.
const SALT_BYTES: usize = 8;

/// The block of a cipher is this many bytes, and so is its IV.
const AES_BLOCK_BYTES: usize = 16;
const DES_BLOCK_BYTES: usize = 8;

pub(super) fn decrypt(
    path: &Path,
    dek_info: &str,
    ciphertext: &[u8],
    password: Option<&Password>,
) -> Result<Zeroizing<Vec<u8>>> {
    let malformed = |detail: String| Error::Malformed {
        path: path.to_owned(),
        detail,
    };
    let (cipher, iv) = dek_info.split_once(',').unwrap_or((dek_info, ""));
    let cipher = cipher.trim().to_ascii_uppercase();
    let (decrypt, key_bytes, block_bytes): (Cbc, usize, usize) = match cipher.as_str() {
        "AES-128-CBC" => (cbc::<aes::Aes128>, 16, AES_BLOCK_BYTES),
        "AES-192-CBC" => (cbc::<aes::Aes192>, 24, AES_BLOCK_BYTES),
        "AES-256-CBC" => (cbc::<aes::Aes256>, 32, AES_BLOCK_BYTES),
        "DES-EDE3-CBC" => (cbc::<des::TdesEde3>, 24, DES_BLOCK_BYTES),
        "DES-CBC" => (cbc::<des::Des>, 8, DES_BLOCK_BYTES),
        _ => {
            return Err(Error::Unsupported {
                path: path.to_owned(),
                what: format!("the encryption of the private key ({cipher:.32})"),
                advice: pbes2::conversion(path),
            });
        }
    };
    let iv = decode_hex(iv.trim())
        .filter(|iv| iv.len() == block_bytes)
        .ok_or_else(|| {
            malformed(format!(
                "the DEK-Info line of its private key has no valid IV ({cipher} has one of {block_bytes} bytes, \
                 in hexadecimal)"
            ))
        })?;
    if ciphertext.is_empty() || !ciphertext.len().is_multiple_of(block_bytes) {
        return Err(malformed(format!(
            "its private key is not a number of whole blocks of {cipher} (it has {} bytes)",
            ciphertext.len()
        )));
    }
    let password = needed(path, password)?;
    decrypt(&iv, key_bytes, ciphertext, password)
        .filter(|der| is_one_sequence(der))
        .ok_or_else(|| Error::PasswordWrong {
            path: path.to_owned(),
        })
}

type Cbc = fn(&[u8], usize, &[u8], &Password) -> Option<Zeroizing<Vec<u8>>>;

fn cbc<C>(
    iv: &[u8],
    key_bytes: usize,
    ciphertext: &[u8],
    password: &Password,
) -> Option<Zeroizing<Vec<u8>>>
where
    C: aes::cipher::BlockCipherDecrypt + aes::cipher::KeyInit,
{
    let key = derive(password, iv.get(..SALT_BYTES)?, key_bytes);
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let decryptor = cbc::Decryptor::<C>::new_from_slices(&key, iv).ok()?;
    let plain_bytes = decryptor.decrypt_padded::<Pkcs7>(&mut buffer).ok()?.len();
    buffer.truncate(plain_bytes);
    Some(buffer)
}

/// `EVP_BytesToKey` with MD5 and one iteration: D1 = MD5(password | salt),
/// Dn = MD5(Dn-1 | password | salt).
fn derive(password: &Password, salt: &[u8], key_bytes: usize) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(Vec::with_capacity(key_bytes + 16));
    let mut previous = [0_u8; 16];
    let mut first = true;
    while key.len() < key_bytes {
        let mut hash = Md5::new();
        if !first {
            hash.update(previous);
        }
        hash.update(password.as_bytes());
        hash.update(salt);
        previous = hash.finalize().into();
        key.extend_from_slice(&previous);
        first = false;
    }
    previous.zeroize();
    key.truncate(key_bytes);
    key
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit())
        || !text.len().is_multiple_of(2)
        || text.len() > 64
    {
        return None;
    }
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex() {
        assert_eq!(decode_hex("00fF"), Some(vec![0x00, 0xff]));
        assert_eq!(decode_hex(""), Some(vec![]));
        for bad in ["0", "0g", "+f", "é", &"0".repeat(66)] {
            assert_eq!(decode_hex(bad), None, "{bad}");
        }
    }
}
