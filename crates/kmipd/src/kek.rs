//! The key-encryption key, which the keystore of the objects is encrypted with.
//!
//! It is the 32 bytes of a key file, what Argon2id makes of a passphrase, or a key on another KMIP server. What has to be
//! known to find it again stands in the keystore, in clear and authenticated ([`kmip_server::key_source_of`]): `file`,
//! or a line of JSON:
//!
//! ```text
//! {"passphrase":{"memoryKib":65536,"passes":3,"lanes":4,"salt":"…"}}
//! {"kmip":{"keyIdentifier":"…"}}
//! ```

use std::sync::Arc;

use argon2::Params;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kmip_client::{Client, ClientConfig, DEFAULT_PORT, ServerAddress};
use kmip_server::{KeyEncryptionKey, KeySource, StoreError};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tls::{ClientTls, IdentityFiles, Trust};
use zeroize::Zeroizing;

use crate::config::{Key, Kmip, Passphrase, Storage};
use crate::password::argon2id;
use crate::secret;

/// RFC 9106, section 4, second recommended option: 64 MiB, 3 passes, 4 lanes.
const COST: (u32, u32, u32) = (64 * 1024, 3, 4);

/// What a keystore may ask of us.
const MOST: (u32, u32, u32) = (4 * 1024 * 1024, 100, 64);

/// Why there is no key-encryption key.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KekError {
    /// The passphrase cannot be read.
    #[error("storage.key.passphrase: {0}")]
    Passphrase(String),
    /// The passphrase is not the one that the keystore is under.
    #[error("storage.key.passphrase: the passphrase is wrong: {0}")]
    WrongPassphrase(StoreError),
    /// The other KMIP server does not give the key.
    #[error("storage.key.kmip: {0}")]
    Kmip(#[from] Box<kmip_client::Error>),
    /// Others can read our key as a client.
    #[error("storage.key.kmip.certificateFile: {0}")]
    Exposed(String),
    /// The servers' names make no sense.
    #[error("storage.key.kmip.servers: {0}")]
    Servers(String),
    /// The key of the other KMIP server is not the one that the keystore is under.
    #[error("storage.key.kmip.keyIdentifier: the key is another one than before: {0}")]
    WrongKmipKey(StoreError),
    /// The configuration says another source than the keystore.
    #[error(
        "storage.key: the objects' keys are encrypted under {stored}, and the configuration says {configured}: put \
         back what it said, or change it with `kmipd key change`"
    )]
    OtherSource {
        /// What the keystore says.
        stored: String,
        /// What the configuration says.
        configured: String,
    },
    /// The keystore says something that no kmipd has written.
    #[error("the keystore in storage.directory is damaged: {0}")]
    Damaged(String),
    /// The keystore or the key file cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No random numbers, no memory.
    #[error("the key-encryption key cannot be made: {0}")]
    Crypto(String),
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

/// The key as the server takes it, for the objects that are there. Writes nothing; whether it is the right one has been
/// seen.
///
/// # Errors
/// See [`KekError`].
pub async fn open(storage: &Storage) -> Result<KeySource, KekError> {
    let stored = kmip_server::key_source_of(&storage.directory)?;
    let key = find(&storage.key, stored.as_deref()).await?;
    let checked = kmip_server::check_key(&storage.directory, &key);
    match (checked, &storage.key) {
        (Ok(_), _) => Ok(key),
        (Err(error @ StoreError::WrongKey { .. }), key) if key.passphrase.is_some() => {
            Err(KekError::WrongPassphrase(error))
        }
        (Err(error @ StoreError::WrongKey { .. }), key) if key.kmip.is_some() => {
            Err(KekError::WrongKmipKey(error))
        }
        (Err(error), _) => Err(error.into()),
    }
}

/// The key that another configuration names, for objects that are to be put under it.
///
/// # Errors
/// See [`KekError`].
pub async fn new(key: &Key) -> Result<KeySource, KekError> {
    find(key, None).await
}

