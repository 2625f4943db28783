//! The file that says how the objects are encrypted.
//!
//! ```text
//! DIRECTORY/keystore   {"version":1, "source":"…", "check":"…", "sealed":"…"}
//! ```
//!
//! `sealed` is base64 of a sealed record (`seal`) under the key-encryption key: the key that objects are sealed
//! under, and the data key of each tree. `source`, in clear and authenticated, says where the key-encryption key comes
//! from: `file`, or what whoever found the key has to know to find it again. `check` tells another key from damage:
//! 8 bytes that only the right key yields. The file is replaced as a whole: written beside, synced, renamed, the
//! directory synced.
//!
//! So another key-encryption key, from the same source or another one, is one small file written anew
//! ([`change_key`]); no object is touched.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use storage::TreeId;
use storage::keys::{DataKeys, KeyError, KeyRing};
use zeroize::Zeroizing;

use super::seal::Sealer;
use super::{KeyEncryptionKey, KeySource, StoreError};

/// The file's name: backups know it.
pub(super) const FILE: &str = "keystore";
const VERSION: u32 = 1;
/// No keystore is longer, in bytes: it holds two data keys.
const MAX_BYTES: u64 = 64 * 1024;
const KEY_BYTES: usize = 32;
const TREE_BYTES: usize = 16;
/// Of a data key: each tree has one.
const DATA_KEY: u32 = 1;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    source: String,
    check: String,
    sealed: String,
}

/// The keys of a store, in memory that is wiped when it is dropped.
pub(super) struct Keystore {
    directory: PathBuf,
    key: Arc<KeyEncryptionKey>,
    source: String,
    keys: RwLock<Keys>,
}

struct Keys {
    objects: Zeroizing<[u8; KEY_BYTES]>,
    trees: BTreeMap<TreeId, Zeroizing<[u8; KEY_BYTES]>>,
}

/// Where the key-encryption key of the store in this directory comes from, as its keystore says; `None` if there is
/// no keystore.
///
/// # Errors
/// [`StoreError::Io`], [`StoreError::Keystore`].
pub fn source(directory: &Path) -> Result<Option<String>, StoreError> {
    Ok(read(directory)?.map(|file| file.source))
}

/// Puts the keystore of a store that nobody has open under another key-encryption key. A crash leaves it under the old
/// one or the new one.
///
/// # Errors
/// [`StoreError::InUse`]; of the old key as when the store is opened; [`StoreError::KeyMissing`] for the new one.
pub fn change_key(directory: &Path, from: &KeySource, to: &KeySource) -> Result<(), StoreError> {
    let _lock = storage::DbpathLock::take(directory)?;
    let old = Keystore::open(directory, from, false)?;
    let new = Keystore {
        key: to.key(directory, false)?,
        source: to.description().to_owned(),
        directory: directory.to_owned(),
        keys: old.keys,
    };
    new.write(&new.keys.read())
}

/// Whether this key opens the keystore. `None` if there is no keystore yet.
///
/// # Errors
/// As when the store is opened.
pub fn check_key(directory: &Path, key: &KeySource) -> Result<Option<()>, StoreError> {
    match read(directory)? {
        None => Ok(None),
        Some(_) => Keystore::open(directory, key, false).map(|_| Some(())),
    }
}

impl Keystore {
    /// The keystore of the directory. Without one, a new one is made if `is_new`: there are no objects yet.
    pub(super) fn open(
        directory: &Path,
        key: &KeySource,
        is_new: bool,
    ) -> Result<Self, StoreError> {
        let Some(file) = read(directory)? else {
            if !is_new {
                return Err(damaged(
                    directory,
                    "it is missing, but there are objects: restore it from a backup",
                ));
            }
            return Self::create(directory, key);
        };
        if file.source != key.description() {
            return Err(StoreError::OtherSource {
                path: directory.join(FILE),
                stored: file.source,
            });
        }
        let kek = key.key(directory, false)?;
        if file.check != check_of(&kek) {
            return Err(StoreError::WrongKey {
                path: directory.join(FILE),
            });
        }
        let sealed = BASE64_STANDARD.decode(&file.sealed);
        let keys = sealed
            .ok()
            .and_then(|sealed| Sealer::new(kek.bytes()).open(file.source.as_bytes(), &sealed))
            .and_then(|keys| Keys::decode(&keys))
            .ok_or_else(|| damaged(directory, "restore it from a backup"))?;
        Ok(Self {
            directory: directory.to_owned(),
            key: kek,
            source: file.source,
            keys: RwLock::new(keys),
        })
    }

    fn create(directory: &Path, key: &KeySource) -> Result<Self, StoreError> {
        let this = Self {
            directory: directory.to_owned(),
            key: key.key(directory, true)?,
            source: key.description().to_owned(),
            keys: RwLock::new(Keys {
                objects: random()?,
                trees: BTreeMap::new(),
            }),
        };
        this.write(&this.keys.read())?;
        Ok(this)
    }

