//! Reading PEM files with a bound, and writing files that only their owner may read.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use pem::Pem;
use zeroize::{Zeroize, Zeroizing};

use crate::{Error, Result};

/// The largest PEM file that is read: a bundle of all public roots is about 250 kB.
pub const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// The blocks of one PEM file; their contents are wiped when dropped.
pub(crate) struct PemFile {
    pub(crate) path: PathBuf,
    pub(crate) blocks: Vec<Block>,
}

/// One `-----BEGIN label-----` block.
pub(crate) struct Block {
    pub(crate) label: String,
    /// `DEK-Info` when the block says `Proc-Type: 4,ENCRYPTED` (RFC 1421, section 4.6).
    pub(crate) dek_info: Option<String>,
    pub(crate) contents: Zeroizing<Vec<u8>>,
}

impl PemFile {
    /// Reads and splits the file. At least one block is in it.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = read_bounded(path)?;
        Self::parse(path, &bytes)
    }

    /// The part of [`PemFile::read`] that sees bytes that anybody may have written.
    pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        // Text around the blocks ("Bag Attributes") may be in any encoding; the blocks are ASCII.
        let text = Zeroizing::new(String::from_utf8_lossy(bytes).into_owned());
        let blocks = pem::parse_many(text.as_bytes()).map_err(|error| Error::Malformed {
            path: path.to_owned(),
            detail: error.to_string(),
        })?;
        if blocks.is_empty() {
            if text.contains("-----BEGIN ") {
                return Err(Error::Malformed {
                    path: path.to_owned(),
                    detail: "it has a \"-----BEGIN\" without its \"-----END\"".to_owned(),
                });
            }
            return Err(Error::NotPem {
                path: path.to_owned(),
                hint: guess(bytes),
            });
        }
        Ok(Self {
            path: path.to_owned(),
            blocks: blocks.into_iter().map(Block::from).collect(),
        })
    }

    /// The labels, for messages.
    pub(crate) fn labels(&self) -> String {
        let mut labels: Vec<&str> = self
            .blocks
            .iter()
            .map(|block| block.label.as_str())
            .collect();
        labels.dedup();
        labels.truncate(8);
        labels.join(", ")
    }

    /// The DER of every certificate, in the file's order.
    pub(crate) fn certificates(&self) -> Result<Vec<rustls_pki_types::CertificateDer<'static>>> {
        let certificates: Vec<_> = self
            .blocks
            .iter()
            .filter(|block| {
                matches!(
                    block.label.as_str(),
                    "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE"
                )
            })
            .map(|block| rustls_pki_types::CertificateDer::from(block.contents.to_vec()))
            .collect();
        if certificates.is_empty() {
            return Err(Error::NoCertificate {
                path: self.path.clone(),
                found: self.labels(),
            });
        }
        Ok(certificates)
    }
}

impl From<Pem> for Block {
    fn from(pem: Pem) -> Self {
        let encrypted = pem
            .headers()
            .get("Proc-Type")
            .is_some_and(|v| v.contains("ENCRYPTED"));
        let dek_info = encrypted.then(|| {
            pem.headers()
                .get("DEK-Info")
                .unwrap_or_default()
                .trim()
                .to_owned()
        });
        Self {
            label: pem.tag().to_owned(),
            dek_info,
            contents: Zeroizing::new(pem.into_contents()),
        }
    }
}

/// What a file that is not PEM looks like.
fn guess(bytes: &[u8]) -> &'static str {
    match bytes {
        [] => "; it is empty",
        [0x30, 0x80..=0x84, ..] => {
            "; it looks like DER or PKCS#12: convert it with \"openssl x509 -inform der\" or \
             \"openssl pkcs12 -in FILE -nodes\""
        }
        [0xfe, 0xed, 0xfe, 0xed, ..] => {
            "; it looks like a Java key store: export it with \"keytool -importkeystore \
             -deststoretype pkcs12\" and then \"openssl pkcs12\""
        }
        _ => "",
    }
}

fn read_bounded(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let unreadable = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => Error::Missing {
            path: path.to_owned(),
        },
        _ => Error::Unreadable {
            path: path.to_owned(),
            source,
        },
    };
    let file = File::open(path).map_err(unreadable)?;
    let expected = file
        .metadata()
        .map_err(unreadable)?
        .len()
        .min(MAX_FILE_BYTES);
    // The capacity is right at once, so that no copy of a key is left behind by growing.
    let capacity = usize::try_from(expected).unwrap_or(0).saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        bytes.zeroize();
        return Err(Error::TooLarge {
            path: path.to_owned(),
            limit_bytes: MAX_FILE_BYTES,
        });
    }
    Ok(bytes)
}

/// The permission bits (at most 0o7777) of a file on which others than its owner have a right: whoever reads a secret from
/// it refuses. `None` if nobody else has. (Those of what is no regular file, a pipe for instance, mean nothing.)
#[cfg(unix)]
pub fn mode_open_to_others(metadata: &Metadata) -> Option<u32> {
    let mode = std::os::unix::fs::MetadataExt::mode(metadata) & 0o7777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Writes `contents` to `path` with mode 0600, replacing a file of that name in one step: whoever
/// reads it sees the old file or the new one, never a part.
///
/// # Errors
/// [`Error::Unwritable`] with what the operating system said.
pub fn write_private(path: &Path, contents: &[u8]) -> Result<()> {
    let unwritable = |source| Error::Unwritable {
        path: path.to_owned(),
        source,
    };
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    // A leftover of an interrupted run may have another mode.
    let _ = std::fs::remove_file(&temporary);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary).map_err(unwritable)?;
    file.write_all(contents)
        .and_then(|()| file.sync_all())
        .map_err(unwritable)?;
    std::fs::rename(&temporary, path).map_err(unwritable)?;
    #[cfg(unix)]
    if let Some(parent) = path.parent() {
        let parent = if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        };
        File::open(parent)
            .and_then(|directory| directory.sync_all())
            .map_err(unwritable)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the file holds: an error or blocks, never a panic; and the key decoder is as
    /// robust as the splitter.
    #[test]
    fn any_bytes() {
        let valid = include_bytes!("../tests/data/rsa2048.aes128.key");
        let password = crate::Password::new("correct");
        bolero::check!()
            .with_iterations(2_000)
            .with_type::<(Vec<(u16, u8)>, Vec<u8>)>()
            .for_each(|(edits, noise)| {
                let mut bytes = valid.to_vec();
                for (position, value) in edits {
                    let position = usize::from(*position) % bytes.len();
                    bytes[position] = *value;
                }
                for bytes in [&bytes, noise] {
                    if let Ok(file) = PemFile::parse(Path::new("x.pem"), bytes) {
                        let _ = crate::private_key::find(&file, Some(&password));
                        let _ = file.certificates();
                    }
                }
            });
    }
}
