//! `backup.json`: what a backup holds, and which master key opens it. In clear, and without a
//! secret or the name of a database.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::copy::write_file;
use crate::error::{Error, Result};
use crate::keys::TreeId;
use crate::store::FORMAT_FILE;

/// The manifest's name.
pub const MANIFEST_FILE: &str = "backup.json";
/// The name of the keystore, which is not this crate's.
pub(crate) const KEYSTORE_FILE: &str = "keystore";
/// The version that this code writes, and the newest that it reads.
const VERSION: u32 = 1;
/// No manifest is longer, in bytes: room for about a million files.
const MAX_BYTES: u64 = 256 << 20;
/// No text of a manifest is longer, in bytes.
const MAX_TEXT: usize = 2048;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Manifest {
    /// The version of this format.
    pub format: u32,
    /// The version of the server that made the backup.
    pub server_version: String,
    /// The dbpath's random identifier. A restored copy has the same one.
    pub dbpath_id: String,
    /// When the backup was asked for, RFC 3339: what was acknowledged before is in it.
    pub started_at: String,
    /// The instant that the data is of, RFC 3339.
    pub point_in_time: String,
    /// When the last file was written, RFC 3339.
    pub finished_at: String,
    /// Which master key opens it; nothing if it is not encrypted.
    pub master_key: Option<MasterKey>,
    /// The master keys that databases in it have of their own, each once, sorted. Nothing says which database has
    /// which.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub database_keys: Vec<DatabaseKey>,
    /// The sum of the files' sizes, in bytes.
    pub bytes: u64,
    /// The files, sorted by path.
    pub files: Vec<FileEntry>,
}

/// Which master key opens a backup. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MasterKey {
    /// Where it comes from: `kmip` or `keyFile`.
    pub provider: String,
    /// Its unique identifier on the KMIP server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// The Name that it was created under on the KMIP server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_name: Option<String>,
    /// 1 for the dbpath's first master key, one more with each rotation.
    pub generation: u32,
    /// The KMIP servers, `host:port`, as they were configured when the backup was made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<String>,
    /// Whether the key does not leave its KMIP server (`security.kmip.wrapOnServer`), which has to unwrap what opens the
    /// backup. Nothing in manifests from before there was the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrap_on_server: Option<bool>,
    /// How the data is encrypted: the value of `security.encryptionCipherMode`.
    pub cipher_mode: String,
}

/// A master key that a database has of its own, on the KMIP server. Its Name is left out: it may say whose it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseKey {
    /// Its unique identifier.
    pub key_id: String,
    /// Whether it does not leave its KMIP server.
    pub wrap_on_server: bool,
}

impl fmt::Display for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&*self.provider, &self.key_id) {
            ("kmip", Some(id)) => write!(f, "KMIP key {id:?}")?,
            ("kmip", None) => f.write_str("KMIP key")?,
            ("keyFile", _) => f.write_str("the file of security.encryptionKeyFile")?,
            (other, _) => write!(f, "provider {other:?}")?,
        }
        if let Some(name) = &self.key_name {
            write!(f, ", Name {name:?}")?;
        }
        write!(f, ", generation {}", self.generation)?;
        if !self.servers.is_empty() {
            write!(f, ", on {}", self.servers.join(", "))?;
        }
        if self.wrap_on_server == Some(true) {
            f.write_str(", which unwraps with it (wrapOnServer)")?;
        }
        Ok(())
    }
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Where it is, relative to the backup, with `/` between the parts.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256.
    #[serde(with = "hex_digest")]
    pub sha256: [u8; 32],
}

mod hex_digest {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(digest: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::encode(digest))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(from)?;
        let mut digest = [0; 32];
        hex::decode_to_slice(&text, &mut digest)
            .map_err(|_| de::Error::custom("not 64 hexadecimal digits"))?;
        Ok(digest)
    }
}

#[derive(Deserialize)]
struct Version {
    format: u32,
}

impl Manifest {
    pub(crate) const VERSION: u32 = VERSION;