    /// What seals and opens objects.
    pub(super) fn sealer(&self) -> Sealer {
        Sealer::new(&self.keys.read().objects)
    }

    /// Where the key-encryption key comes from.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// Copies the file into a directory, durably.
    pub(super) fn copy_to(&self, directory: &Path) -> Result<(), StoreError> {
        let keys = self.keys.read();
        self.write_to(directory, &keys)
    }

    fn write(&self, keys: &Keys) -> Result<(), StoreError> {
        self.write_to(&self.directory, keys)
    }

    fn write_to(&self, directory: &Path, keys: &Keys) -> Result<(), StoreError> {
        let sealed = Sealer::new(self.key.bytes())
            .seal(self.source.as_bytes(), &keys.encode())
            .ok_or(StoreError::Crypto)?;
        let file = File {
            version: VERSION,
            source: self.source.clone(),
            check: check_of(&self.key),
            sealed: BASE64_STANDARD.encode(sealed),
        };
        let path = directory.join(FILE);
        let mut text = serde_json::to_vec_pretty(&file)
            .map_err(|error| StoreError::io("write", &path)(error.into()))?;
        text.push(b'\n');
        tls::write_private(&path, &text)
            .map_err(|error| StoreError::io("write", &path)(std::io::Error::other(error)))
    }

    /// Changes the data keys, on the disk first.
    fn change(&self, change: impl FnOnce(&mut Keys)) -> Result<(), StoreError> {
        let mut keys = self.keys.write();
        let mut changed = Keys {
            objects: keys.objects.clone(),
            trees: keys.trees.clone(),
        };
        change(&mut changed);
        self.write(&changed)?;
        *keys = changed;
        Ok(())
    }
}

impl Keys {
    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let capacity = KEY_BYTES + self.trees.len() * (TREE_BYTES + KEY_BYTES);
        let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
        bytes.extend_from_slice(self.objects.as_slice());
        for (tree, key) in &self.trees {
            bytes.extend_from_slice(&tree.0);
            bytes.extend_from_slice(key.as_slice());
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (objects, rest) = bytes.split_first_chunk::<KEY_BYTES>()?;
        let entries = rest.chunks_exact(TREE_BYTES + KEY_BYTES);
        if !entries.remainder().is_empty() {
            return None;
        }
        let entry = |entry: &[u8]| {
            let (tree, key) = entry.split_first_chunk::<TREE_BYTES>()?;
            let key: &[u8; KEY_BYTES] = key.try_into().ok()?;
            Some((TreeId(*tree), Zeroizing::new(*key)))
        };
        Some(Self {
            objects: Zeroizing::new(*objects),
            trees: entries.map(entry).collect::<Option<_>>()?,
        })
    }
}

/// What only this key yields.
fn check_of(key: &KeyEncryptionKey) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.bytes());
    let tag = hmac::sign(&key, b"strongroom kmip keystore: is this the key?");
    BASE64_STANDARD.encode(tag.as_ref().get(..8).unwrap_or_default())
}

fn random() -> Result<Zeroizing<[u8; KEY_BYTES]>, StoreError> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|_| StoreError::Crypto)?;
    Ok(bytes)
}

fn damaged(directory: &Path, what: &str) -> StoreError {
    StoreError::Keystore {
        path: directory.join(FILE),
        what: what.to_owned(),
    }
}

fn read(directory: &Path) -> Result<Option<File>, StoreError> {
    let path = directory.join(FILE);
    let mut text = Vec::new();
    match fs::File::open(&path) {
        Ok(file) => file
            .take(MAX_BYTES)
            .read_to_end(&mut text)
            .map_err(StoreError::io("read", &path))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("read", &path)(error)),
    };
    parse(&text)
        .map(Some)
        .map_err(|what| damaged(directory, &what))
}

/// Reads a keystore that nobody vouches for.
fn parse(text: &[u8]) -> Result<File, String> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let not_ours = |error: serde_json::Error| format!("it is not a keystore of kmipd: {error}");
    let Version { version } = serde_json::from_slice(text).map_err(not_ours)?;
    if version != VERSION {
        return Err(format!(
            "it has version {version}, and this kmipd reads {VERSION}: use the kmipd that wrote it, or a newer one"
        ));
    }
    serde_json::from_slice(text).map_err(not_ours)
}

/// The keystore as the storage layer sees it.
pub(super) struct Ring(pub(super) Arc<Keystore>);

struct TreeKey(Zeroizing<[u8; KEY_BYTES]>);

impl DataKeys for TreeKey {
    fn active(&self) -> u32 {
        DATA_KEY
    }

    fn key(&self, id: u32) -> Option<Zeroizing<[u8; 32]>> {
        (id == DATA_KEY).then(|| self.0.clone())
    }
}

