//! The key-encryption key.
//!
//! From a key file it is the file's 32 bytes. From a passphrase or another KMIP server it is a random key that lies
//! wrapped in the storage directory, so that the passphrase, or the key on the other server, can change without
//! encrypting every object again:
//!
//! ```text
//! DIRECTORY/kek.wrapped   {"version":1, "source":{…}, "wrapped":base64(nonce (12) | AES-256-GCM(key) | tag (16))}
//! ```
//!
//! `source` is authenticated: {"passphrase":{"memoryKib","passes","lanes","salt"}} (Argon2id) or
//! {"kmip":{"keyIdentifier"}}.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use argon2::Params;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kmip_client::{Client, ClientConfig, DEFAULT_PORT, ServerAddress};
use kmip_server::{KeyEncryptionKey, KeySource};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tls::{ClientTls, IdentityFiles, Trust};
use zeroize::Zeroizing;

use crate::config::{Key, Kmip, Passphrase, Storage};
use crate::password::argon2id;
use crate::secret;

/// The file in the storage directory.
pub const WRAPPED_FILE: &str = "kek.wrapped";

/// RFC 9106, section 4, second recommended option: 64 MiB, 3 passes, 4 lanes.
const COST: (u32, u32, u32) = (64 * 1024, 3, 4);

/// What a file may ask of us.
const MOST: (u32, u32, u32) = (4 * 1024 * 1024, 100, 64);

/// Why there is no key-encryption key.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KekError {
    /// The passphrase cannot be read.
    #[error("storage.key.passphrase: {0}")]
    Passphrase(String),
    /// The passphrase is not the one that the key was wrapped with.
    #[error("storage.key.passphrase: the passphrase is wrong (or {} is damaged)", path.display())]
    WrongPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// The other KMIP server does not give the key.
    #[error("storage.key.kmip: {0}")]
    Kmip(#[from] Box<kmip_client::Error>),
    /// The servers' names make no sense.
    #[error("storage.key.kmip.servers: {0}")]
    Servers(String),
    /// The key of the other KMIP server is not the one that ours was wrapped with.
    #[error("storage.key.kmip.keyIdentifier: the key does not unwrap {} (or that is damaged)", path.display())]
    WrongKmipKey {
        /// The file.
        path: PathBuf,
    },
    /// The configuration says another source than the file.
    #[error(
        "{} was wrapped with {wrapped}, and the configuration says {configured}: put back what it said", path.display()
    )]
    OtherSource {
        /// The file.
        path: PathBuf,
        /// With what it was wrapped.
        wrapped: String,
        /// What the configuration says.
        configured: String,
    },
    /// The file is not there although there are objects.
    #[error(
        "{} is missing, but the directory is not empty: put it back from a backup", path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file makes no sense.
    #[error("{} is damaged: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The file or the directory cannot be read or written.
    #[error("{}: {problem}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        problem: String,
    },
    /// No random numbers, no memory.
    #[error("the key-encryption key cannot be made: {0}")]
    Crypto(String),
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Wrapped {
    version: u32,
    source: Source,
    wrapped: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Source {
    #[serde(rename_all = "camelCase")]
    Passphrase {
        memory_kib: u32,
        passes: u32,
        lanes: u32,
        salt: String,
    },
    #[serde(rename_all = "camelCase")]
    Kmip { key_identifier: String },
}

impl Source {
    fn name(&self) -> String {
        match self {
            Self::Passphrase { .. } => "a passphrase".to_owned(),
            Self::Kmip { key_identifier } => format!("the KMIP key \"{key_identifier}\""),
        }
    }
}

/// The key as the server takes it. `create`: whether one may be made for an empty directory; nothing is
/// written otherwise.
///
/// # Errors
/// See [`KekError`].
pub async fn open(storage: &Storage, create: bool) -> Result<KeySource, KekError> {
    let key = &storage.key;
    if let Some(file) = &key.file {
        return Ok(KeySource::File(file.clone()));
    }
    let path = storage.directory.join(WRAPPED_FILE);
    let (source, wrapped) = match read(&path)? {
        Some(wrapped) => (wrapped.source, Some(wrapped.wrapped)),
        None if !is_empty(&storage.directory)? => return Err(KekError::Missing { path }),
        None => (new_source(key)?, None),
    };
    let outer = match (&source, &key.passphrase, &key.kmip) {
        (
            Source::Passphrase {
                memory_kib,
                passes,
                lanes,
                salt,
            },
            Some(passphrase),
            _,
        ) => {
            let damaged = |problem: &str| KekError::Damaged {
                path: path.clone(),
                problem: problem.to_owned(),
            };
            if *memory_kib > MOST.0 || *passes > MOST.1 || *lanes > MOST.2 {
                return Err(damaged("its key derivation costs too much"));
            }
            let params = Params::new(*memory_kib, *passes, *lanes, Some(32))
                .map_err(|_| damaged("its key derivation is not possible"))?;
            let salt = BASE64_STANDARD
                .decode(salt)
                .map_err(|_| damaged("its salt is not base64"))?;
            let passphrase = read_passphrase(passphrase)?;
            argon2id(&params, passphrase.as_bytes(), &salt, 32).map_err(KekError::Crypto)?
        }
        (Source::Kmip { key_identifier }, _, Some(kmip))
            if *key_identifier == kmip.key_identifier =>
        {
            fetch(kmip).await?
        }
        (source, _, _) => {
            return Err(KekError::OtherSource {
                path,
                wrapped: source.name(),
                configured: new_source(key)?.name(),
            });
        }
    };
    let sealer = UnboundKey::new(&AES_256_GCM, &outer)
        .map(LessSafeKey::new)
        .map_err(|error| KekError::Crypto(error.to_string()))?;
    let aad = serde_json::to_vec(&source).map_err(|error| KekError::Crypto(error.to_string()))?;
    let bytes = match wrapped {
        Some(wrapped) => unwrap(&sealer, &aad, &wrapped).ok_or(match &source {
            Source::Passphrase { .. } => KekError::WrongPassphrase { path },
            Source::Kmip { .. } => KekError::WrongKmipKey { path },
        })?,
        None => {
            let mut bytes = Zeroizing::new([0; 32]);
            getrandom::fill(bytes.as_mut_slice())
                .map_err(|error| KekError::Crypto(error.to_string()))?;
            if create {
                write(&path, &sealer, &aad, source, &bytes)?;
            }
            bytes
        }
    };
    Ok(KeySource::Given(Arc::new(KeyEncryptionKey::from_bytes(
        bytes,
    ))))
}

fn new_source(key: &Key) -> Result<Source, KekError> {
    if let Some(kmip) = &key.kmip {
        return Ok(Source::Kmip {
            key_identifier: kmip.key_identifier.clone(),
        });
    }
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|error| KekError::Crypto(error.to_string()))?;
    Ok(Source::Passphrase {
        memory_kib: COST.0,
        passes: COST.1,
        lanes: COST.2,
        salt: BASE64_STANDARD.encode(salt),
    })
}