    /// The manifest of the backup in `directory`. [`NotABackup`](Error::NotABackup) if there is
    /// none, or one that cannot be used, [`Incomplete`](Error::Incomplete) if it did not finish.
    pub fn read(directory: &Path) -> Result<Self> {
        super::check_complete(directory)?;
        let path = directory.join(MANIFEST_FILE);
        let not = |reason: String| Error::NotABackup {
            path: directory.to_owned(),
            reason,
        };
        let mut bytes = Vec::new();
        match File::open(&path) {
            Ok(file) => file
                .take(MAX_BYTES + 1)
                .read_to_end(&mut bytes)
                .map_err(|source| Error::io(format!("reading {}", path.display()), source))?,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(not(format!("it has no {MANIFEST_FILE}")));
            }
            Err(source) => return Err(Error::io(format!("reading {}", path.display()), source)),
        };
        Self::parse(&bytes).map_err(not)
    }

    /// Reads a manifest that nobody vouches for.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() as u64 > MAX_BYTES {
            return Err(format!("{MANIFEST_FILE} has more than {MAX_BYTES} bytes"));
        }
        let damaged = |error: serde_json::Error| format!("{MANIFEST_FILE} is damaged: {error}");
        let Version { format } = serde_json::from_slice(bytes).map_err(damaged)?;
        if format > VERSION {
            return Err(format!(
                "{MANIFEST_FILE} has format {format}, and this version reads up to {VERSION}: use \
                 the version that wrote it, or a newer one"
            ));
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(damaged)?;
        manifest
            .check()
            .map_err(|what| format!("{MANIFEST_FILE} is damaged: {what}"))?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), &'static str> {
        let texts = [
            &self.server_version,
            &self.dbpath_id,
            &self.started_at,
            &self.point_in_time,
            &self.finished_at,
        ];
        if texts.iter().any(|text| text.len() > MAX_TEXT) {
            return Err("a text is too long");
        }
        if let Some(key) = &self.master_key {
            let servers = key.servers.iter();
            let texts = key.key_id.iter().chain(&key.key_name).chain(servers);
            let mut texts = texts.chain([&key.provider, &key.cipher_mode]);
            if texts.any(|text| text.len() > MAX_TEXT) {
                return Err("a text of the master key is too long");
            }
        }
        if (self.database_keys.iter()).any(|key| key.key_id.len() > MAX_TEXT) {
            return Err("a text of a database's key is too long");
        }
        let mut paths = BTreeSet::new();
        let mut sum = 0_u64;
        for file in &self.files {
            if !is_ours(&file.path) {
                return Err("it names a file that no backup has");
            }
            if !paths.insert(&*file.path) {
                return Err("it names a file twice");
            }
            sum = sum.checked_add(file.bytes).ok_or("its sizes overflow")?;
        }
        if sum != self.bytes {
            return Err("the sizes of its files are not its size");
        }
        if !paths.contains(FORMAT_FILE) {
            return Err("it does not name strongroom.format");
        }
        if paths.contains(KEYSTORE_FILE) != self.master_key.is_some() {
            return Err("a keystore and a master key go together");
        }
        Ok(())
    }

    /// Writes it into `directory`, durably. Blocks.
    pub(crate) fn write(&self, directory: &Path) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::Engine(format!("{MANIFEST_FILE}: {error}")))?;
        write_file(directory, MANIFEST_FILE, &bytes)
    }
}

/// Whether a backup can have a file of this path: nothing that leads out of it.
fn is_ours(path: &str) -> bool {
    let mut parts = path.split('/');
    match parts.next() {
        Some(FORMAT_FILE | KEYSTORE_FILE) => parts.next().is_none(),
        Some("trees") => {
            let is_tree = parts
                .next()
                .is_some_and(|id| TreeId::from_hex(id).is_some());
            let rest: Vec<_> = parts.collect();
            is_tree && (1..=4).contains(&rest.len()) && rest.into_iter().all(is_name)
        }
        _ => false,
    }
}

fn is_name(part: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=255).contains(&part.len()) && !part.starts_with('.') && part.bytes().all(known)
}

