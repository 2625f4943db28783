//! PKCS#8 `ENCRYPTED PRIVATE KEY`: PBES2 is decrypted, PBES1 is refused with the command that
//! converts it (RFC 8018, section 6; RFC 7292, appendix C).

use std::path::Path;

use pkcs8::EncryptedPrivateKeyInfoRef;
use zeroize::Zeroizing;

use super::{is_one_sequence, needed};
use crate::{Error, Password, Result};

/// The start of the identifiers of PKCS#12's password schemes, 1.2.840.113549.1.12.1.x, in DER.
const PKCS12_PBE: &[u8] = &[
    0x06, 0x0a, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01,
];

/// The algorithm identifier stands within the first bytes of the structure.
const ALGORITHM_WITHIN_BYTES: usize = 32;

pub(super) fn decrypt(
    path: &Path,
    der: &[u8],
    password: Option<&Password>,
) -> Result<Zeroizing<Vec<u8>>> {
    let head = der.get(..ALGORITHM_WITHIN_BYTES).unwrap_or(der);
    if head
        .windows(PKCS12_PBE.len())
        .any(|window| window == PKCS12_PBE)
    {
        return Err(pbes1(path));
    }
    let info = EncryptedPrivateKeyInfoRef::try_from(der).map_err(|error| Error::Malformed {
        path: path.to_owned(),
        detail: format!("its encrypted private key cannot be parsed ({error})"),
    })?;
    if info.encryption_algorithm.pbes2().is_none() {
        return Err(pbes1(path));
    }
    let password = needed(path, password)?;
    let plain = info
        .encryption_algorithm
        .decrypt(password.as_bytes(), info.encrypted_data.as_bytes())
        .map(Zeroizing::new);
    match plain {
        Ok(plain) if is_one_sequence(&plain) => Ok(plain),
        Ok(_) | Err(pkcs8::pkcs5::Error::DecryptFailed) => Err(Error::PasswordWrong {
            path: path.to_owned(),
        }),
        Err(error) => Err(Error::Unsupported {
            path: path.to_owned(),
            what: format!("the encryption of the private key ({error})"),
            advice: conversion(path),
        }),
    }
}

fn pbes1(path: &Path) -> Error {
    Error::Unsupported {
        path: path.to_owned(),
        what: "a private key encrypted with PBES1 (obsolete)".to_owned(),
        advice: conversion(path),
    }
}

/// The command that writes the key with an encryption that is read here.
pub(super) fn conversion(path: &Path) -> String {
    format!(
        "convert it with \"openssl pkey -in {} -aes-256-cbc -out NEW\" (OpenSSL 3 may want \
         \"-provider legacy -provider default\" as well) and use NEW",
        path.display()
    )
}