/// The passphrase that the configuration names.
///
/// # Errors
/// [`KekError::Passphrase`].
pub fn read_passphrase(passphrase: &Passphrase) -> Result<Zeroizing<String>, KekError> {
    if let Some(file) = &passphrase.file {
        return secret::first_line(file).map_err(KekError::Passphrase);
    }
    let name = passphrase.environment.as_deref().unwrap_or_default();
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => Ok(Zeroizing::new(value)),
        _ => Err(KekError::Passphrase(format!(
            "the environment variable {name} is not set"
        ))),
    }
}

async fn fetch(kmip: &Kmip) -> Result<Zeroizing<Vec<u8>>, KekError> {
    let servers = ServerAddress::parse_list(&kmip.servers, DEFAULT_PORT)
        .map_err(|error| KekError::Servers(error.to_string()))?;
    let tls = ClientTls {
        trust: match &kmip.ca_file {
            Some(file) => Trust::only(file),
            None => Trust::system_and(None),
        },
        identity: Some(IdentityFiles::combined(&kmip.certificate_file)),
    };
    let client = Client::new(ClientConfig::new(servers, tls)).map_err(Box::new)?;
    let (_, key) = client
        .find_symmetric_key(&kmip.key_identifier)
        .await
        .map_err(Box::new)?;
    let bytes = Zeroizing::new(key.material.expose().to_vec());
    if bytes.len() != 32 {
        return Err(KekError::Crypto(format!(
            "the key \"{}\" has {} bits, expected 256",
            kmip.key_identifier,
            8 * bytes.len()
        )));
    }
    Ok(bytes)
}

fn read(path: &Path) -> Result<Option<Wrapped>, KekError> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(KekError::Io {
                path: path.to_owned(),
                problem: error.to_string(),
            });
        }
    };
    let damaged = |problem: String| KekError::Damaged {
        path: path.to_owned(),
        problem,
    };
    let wrapped: Wrapped =
        serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    if wrapped.version != 1 {
        return Err(damaged(format!(
            "it is of version {}, expected 1: it is of a newer kmipd",
            wrapped.version
        )));
    }
    Ok(Some(wrapped))
}