/// A time as a manifest has it.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let time = OffsetDateTime::from(time);
    let time = time.replace_nanosecond(time.nanosecond() / 1_000_000 * 1_000_000);
    let text = time.ok().and_then(|time| time.format(&Rfc3339).ok());
    text.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> FileEntry {
        FileEntry {
            path: path.to_owned(),
            bytes: 7,
            sha256: [0xAB; 32],
        }
    }

    fn manifest() -> Manifest {
        Manifest {
            format: VERSION,
            server_version: "0.1.0".to_owned(),
            dbpath_id: "6f1c".to_owned(),
            started_at: rfc3339(SystemTime::UNIX_EPOCH),
            point_in_time: rfc3339(SystemTime::UNIX_EPOCH),
            finished_at: rfc3339(SystemTime::UNIX_EPOCH),
            master_key: Some(MasterKey {
                provider: "kmip".to_owned(),
                key_id: Some("42".to_owned()),
                key_name: None,
                generation: 1,
                servers: vec!["kmip.example.com:5696".to_owned()],
                wrap_on_server: Some(true),
                cipher_mode: "AES256-GCM".to_owned(),
            }),
            database_keys: vec![DatabaseKey {
                key_id: "43".to_owned(),
                wrap_on_server: false,
            }],
            bytes: 21,
            files: vec![
                file("keystore"),
                file("strongroom.format"),
                file("trees/000102030405060708090a0b0c0d0e0f/wal/00000000000000000001.wal"),
            ],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let error = Manifest::read(directory.path()).unwrap_err();
        assert!(matches!(error, Error::NotABackup { .. }), "{error:?}");
        manifest().write(directory.path()).unwrap();
        assert_eq!(Manifest::read(directory.path()).unwrap(), manifest());
        let text = std::fs::read_to_string(directory.path().join(MANIFEST_FILE)).unwrap();
        assert!(text.contains("\"keyId\": \"42\""), "{text}");
        assert!(
            text.contains("\"databaseKeys\"") && text.contains("\"43\""),
            "{text}"
        );
        // As it was before there were these fields.
        let mut older: serde_json::Value = serde_json::from_str(&text).unwrap();
        older.as_object_mut().unwrap().remove("databaseKeys");
        let key = older["masterKey"].as_object_mut().unwrap();
        key.remove("wrapOnServer");
        let older = Manifest::parse(older.to_string().as_bytes()).unwrap();
        assert_eq!(older.master_key.unwrap().wrap_on_server, None);
        assert!(older.database_keys.is_empty());
        assert!(text.contains("1970-01-01T00:00:00Z"), "{text}");
        super::super::Incomplete::Backup
            .set(directory.path())
            .unwrap();
        let error = Manifest::read(directory.path()).unwrap_err();
        assert!(matches!(error, Error::Incomplete { .. }), "{error:?}");
    }

    #[test]
    fn what_no_backup_has_is_refused() {
        type Change = fn(&mut Manifest);
        let changes: [(&str, Change); 9] = [
            ("format 2", |m| m.format = 2),
            ("sizes", |m| m.bytes += 1),
            ("twice", |m| m.files.push(file("keystore"))),
            ("overflow", |m| m.files[0].bytes = u64::MAX),
            ("strongroom.format", |m| {
                m.files.remove(1);
                m.bytes -= 7;
            }),
            ("go together", |m| m.master_key = None),
            ("too long", |m| m.server_version = "x".repeat(3000)),
            ("too long", |m| {
                m.master_key.as_mut().unwrap().servers[0] = "x".repeat(3000);
            }),
            ("no backup has", |m| {
                m.files[2].path = "trees/../../etc/passwd".to_owned()
            }),
        ];
        for (expected, change) in changes {
            let mut changed = manifest();
            change(&mut changed);
            let error = Manifest::parse(&serde_json::to_vec(&changed).unwrap()).unwrap_err();
            assert!(error.contains(expected), "{expected}: {error}");
        }
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "trees",
            "trees/x/y",
            "keystore/x",
            "backup.json",
            "trees/000102030405060708090a0b0c0d0e0f",
            "trees/000102030405060708090a0b0c0d0e0f/",
            "trees/000102030405060708090a0b0c0d0e0f/..",
            "trees/000102030405060708090a0b0c0d0e0f/a//b",
            "trees/000102030405060708090A0B0C0D0E0F/x",
            "trees/000102030405060708090a0b0c0d0e0f/a b",
        ] {
            assert!(!is_ours(path), "{path}");
        }
    }

    #[test]
    fn no_bytes_upset_the_parser() {
        bolero::check!()
            .with_iterations(2000)
            .for_each(|bytes: &[u8]| {
                let _ = Manifest::parse(bytes);
            });
        // What is nearly a manifest.
        let text = serde_json::to_vec(&manifest()).unwrap();
        bolero::check!()
            .with_iterations(2000)
            .with_type::<(usize, u8)>()
            .for_each(|(at, byte)| {
                let mut text = text.clone();
                let at = at % text.len();
                text[at] = *byte;
                if let Ok(manifest) = Manifest::parse(&text) {
                    assert!(manifest.files.iter().all(|file| is_ours(&file.path)));
                }
            });
    }
}
