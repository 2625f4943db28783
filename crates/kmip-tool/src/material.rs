//! Key material in files and on the terminal: raw, hexadecimal, base64, PEM. In wiped memory all along.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use kmip::SecretBytes;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::failure::{Cause, Failure};
use crate::shown::hexadecimal;

/// How bytes are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encoding {
    /// The bytes themselves
    Raw,
    /// Hexadecimal digits
    Hex,
    /// Base64
    Base64,
    /// PEM: certificates, public and private keys
    Pem,
}

/// A block of a PEM file.
pub(crate) struct PemBlock {
    pub(crate) label: String,
    pub(crate) contents: SecretBytes,
}

/// Whether it looks like a PEM file.
pub(crate) fn is_pem(bytes: &[u8]) -> bool {
    bytes
        .split(|byte| *byte == b'\n')
        .any(|line| line.starts_with(b"-----BEGIN "))
}

/// The bytes that are written down so. White space in hexadecimal and base64 does not matter.
///
/// # Errors
/// What is wrong, without quoting anything.
pub(crate) fn decode(bytes: Zeroizing<Vec<u8>>, encoding: Encoding) -> Result<SecretBytes, String> {
    match encoding {
        Encoding::Raw => Ok(taken(bytes)),
        Encoding::Hex => {
            let digits = without_white_space(&bytes);
            let mut decoded = Zeroizing::new(vec![0_u8; digits.len() / 2]);
            hex::decode_to_slice(digits.as_slice(), &mut decoded)
                .map_err(|_| "it is not hexadecimal".to_owned())?;
            Ok(taken(decoded))
        }
        Encoding::Base64 => base64(&bytes),
        Encoding::Pem => pem(&bytes).map(|block| block.contents),
    }
}

/// Takes the allocation over.
fn taken(mut bytes: Zeroizing<Vec<u8>>) -> SecretBytes {
    SecretBytes::new(std::mem::take(&mut *bytes))
}

fn without_white_space(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut kept = Zeroizing::new(Vec::with_capacity(bytes.len()));
    kept.extend(bytes.iter().filter(|byte| !byte.is_ascii_whitespace()));
    kept
}

fn base64(bytes: &[u8]) -> Result<SecretBytes, String> {
    let digits = without_white_space(bytes);
    // What the decoder asks for is an upper bound.
    let mut decoded = Zeroizing::new(vec![0_u8; digits.len() / 4 * 3 + 3]);
    let length = STANDARD
        .decode_slice(digits.as_slice(), &mut decoded)
        .map_err(|_| "it is not base64".to_owned())?;
    decoded.truncate(length);
    Ok(taken(decoded))
}

/// The only block of a PEM file.
///
/// # Errors
/// What is wrong, without quoting anything but labels.
pub(crate) fn pem(bytes: &[u8]) -> Result<PemBlock, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not a PEM file".to_owned())?;
    let mut label: Option<&str> = None;
    let mut body = Zeroizing::new(Vec::with_capacity(bytes.len()));
    let mut block = None;
    for line in text.lines().map(str::trim) {
        if let Some(begun) = marker(line, "BEGIN") {
            if label.is_some() || block.is_some() {
                return Err("it has more than one PEM block: give a file with one".to_owned());
            }
            label = Some(begun);
        } else if let Some(ended) = marker(line, "END") {
            match label.take() {
                Some(begun) if begun == ended => {
                    block = Some(PemBlock {
                        label: begun.to_owned(),
                        contents: base64(&body)?,
                    });
                }
                _ => return Err("it is damaged: a PEM block ends that did not begin".to_owned()),
            }
        } else if label.is_some() {
            if line.contains(':') {
                return Err("its PEM block has headers, as encrypted keys of OpenSSL have: decrypt it first (openssl pkey)".to_owned());
            }
            body.extend_from_slice(line.as_bytes());
        }
    }
    match (block, label) {
        (Some(block), None) => Ok(block),
        (_, Some(_)) => Err("it is damaged: a PEM block does not end".to_owned()),
        (None, None) => Err("it is not a PEM file".to_owned()),
    }
}

fn marker<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    line.strip_prefix("-----")?
        .strip_prefix(word)?
        .strip_prefix(' ')?
        .strip_suffix("-----")
        .filter(|label| label.len() <= 64)
}

