//! A private key with its certificates, under a password (PKCS #12: RFC 7292).
//!
//! The key is encrypted as RFC 8018 has it (PBES2: PBKDF2 with HMAC-SHA-256, AES-256-CBC), the certificates stand in
//! clear, and an HMAC-SHA-256 under a key of the same password is over both. OpenSSL, Java and Windows read that.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::der::Encode;
use pkcs8::der::asn1::OctetStringRef;
use pkcs8::pkcs5::pbes2;
use zeroize::Zeroizing;

use super::Plain;
use super::der::{constructed, sequence, tagged};
use super::random;
use crate::failure::Failure;

/// Iterations of both derivations. The password is the client's, and so is the file: what it is worth is its business.
const ITERATIONS: u32 = 10_000;

const SALT_BYTES: usize = 16;

/// HMAC's block and SHA-256's length, in bytes.
const BLOCK: usize = 64;

// Object identifiers, in DER without tag and length.
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const SHROUDED_KEY_BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 0x0c, 0x0a, 1, 2];
const CERTIFICATE_BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 0x0c, 0x0a, 1, 3];
const X509_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 0x16, 1];
const FRIENDLY_NAME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 0x14];
const LOCAL_KEY_ID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 0x15];
const SHA_256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];

/// The container. `key` is in PKCS #8; the first of the certificates is the key's.
pub(crate) fn pkcs12(
    key: &[u8],
    certificates: &[&[u8]],
    friendly_name: Option<&str>,
    password: &str,
) -> Result<Plain, Failure> {
    let failed = || Failure::cryptographic("the PKCS #12 container cannot be made");
    // What tells which certificate is the key's.
    let own = certificates.first().map(|own| digest(&SHA256, own));
    let local_id = own
        .as_ref()
        .map(|digest| attribute(LOCAL_KEY_ID, &tagged(0x04, digest.as_ref())));
    let local_id = local_id.as_deref().map_or(&[][..], Vec::as_slice);
    let name = friendly_name.map(|name| attribute(FRIENDLY_NAME, &tagged(0x1e, &utf16(name))));
    let name = name.as_deref().map_or(&[][..], Vec::as_slice);
    let encrypted = encrypted(key, password).ok_or_else(failed)?;
    let mut bags = vec![bag(SHROUDED_KEY_BAG, &encrypted, &[name, local_id])];
    for (place, certificate) in certificates.iter().enumerate() {
        let value = constructed(0xa0, &[&tagged(0x04, certificate)]);
        let value = sequence(&[&tagged(0x06, X509_CERTIFICATE), &value]);
        let attributes = if place == 0 {
            [name, local_id]
        } else {
            [&[][..]; 2]
        };
        bags.push(bag(CERTIFICATE_BAG, &value, &attributes));
    }
    let bags: Vec<&[u8]> = bags.iter().map(|bag| bag.as_slice()).collect();
    let authenticated = sequence(&[&content(&sequence(&bags))]);
    let salt = random(SALT_BYTES)?;
    let mac_key = mac_key(password, &salt);
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &mac_key), &authenticated);
    let algorithm = sequence(&[&tagged(0x06, SHA_256), &[0x05, 0]]);
    let mac = sequence(&[
        &sequence(&[&algorithm, &tagged(0x04, mac.as_ref())]),
        &tagged(0x04, &salt),
        &tagged(0x02, &unsigned(ITERATIONS)),
    ]);
    Ok(sequence(&[&[0x02, 1, 3], &content(&authenticated), &mac]))
}

/// Content Info with data.
fn content(data: &[u8]) -> Zeroizing<Vec<u8>> {
    let value = constructed(0xa0, &[&tagged(0x04, data)]);
    sequence(&[&tagged(0x06, DATA), &value])
}

/// A Safe Bag. Attributes that are empty are none.
fn bag(kind: &[u8], value: &[u8], attributes: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let mut attributes: Vec<&[u8]> = attributes.to_vec();
    attributes.retain(|attribute| !attribute.is_empty());
    // A set, in DER's order.
    attributes.sort_unstable();
    let set = match attributes.is_empty() {
        true => Zeroizing::new(Vec::new()),
        false => constructed(0x31, &attributes),
    };
    sequence(&[&tagged(0x06, kind), &constructed(0xa0, &[value]), &set])
}

fn attribute(kind: &[u8], value: &[u8]) -> Zeroizing<Vec<u8>> {
    sequence(&[&tagged(0x06, kind), &constructed(0x31, &[value])])
}

/// The number in DER's shortest form, without tag and length.
fn unsigned(number: u32) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let mut short = bytes.get(zeros..).unwrap_or_default().to_vec();
    if short.first().is_none_or(|first| *first >= 0x80) {
        short.insert(0, 0);
    }
    short
}