/// The key, found as the keystore says; without one, as is done from now on.
async fn find(key: &Key, stored: Option<&str>) -> Result<KeySource, KekError> {
    if let Some(file) = &key.file {
        return match stored {
            None | Some("file") => Ok(KeySource::File(file.clone())),
            Some(other) => Err(KekError::OtherSource {
                stored: parse(other)?.name(),
                configured: "a key file".to_owned(),
            }),
        };
    }
    let configured = new_source(key)?;
    let source = match stored {
        None => configured,
        Some("file") => {
            return Err(KekError::OtherSource {
                stored: "a key file".to_owned(),
                configured: configured.name(),
            });
        }
        Some(stored) => {
            let stored = parse(stored)?;
            let same = match (&stored, &configured) {
                (Source::Passphrase { .. }, Source::Passphrase { .. }) => true,
                (Source::Kmip { key_identifier: a }, Source::Kmip { key_identifier: b }) => a == b,
                _ => false,
            };
            if !same {
                return Err(KekError::OtherSource {
                    stored: stored.name(),
                    configured: configured.name(),
                });
            }
            stored
        }
    };
    let found = match (&source, &key.passphrase, &key.kmip) {
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
            let damaged = |problem: &str| KekError::Damaged(problem.to_owned());
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
        (Source::Kmip { .. }, _, Some(kmip)) => fetch(kmip).await?,
        // The configuration has been compared with it.
        (source, ..) => return Err(KekError::Damaged(source.name())),
    };
    let bytes: [u8; 32] = found
        .as_slice()
        .try_into()
        .map_err(|_| KekError::Crypto("it has not 256 bits".to_owned()))?;
    let source =
        serde_json::to_string(&source).map_err(|error| KekError::Crypto(error.to_string()))?;
    Ok(KeySource::Given {
        key: Arc::new(KeyEncryptionKey::from_bytes(Zeroizing::new(bytes))),
        source,
    })
}

/// Reads a source that nobody vouches for yet.
fn parse(source: &str) -> Result<Source, KekError> {
    serde_json::from_str(source).map_err(|error| KekError::Damaged(error.to_string()))
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
    secret::check_private(&kmip.certificate_file).map_err(KekError::Exposed)?;
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn storage(directory: &Path, passphrase: &str) -> Storage {
        let file = directory.join("passphrase");
        tls::write_private(&file, format!("{passphrase}\n").as_bytes()).unwrap();
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

    fn kmip() -> Key {
        Key {
            kmip: Some(Kmip {
                servers: "localhost".to_owned(),
                ca_file: None,
                certificate_file: "none".into(),
                key_identifier: "7".to_owned(),
            }),
            ..Key::default()
        }
    }

    /// As `kmip_server` writes it, with another key: what is of interest here is the source.
    fn keystore(storage: &Storage, source: &str) {
        std::fs::create_dir_all(&storage.directory).unwrap();
        let keystore =
            serde_json::json!({"version": 1, "source": source, "check": "", "sealed": ""});
        std::fs::write(storage.directory.join("keystore"), keystore.to_string()).unwrap();
    }

    #[tokio::test]
    async fn a_passphrase() {
        let directory = tempfile::tempdir().unwrap();
        let storage = storage(directory.path(), "open sesame");
        let KeySource::Given { source, .. } = open(&storage).await.unwrap() else {
            panic!("no key")
        };
        // A look does not write, and the passphrase is nowhere.
        assert!(!storage.directory.exists());
        assert!(!source.contains("sesame"), "{source}");
        keystore(&storage, &source);
        let error = open(&storage).await.unwrap_err();
        assert!(matches!(error, KekError::WrongPassphrase(_)), "{error}");
        for bad in [
            source.replace("65536", "4294967295"),
            source.replace("passes", "passages"),
            "?".to_owned(),
        ] {
            keystore(&storage, &bad);
            let error = open(&storage).await.unwrap_err();
            assert!(matches!(error, KekError::Damaged(_)), "{bad}: {error}");
        }
    }

    #[tokio::test]
    async fn another_source_than_before() {
        let directory = tempfile::tempdir().unwrap();
        let mut storage = storage(directory.path(), "open sesame");
        let KeySource::Given { source, .. } = open(&storage).await.unwrap() else {
            panic!("no key")
        };
        keystore(&storage, &source);
        let file = Key {
            file: Some(directory.path().join("kek")),
            ..Key::default()
        };
        for other in [kmip(), file] {
            storage.key = other;
            let error = open(&storage).await.unwrap_err();
            assert!(matches!(error, KekError::OtherSource { .. }), "{error}");
            assert!(error.to_string().contains("kmipd key change"), "{error}");
        }
        keystore(&storage, "file");
        storage.key = kmip();
        let error = open(&storage).await.unwrap_err();
        assert!(matches!(error, KekError::OtherSource { .. }), "{error}");
    }
}