impl KeyRing for Ring {
    fn create(&self, tree: TreeId) -> Result<Arc<dyn DataKeys>, KeyError> {
        let key = random()?;
        self.0.change(|keys| {
            keys.trees.insert(tree, key.clone());
        })?;
        Ok(Arc::new(TreeKey(key)))
    }

    fn lookup(&self, tree: TreeId) -> Result<Option<Arc<dyn DataKeys>>, KeyError> {
        let keys = self.0.keys.read();
        let key = keys.trees.get(&tree).cloned();
        Ok(key.map(|key| Arc::new(TreeKey(key)) as Arc<dyn DataKeys>))
    }

    fn rotate(&self, _: TreeId) -> Result<u32, KeyError> {
        Err("this key ring has one data key for each tree".into())
    }

    fn destroy(&self, tree: TreeId) -> Result<(), KeyError> {
        Ok(self.0.change(|keys| {
            keys.trees.remove(&tree);
        })?)
    }

    fn trees(&self) -> Result<Vec<TreeId>, KeyError> {
        Ok(self.0.keys.read().trees.keys().copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(byte: u8, source: &str) -> KeySource {
        KeySource::Given {
            key: Arc::new(KeyEncryptionKey::from_bytes(Zeroizing::new([byte; 32]))),
            source: source.to_owned(),
        }
    }

    #[test]
    fn what_is_written_is_read_and_a_wrong_key_is_told_from_damage() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let key = given(1, "from somewhere");
        assert!(source(path).unwrap().is_none());
        assert!(check_key(path, &key).unwrap().is_none());
        assert!(Keystore::open(path, &key, false).is_err());
        let ring = Ring(Arc::new(Keystore::open(path, &key, true).unwrap()));
        let tree = TreeId([5; 16]);
        let data_key = ring.create(tree).unwrap().key(DATA_KEY).unwrap();
        drop(ring);
        assert_eq!(source(path).unwrap().unwrap(), "from somewhere");
        assert!(check_key(path, &key).unwrap().is_some());

        let ring = Ring(Arc::new(Keystore::open(path, &key, false).unwrap()));
        let again = ring.lookup(tree).unwrap().unwrap();
        assert_eq!(again.key(DATA_KEY).unwrap(), data_key);
        assert!(again.key(2).is_none());
        assert_eq!(ring.trees().unwrap(), [tree]);

        let error = |key: &KeySource| Keystore::open(path, key, false).err().unwrap();
        assert!(matches!(
            error(&given(2, "from somewhere")),
            StoreError::WrongKey { .. }
        ));
        assert!(matches!(
            error(&given(1, "from elsewhere")),
            StoreError::OtherSource { .. }
        ));
        let text = fs::read_to_string(path.join(FILE)).unwrap();
        assert!(!text.contains(&BASE64_STANDARD.encode(data_key.as_slice())));
        for (from, to) in [
            ("\"sealed\": \"", "\"sealed\": \"A"),
            ("\"version\": 1", "\"version\": 2"),
            ("\"source\"", "\"sauce\""),
        ] {
            fs::write(path.join(FILE), text.replace(from, to)).unwrap();
            assert!(matches!(error(&key), StoreError::Keystore { .. }), "{to}");
        }
        // What the file says of its source is authenticated.
        fs::write(path.join(FILE), text.replace("somewhere", "elsewhere")).unwrap();
        let other = given(1, "from elsewhere");
        assert!(matches!(error(&other), StoreError::Keystore { .. }));
        fs::write(path.join(FILE), &text).unwrap();

        ring.destroy(tree).unwrap();
        assert!(ring.lookup(tree).unwrap().is_none());
        drop(ring);
        let ring = Ring(Arc::new(Keystore::open(path, &key, false).unwrap()));
        assert!(ring.lookup(tree).unwrap().is_none());
    }

    #[test]
    fn another_key_encryption_key_and_another_source() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let (old, new) = (given(1, "old"), given(2, "new"));
        let ring = Ring(Arc::new(Keystore::open(path, &old, true).unwrap()));
        let tree = TreeId([5; 16]);
        let data_key = ring.create(tree).unwrap().key(DATA_KEY).unwrap();
        drop(ring);
        assert!(change_key(path, &new, &old).is_err());
        change_key(path, &old, &new).unwrap();
        assert!(Keystore::open(path, &old, false).is_err());
        let ring = Ring(Arc::new(Keystore::open(path, &new, false).unwrap()));
        let again = ring.lookup(tree).unwrap().unwrap();
        assert_eq!(again.key(DATA_KEY).unwrap(), data_key);
    }

    #[test]
    fn any_bytes() {
        bolero::check!()
            .with_iterations(2_000)
            .with_type::<Vec<u8>>()
            .for_each(|bytes| {
                let _ = parse(bytes);
                let _ = Keys::decode(bytes);
            });
    }
}