/// The bytes as text. `label` is for PEM; raw is hexadecimal on a terminal.
pub(crate) fn encode(bytes: &[u8], encoding: Encoding, label: &str) -> Zeroizing<String> {
    match encoding {
        Encoding::Raw | Encoding::Hex => hexadecimal(bytes),
        Encoding::Base64 => base64_text(bytes),
        Encoding::Pem => {
            let body = base64_text(bytes);
            let room = body.len() + body.len() / 64 + 2 * label.len() + 64;
            let mut text = Zeroizing::new(String::with_capacity(room));
            text.push_str("-----BEGIN ");
            text.push_str(label);
            text.push_str("-----\n");
            for (n, digit) in body.chars().enumerate() {
                if n > 0 && n % 64 == 0 {
                    text.push('\n');
                }
                text.push(digit);
            }
            text.push_str("\n-----END ");
            text.push_str(label);
            text.push_str("-----\n");
            text
        }
    }
}

fn base64_text(bytes: &[u8]) -> Zeroizing<String> {
    let mut digits = Zeroizing::new(vec![0_u8; bytes.len().div_ceil(3) * 4]);
    let length = STANDARD
        .encode_slice(bytes, &mut digits)
        .unwrap_or_default();
    let mut text = Zeroizing::new(String::with_capacity(length));
    text.extend(digits.iter().take(length).map(|digit| char::from(*digit)));
    text
}

/// Writes a new file of mode 0600. What is there already is not touched.
///
/// # Errors
/// The file is there, or cannot be written.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|error| {
        Failure::options(match error.kind() {
            std::io::ErrorKind::AlreadyExists => format!(
                "--out {}: the file is there already, and is not overwritten: remove it, or give another name",
                path.display()
            ),
            _ => format!("--out {}: cannot make the file: {error}", path.display()),
        })
    })?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(|error| {
            // A part of a key is of no use.
            let _ = std::fs::remove_file(path);
            Failure::new(
                Cause::Output,
                format!("--out {}: cannot write: {error}", path.display()),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8], encoding: Encoding) -> Result<Vec<u8>, String> {
        decode(Zeroizing::new(bytes.to_vec()), encoding).map(|secret| secret.expose().to_vec())
    }

    #[test]
    fn encodings_come_back() {
        for length in [0, 1, 2, 3, 31, 32, 47, 48, 49, 200] {
            let bytes: Vec<u8> = (0..length).collect();
            for encoding in [Encoding::Hex, Encoding::Base64, Encoding::Pem] {
                let text = encode(&bytes, encoding, "PRIVATE KEY");
                assert_eq!(
                    decoded(text.as_bytes(), encoding).as_ref(),
                    Ok(&bytes),
                    "{encoding:?} {length}"
                );
                let with_noise = format!("\n{}\r\n ", text.as_str());
                assert_eq!(
                    decoded(with_noise.as_bytes(), encoding).as_ref(),
                    Ok(&bytes)
                );
            }
            assert_eq!(decoded(&bytes, Encoding::Raw).as_ref(), Ok(&bytes));
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_contents() {
        for (bytes, encoding, reason) in [
            (&b"swordfish"[..], Encoding::Hex, "not hexadecimal"),
            (b"swordfish!", Encoding::Base64, "not base64"),
            (b"swordfish", Encoding::Pem, "not a PEM file"),
            (
                b"-----BEGIN A-----\nAAAA\n-----END A-----\n-----BEGIN B-----\n",
                Encoding::Pem,
                "more than one",
            ),
            (b"-----BEGIN A-----\nAAAA\n", Encoding::Pem, "does not end"),
            (b"-----END A-----\n", Encoding::Pem, "did not begin"),
            (
                b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n",
                Encoding::Pem,
                "decrypt it first",
            ),
        ] {
            let error = decoded(bytes, encoding).unwrap_err();
            assert!(error.contains(reason), "{error}");
            assert!(!error.contains("swordfish"), "{error}");
        }
    }

    #[test]
    fn any_input() {
        bolero::check!()
            .with_iterations(2_000)
            .with_type::<Vec<u8>>()
            .for_each(|bytes| {
                for encoding in [
                    Encoding::Raw,
                    Encoding::Hex,
                    Encoding::Base64,
                    Encoding::Pem,
                ] {
                    let _ = decode(Zeroizing::new(bytes.clone()), encoding);
                }
                let mut block = b"-----BEGIN A-----\n".to_vec();
                block.extend(bytes);
                block.extend(b"\n-----END A-----\n");
                let _ = decode(Zeroizing::new(block), Encoding::Pem);
            });
    }

    #[test]
    fn files_are_private_and_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        write_file(&path, b"first").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let error = write_file(&path, b"second").unwrap_err().to_string();
        assert!(error.contains("not overwritten"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        let nowhere = directory.path().join("no/such/key");
        assert!(write_file(&nowhere, b"x").is_err());
    }
}
