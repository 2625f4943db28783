//! The private key of a PEM file, decrypted where necessary.

mod legacy;
mod pbes2;

use rustls_pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use zeroize::Zeroizing;

use crate::file::{Block, PemFile};
use crate::{Error, Password, Result};

/// Reads the first private key of a PEM file, decrypted with the password if it is encrypted.
///
/// # Errors
/// Every variant of [`Error`] that concerns a file with a private key.
pub fn load(path: &std::path::Path, password: Option<&Password>) -> Result<PrivateKeyDer<'static>> {
    find(&PemFile::read(path)?, password)
}

/// The first private key in the file.
pub(crate) fn find(file: &PemFile, password: Option<&Password>) -> Result<PrivateKeyDer<'static>> {
    let block = file
        .blocks
        .iter()
        .find(|block| block.label.ends_with("PRIVATE KEY"))
        .ok_or_else(|| Error::NoPrivateKey {
            path: file.path.clone(),
            found: file.labels(),
        })?;
    decode(file, block, password)
}

fn decode(
    file: &PemFile,
    block: &Block,
    password: Option<&Password>,
) -> Result<PrivateKeyDer<'static>> {
    let path = &file.path;
    if block.label == "ENCRYPTED PRIVATE KEY" {
        return Ok(pkcs8(&pbes2::decrypt(path, &block.contents, password)?));
    }
    let der = match &block.dek_info {
        None => block.contents.clone(),
        Some(dek_info) => legacy::decrypt(path, dek_info, &block.contents, password)?,
    };
    match block.label.as_str() {
        "PRIVATE KEY" => Ok(pkcs8(&der)),
        "RSA PRIVATE KEY" => Ok(PrivateKeyDer::Pkcs1(PrivatePkcs1KeyDer::from(der.to_vec()))),
        "EC PRIVATE KEY" => Ok(PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(der.to_vec()))),
        label => Err(Error::Unsupported {
            path: path.to_owned(),
            what: format!("a private key of the kind \"{label}\""),
            advice: "use an RSA, ECDSA or Ed25519 key".to_owned(),
        }),
    }
}

/// The password, once it is known that it would help.
fn needed<'a>(path: &std::path::Path, password: Option<&'a Password>) -> Result<&'a Password> {
    password.ok_or_else(|| Error::PasswordMissing {
        path: path.to_owned(),
    })
}

// rustls wipes its PrivateKeyDer when it drops.
fn pkcs8(der: &Zeroizing<Vec<u8>>) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der.to_vec()))
}

/// Whether the bytes are one DER SEQUENCE and nothing else: what every private key is. A wrong
/// password passes the padding check once in 256 times, but not this as well, or hardly ever.
fn is_one_sequence(der: &[u8]) -> bool {
    let (length, header) = match der {
        [0x30, length @ 0..=0x7f, ..] => (usize::from(*length), 2),
        [0x30, 0x81, length, ..] => (usize::from(*length), 3),
        [0x30, 0x82, high, low, ..] => (usize::from(u16::from_be_bytes([*high, *low])), 4),
        _ => return false,
    };
    der.len() == header + length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sequence() {
        assert!(is_one_sequence(&[0x30, 0x00]));
        assert!(is_one_sequence(&[0x30, 0x01, 0xff]));
        assert!(is_one_sequence(&[0x30, 0x81, 0x01, 0xff]));
        assert!(is_one_sequence(&[0x30, 0x82, 0x00, 0x01, 0xff]));
        for bad in [
            &[][..],
            &[0x30],
            &[0x30, 0x02, 0x00],
            &[0x31, 0x00],
            &[0x30, 0x00, 0x00],
        ] {
            assert!(!is_one_sequence(bad), "{bad:?}");
        }
    }
}