fn utf16(text: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(text.encode_utf16().flat_map(u16::to_be_bytes).collect())
}

/// The key, encrypted under the password: Encrypted Private Key Info.
fn encrypted(key: &[u8], password: &str) -> Option<Vec<u8>> {
    let mut iv = [0; 16];
    getrandom::fill(&mut iv).ok()?;
    let salt = random(SALT_BYTES).ok()?;
    let parameters =
        pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(ITERATIONS, &salt, iv).ok()?;
    let encrypted = parameters.encrypt(password, key).ok()?;
    let info = EncryptedPrivateKeyInfoRef {
        encryption_algorithm: parameters.into(),
        encrypted_data: OctetStringRef::new(&encrypted).ok()?,
    };
    info.to_der().ok()
}

/// The key of the HMAC (RFC 7292, appendix B.2, with ID 3 and SHA-256: one hash is as long as the key).
fn mac_key(password: &str, salt: &[u8]) -> Plain {
    let mut password = utf16(&format!("{password}\0"));
    let filled = |bytes: &[u8]| -> Vec<u8> {
        let length = bytes.len().div_ceil(BLOCK) * BLOCK;
        bytes.iter().copied().cycle().take(length).collect()
    };
    let mut input = Zeroizing::new(vec![3; BLOCK]);
    input.extend(filled(salt));
    input.extend(filled(&password));
    zeroize::Zeroize::zeroize(&mut *password);
    let mut key = Zeroizing::new(digest(&SHA256, &input).as_ref().to_vec());
    for _ in 1..ITERATIONS {
        key = Zeroizing::new(digest(&SHA256, &key).as_ref().to_vec());
    }
    key
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::super::{Curve, PrivateKey, new_ec};
    use super::*;

    use kmip::KeyMaterial;
    use kmip::objects::KeyBlock;
    use kmip::registry::{CryptographicAlgorithm, KeyFormatType};

    fn key() -> Vec<u8> {
        let pair = new_ec(Curve::P256).unwrap();
        let block = KeyBlock {
            key_format_type: KeyFormatType::ECPrivateKey,
            ..KeyBlock::raw(CryptographicAlgorithm::EC, pair.private.as_slice())
        };
        let key = PrivateKey::read(&block).unwrap();
        let KeyMaterial::Bytes(der) = key.write(KeyFormatType::PKCS_8).unwrap() else {
            panic!("no bytes")
        };
        der.expose().to_vec()
    }

    /// Another implementation reads it.
    #[test]
    fn openssl_reads_it() {
        use base64::Engine;
        let is_there = Command::new("openssl").arg("version").output().is_ok();
        assert!(is_there, "the test needs openssl");
        let issued = tls::dev_pki::CertificateAuthority::new("A name")
            .and_then(|ca| ca.issue(&tls::dev_pki::Request::client("db")))
            .unwrap();
        let certificate = pem(&issued.certificate_pem);
        let key = key();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key.p12");
        for (password, name) in [
            ("open sesame", Some("a name")),
            ("", None),
            ("pässwörd", None),
        ] {
            let made = pkcs12(&key, &[&certificate, &certificate], name, password).unwrap();
            std::fs::write(&path, &*made).unwrap();
            let read = |password: &str| {
                Command::new("openssl")
                    .args(["pkcs12", "-nodes", "-in"])
                    .arg(&path)
                    .args(["-passin", &format!("pass:{password}")])
                    .env("LC_ALL", "C.UTF-8")
                    .output()
                    .unwrap()
            };
            let read_well = read(password);
            assert!(read_well.status.success(), "{read_well:?}");
            let text = String::from_utf8(read_well.stdout).unwrap();
            let (_, shown) = text.split_once("-----BEGIN PRIVATE KEY-----").unwrap();
            let (shown, _) = shown.split_once("-----END").unwrap();
            let shown: String = shown.split_whitespace().collect();
            let shown = base64::prelude::BASE64_STANDARD.decode(shown).unwrap();
            assert_eq!(shown, key, "{password}");
            assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 2);
            assert_eq!(text.contains("friendlyName: a name"), name.is_some());
            assert!(!read("wrong").status.success());
        }
    }

    fn pem(text: &str) -> Vec<u8> {
        use rustls::pki_types::CertificateDer;
        use rustls::pki_types::pem::PemObject;
        CertificateDer::from_pem_slice(text.as_bytes())
            .unwrap()
            .to_vec()
    }

    #[test]
    fn numbers() {
        assert_eq!(unsigned(0), [0]);
        assert_eq!(unsigned(127), [127]);
        assert_eq!(unsigned(128), [0, 128]);
        assert_eq!(unsigned(10_000), [0x27, 0x10]);
    }
}