fn unwrap(sealer: &LessSafeKey, aad: &[u8], wrapped: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new(BASE64_STANDARD.decode(wrapped).ok()?);
    let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let key = sealer.open_in_place(nonce, Aad::from(aad), sealed).ok()?;
    let mut out = Zeroizing::new([0; 32]);
    if key.len() != out.len() {
        return None;
    }
    out.copy_from_slice(key);
    Some(out)
}

fn write(
    path: &Path,
    sealer: &LessSafeKey,
    aad: &[u8],
    source: Source,
    key: &[u8; 32],
) -> Result<(), KekError> {
    let crypto = |what: &str| KekError::Crypto(what.to_owned());
    let io = |problem: String| KekError::Io {
        path: path.to_owned(),
        problem,
    };
    let mut nonce = [0; NONCE_LEN];
    getrandom::fill(&mut nonce).map_err(|_| crypto("there are no random numbers"))?;
    // Room for the tag, so that no copy of the key is left behind by growing.
    let mut sealed = Zeroizing::new(Vec::with_capacity(64));
    sealed.extend_from_slice(key);
    sealer
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(aad),
            &mut *sealed,
        )
        .map_err(|_| crypto("encryption failed"))?;
    let wrapped = Wrapped {
        version: 1,
        source,
        wrapped: BASE64_STANDARD.encode([nonce.as_slice(), sealed.as_slice()].concat()),
    };
    let mut text = serde_json::to_vec_pretty(&wrapped).map_err(|error| io(error.to_string()))?;
    text.push(b'\n');
    if let Some(directory) = path.parent() {
        crate::files::make_directory(directory).map_err(|error| io(error.to_string()))?;
    }
    tls::write_private(path, &text).map_err(|error| io(error.to_string()))
}

/// Whether there is nothing in the directory but a lock.
fn is_empty(directory: &Path) -> Result<bool, KekError> {
    let io = |error: std::io::Error| KekError::Io {
        path: directory.to_owned(),
        problem: error.to_string(),
    };
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(io(error)),
    };
    for entry in entries {
        let path = entry.map_err(io)?.path();
        let is_empty_directory =
            path.is_dir() && std::fs::read_dir(&path).map_err(io)?.next().is_none();
        if path.file_name().is_some_and(|name| name != "lock") && !is_empty_directory {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storage(directory: &Path, passphrase: &str) -> Storage {
        let file = directory.join("passphrase");
        std::fs::write(&file, format!("{passphrase}\n")).unwrap();
        Storage {
            directory: directory.join("data"),
            key: Key {
                passphrase: Some(Passphrase {
                    file: Some(file),
                    environment: None,
                }),
                ..Key::default()
            },
        }
    }

    #[tokio::test]
    async fn a_passphrase() {
        let directory = tempfile::tempdir().unwrap();
        let right = storage(directory.path(), "open sesame");
        // A look does not write.
        open(&right, false).await.unwrap();
        assert!(!right.directory.exists());
        open(&right, true).await.unwrap();
        let path = right.directory.join(WRAPPED_FILE);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("sesame"), "{text}");
        open(&right, false).await.unwrap();

        let wrong = storage(directory.path(), "open rice");
        assert!(matches!(
            open(&wrong, true).await,
            Err(KekError::WrongPassphrase { .. })
        ));
        storage(directory.path(), "open sesame");
        // What the file says of itself is authenticated.
        std::fs::write(&path, text.replace("\"passes\": 3", "\"passes\": 2")).unwrap();
        assert!(matches!(
            open(&right, true).await,
            Err(KekError::WrongPassphrase { .. })
        ));
        std::fs::write(&path, text.replace("\"version\": 1", "\"version\": 2")).unwrap();
        assert!(matches!(
            open(&right, true).await,
            Err(KekError::Damaged { .. })
        ));
        std::fs::remove_file(&path).unwrap();
        std::fs::write(right.directory.join("object"), "sealed").unwrap();
        assert!(matches!(
            open(&right, true).await,
            Err(KekError::Missing { .. })
        ));
    }

    #[tokio::test]
    async fn another_source_than_before() {
        let directory = tempfile::tempdir().unwrap();
        let mut storage = storage(directory.path(), "open sesame");
        open(&storage, true).await.unwrap();
        storage.key = Key {
            kmip: Some(Kmip {
                servers: "localhost".to_owned(),
                ca_file: None,
                certificate_file: "none".into(),
                key_identifier: "7".to_owned(),
            }),
            ..Key::default()
        };
        assert!(matches!(
            open(&storage, true).await,
            Err(KekError::OtherSource { .. })
        ));
    }
}
